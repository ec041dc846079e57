"""Epipolar distances of all pairs of cameras, over lags: geometry and spans around the kernel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.cameras import Rig, undistort
from core.jit import plain
from core.pieces import Pieces
from core.sync.found import Views
from core.sync.lags import Costs
from core.sync.settings import SyncConfig

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LEAST_BLOCKS = 10
_SD = 1.4826  # from the median absolute deviation


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Frames that are looked at, and the time blocks that they are divided into."""

    rows: I64  # (S, 2) first and end
    block_of: I64  # (T,)
    n_blocks: int

    def pick(self, chosen: NDArray[np.intp]) -> "Spans":
        """Some of the spans; their blocks alone are counted."""
        used, blocks = np.unique(
            np.concatenate([self.block_of[a:b] for a, b in self.rows[chosen]]), return_inverse=True
        )
        block_of = np.zeros_like(self.block_of)
        rows = np.concatenate([np.arange(a, b) for a, b in self.rows[chosen]])
        block_of[rows] = blocks
        return Spans(self.rows[chosen], block_of, len(used))

    def middle(self) -> F64:
        """Middle frame of each block, (U,)."""
        rows = np.concatenate([np.arange(a, b) for a, b in self.rows])
        count = np.bincount(self.block_of[rows], minlength=self.n_blocks)
        return np.bincount(self.block_of[rows], rows, self.n_blocks) / count


def spans_of(n_frames: int, rate_hz: float, config: SyncConfig) -> Spans:
    """Cut a recording; a short one is one span, yet several blocks."""
    n_spans = max(1, round(n_frames / rate_hz / config.bias_span_s))
    n_blocks = n_spans * -(-_LEAST_BLOCKS // n_spans)
    edges = np.linspace(0, n_frames, n_spans + 1).astype(np.int64)
    block_of = np.arange(n_frames) * n_blocks // max(n_frames, 1)
    spans = Spans(np.stack([edges[:-1], edges[1:]], axis=1), block_of, n_blocks)
    if n_spans > config.most_spans:
        spans = spans.pick(np.linspace(0, n_spans - 1, config.most_spans).astype(np.intp))
    return spans


def ideal_px(views: Views, rig: Rig, config: SyncConfig) -> F64:
    """Pixels of an ideal lens (C, T, J, 2), NaN where below the least confidence."""
    sure = views.confidence[..., None] >= config.min_confidence
    seen = np.where(sure, views.points_px, np.nan)
    flat = seen.reshape(len(seen), -1, 2)
    return undistort(rig.image_from_cam, rig.distortion, flat).reshape(seen.shape)


def fundamentals(rig: Rig, pairs: I64) -> F64:
    """(P, 3, 3) with b' F a = 0 for a point's ideal pixels in the cameras (a, b) of a pair.

    Hartley and Zisserman, Multiple View Geometry (2004), 9.2.
    """
    found = np.empty((len(pairs), 3, 3))
    pixels_inv = np.linalg.inv(rig.image_from_cam)
    for number, (a, b) in enumerate(pairs):
        turn = rig.cam_from_world[b, :, :3] @ rig.cam_from_world[a, :, :3].T
        x, y, z = rig.cam_from_world[b, :, 3] - turn @ rig.cam_from_world[a, :, 3]
        across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        found[number] = pixels_inv[b].T @ across @ turn @ pixels_inv[a]
    return found


def size_px(points_px: F64) -> float:
    """How tall people are in the pictures: the median over cameras and frames; 0 for nobody."""
    up = points_px[..., 1]
    seen = np.isfinite(up).any(axis=-1)
    if not seen.any():
        return 0.0
    return float(np.median(np.nanmax(up[seen], axis=-1) - np.nanmin(up[seen], axis=-1)))


def movement_px(points_px: F64, spans: Spans) -> F64:
    """(C, S) how far the median keypoint strays within a span, one sd; 0 where not seen."""
    found = np.zeros((len(points_px), len(spans.rows)))
    for place, (first, end) in enumerate(spans.rows):
        points = points_px[:, first:end]
        count = np.isfinite(points[..., 0]).sum(axis=1)[..., None]  # (C, J, 1)
        mean = np.nansum(points, axis=1) / np.maximum(count, 1)
        square = np.nansum((points - mean[:, None]) ** 2, axis=1) / np.maximum(count, 1)
        found[:, place] = np.median(np.sqrt(square.sum(axis=-1)), axis=-1)
    return found


def costs_of(
    points_px: F64,
    geometry: tuple[I64, F64],
    spans: Spans,
    lags: tuple[I64, I64],
    soft_px: F64,
) -> Pieces[Costs]:
    """Costs of all pairs, one after the other.

    Args:
        points_px: (C, T, J, 2) ideal.
        geometry: pairs (P, 2) and their fundamental matrices (P, 3, 3).
        spans: what is looked at.
        lags: the pairs' centres (P,), and lags (L,) around them.
        soft_px: (P,) distance that counts half.
    """
    from core.sync import kernels

    (pairs, fundamental), (centre, around) = geometry, lags
    shape = (len(pairs), spans.n_blocks, points_px.shape[2], len(around))
    sums, counts = np.zeros(shape), np.zeros(shape)
    for number, (a, b) in enumerate(pairs):
        kernels.curves(
            plain(points_px[a]), plain(points_px[b]), plain(fundamental[number]),
            centre[number] + around, spans.rows, spans.block_of, float(soft_px[number]),
            sums[number], counts[number],
        )  # fmt: skip
        yield
    return Costs(pairs, centre, around, sums, counts)


def noise_px(points_px: F64, geometry: tuple[I64, F64], spans: Spans, centre: I64) -> F64:
    """Robust sd of each pair's distances (P,) at a lag; NaN where there are none."""
    from core.sync import kernels

    room = np.empty(points_px.shape[1] * points_px.shape[2])
    found = np.full(len(centre), np.nan)
    for number, (a, b) in enumerate(geometry[0]):
        count = kernels.spread(
            plain(points_px[a]), plain(points_px[b]), plain(geometry[1][number]),
            int(centre[number]), spans.rows, room,
        )  # fmt: skip
        if count:
            found[number] = _SD * np.median(room[:count])
    return found
