"""Watches the cameras' clocks: how late each camera's pictures are against those of the others.

What a late camera sees lies behind where the others put it, by its image velocity times the delay.
An offset that grows with the speed is therefore time; one that does not is a matter of pose. Only
how an offset *changes* within a second is compared with how the velocity changes, for each keypoint
by itself: what is constant (a turned camera, a keypoint placed beside the joint) falls out. A late
camera also draws the points, and with them the offsets of the others; so all delays are estimated
together.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.cameras import Rig, project
from core.quality import HeldOutViews, hold_out

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

LATE_FROM_MS = 10.0  # keypoint models alone can make cameras seem nearly as far apart
_CERTAIN_SD = 5.0
_BLOCK_NS = 1_000_000_000
_BLOCKS_KEPT = 40
_BLOCKS_NEEDED = 10
_LEAST_LOOKS = 5
_LEAST_SPEED_PX_S = 120.0
_LEAST_SPEED_PER_S = 30.0  # times the median residual: slower, the noise that offset and velocity
# share (a pixel's error draws the filter's velocity along) looks like an early clock
_OUTLIER = 4.0  # times the median residual
_STEP_S = 0.01


class Look(msgspec.Struct, frozen=True):
    """One person at one instant, C cameras and J keypoints; NaN where unknown."""

    offset_px: F64  # (C, J, 2) as of quality.HeldOutViews
    pull_px_s: F64  # (C, C, J, 2) how the first camera's running ahead changes all offsets

    def in_time_px(self, late_s: F64) -> F64:
        """Offsets (C, J, 2) as they would be without delays (C,)."""
        return self.offset_px + np.tensordot(late_s, np.nan_to_num(self.pull_px_s), axes=1)


class Block(msgspec.Struct, frozen=True):
    """What one second says: sums of products of the changes."""

    pull_pull: F64  # (C, C) px^2/s^2
    pull_offset: F64  # (C,) px^2/s


class Clocks(msgspec.Struct, frozen=True):
    """The looks of the running second, and the seconds before it."""

    begun_ns: int = 0
    looks: tuple[Mapping[int, Look], ...] = ()
    """Each by person."""
    blocks: tuple[Block, ...] = ()


class Lateness(msgspec.Struct, frozen=True):
    """Delay of C cameras against the others; NaN while unknown."""

    late_ms: F64
    sd_ms: F64

    @property
    def certain(self) -> Flags:
        """(C,) whether a delay is large and beyond doubt."""
        late_ms = np.abs(np.nan_to_num(self.late_ms))
        return (late_ms >= LATE_FROM_MS) & (late_ms >= _CERTAIN_SD * np.nan_to_num(self.sd_ms))

    @property
    def certain_s(self) -> F64:
        """(C,) delays that are beyond doubt, 0 for the other cameras."""
        return np.where(self.certain, self.late_ms, 0.0) * 1e-3

    def words(self, place: int) -> str:
        """Say ``12 ms late`` or ``12 ms early`` of a camera; nothing where there is doubt."""
        if not self.certain[place]:
            return ""
        late_ms = float(self.late_ms[place])
        return f"{abs(late_ms):.0f} ms {'late' if late_ms > 0 else 'early'}"


def image_velocity(rig: Rig, points_m: F64, velocity_m_s: F64) -> F64:
    """Velocity of points (J, 3) in each picture, (C, J, 2) px/s."""
    return (project(rig, points_m + _STEP_S * velocity_m_s) - project(rig, points_m)) / _STEP_S


def look(
    rig: Rig, points_px: F64, confidence: F64, min_confidence: float, velocity_px_s: F64
) -> tuple[HeldOutViews, Look]:
    """Hold each camera out, as the pictures are and with each camera's in turn run ahead.

    Args:
        rig: C cameras.
        points_px: (C, J, 2), confidence (C, J), min_confidence: as of ``quality.hold_out``.
        confidence: see there.
        min_confidence: see there.
        velocity_px_s: (C, J, 2) as of ``image_velocity``.
    """
    n_cameras, n_keypoints, _ = points_px.shape
    ahead = np.repeat(points_px[:, None], n_cameras, axis=1)  # (C, C, J, 2)
    each = np.arange(n_cameras)
    ahead[each, each] += _STEP_S * velocity_px_s
    as_if = hold_out(
        rig,
        ahead.reshape(n_cameras, -1, 2),
        np.tile(confidence, n_cameras),
        min_confidence,
    ).offset_px.reshape(n_cameras, n_cameras, n_keypoints, 2)
    views = hold_out(rig, points_px, confidence, min_confidence)
    pull_px_s = (as_if - views.offset_px[:, None]) / _STEP_S
    return views, Look(views.offset_px, pull_px_s.swapaxes(0, 1))


def step(state: Clocks, t_ns: int, people: Mapping[int, Look]) -> Clocks:
    """Take in one instant's people by their number; one with nobody changes nothing."""
    if not people:
        return state
    if state.looks and not 0 <= t_ns - state.begun_ns < _BLOCK_NS:
        n_cameras = len(next(iter(people.values())).offset_px)
        late_s = np.nan_to_num(lateness(state, n_cameras).late_ms) * 1e-3
        blocks = (*state.blocks, _block(state.looks, late_s))[-_BLOCKS_KEPT:]
        state = Clocks(t_ns, (), blocks)
    begun_ns = state.begun_ns if state.looks else t_ns
    return Clocks(begun_ns, (*state.looks, people), state.blocks)


def _block(looks: Sequence[Mapping[int, Look]], late_s: F64) -> Block:
    """Sum up a second, with the delays known so far for telling outliers."""
    offset, pull, camera = _rows(looks)
    known = np.isfinite(np.concatenate([offset[..., None], pull], axis=-1)).all(axis=(-2, -1))
    known = np.asarray(known)
    left_px = _less_median(offset + pull @ late_s, known)
    usual_px = _median_by(left_px, camera, len(late_s))
    good = known & (left_px <= _OUTLIER * usual_px[camera])
    good &= good.sum(axis=0) >= _LEAST_LOOKS
    offset, pull = _centred(offset, good), _centred(pull, good)
    own = np.take_along_axis(pull, camera[None, :, None, None], axis=-1)
    speed_px_s = np.sqrt((own**2).sum(axis=(0, 2, 3)) / np.maximum(good.sum(axis=0), 1))
    fast = speed_px_s >= np.maximum(_LEAST_SPEED_PX_S, _LEAST_SPEED_PER_S * usual_px[camera])
    x = pull[:, fast].reshape(-1, len(late_s))
    return Block(x.T @ x, x.T @ offset[:, fast].reshape(-1))


def _rows(looks: Sequence[Mapping[int, Look]]) -> tuple[F64, F64, NDArray[np.intp]]:
    """Stack a second of T looks; a row is one keypoint of one person in one camera.

    Returns:
        offset (T, R, 2), pull (T, R, 2, C), and the camera of each row (R,).
    """
    anybody = next(iter(looks[0].values()))
    n_cameras, n_keypoints, _ = anybody.offset_px.shape
    nobody = Look(np.full_like(anybody.offset_px, np.nan), anybody.pull_px_s)
    numbers = sorted({number for people in looks for number in people})
    table = [[people.get(number, nobody) for number in numbers] for people in looks]
    offset = np.array([[one.offset_px for one in people] for people in table])
    pull = np.array([[np.moveaxis(one.pull_px_s, 0, -1) for one in people] for people in table])
    camera = np.tile(np.repeat(np.arange(n_cameras), n_keypoints), len(numbers))
    length = len(looks)
    return offset.reshape(length, -1, 2), pull.reshape(length, -1, 2, n_cameras), camera


def _less_median(rows_px: F64, known: Flags) -> F64:
    """How far each look (T, R, 2) is from the median of its row, (T, R); inf where not known."""
    seen = np.asarray(known.any(axis=0))
    filled = np.where(known[..., None] | ~seen[:, None], rows_px, np.nan)
    filled[:, ~seen] = 0.0
    return np.where(known, np.linalg.norm(filled - np.nanmedian(filled, axis=0), axis=-1), np.inf)


def _median_by(left_px: F64, camera: NDArray[np.intp], n_cameras: int) -> F64:
    """Median of the finite values of each camera, (C,); 0 where there are none."""
    found = [left_px[:, camera == one] for one in range(n_cameras)]
    found = [values[np.isfinite(values)] for values in found]
    return np.array([np.median(values) if len(values) else 0.0 for values in found])


def _centred(rows: F64, good: Flags) -> F64:
    """Rows (T, R, …) less their mean over the good looks; 0 for the others."""
    used = good.reshape(*good.shape, *[1] * (rows.ndim - 2))
    kept = np.where(used, rows, 0.0)
    return np.where(used, kept - kept.sum(axis=0) / np.maximum(used.sum(axis=0), 1), 0.0)


def lateness(state: Clocks, n_cameras: int) -> Lateness:
    """Delay of each camera by least squares over the seconds kept, with its standard deviation.

    The seconds are taken as independent of each other, not the pictures in them (Liang and Zeger,
    "Longitudinal data analysis using generalized linear models", Biometrika 1986). Cameras that are
    all late alike agree: the median camera is taken to be right, and with fewer than three nobody
    can say who is late.
    """
    late_ms, sd_ms = np.full(n_cameras, np.nan), np.full(n_cameras, np.nan)
    if not state.blocks:
        return Lateness(late_ms, sd_ms)
    squares = np.array([one.pull_pull for one in state.blocks])  # (B, C, C)
    products = np.array([one.pull_offset for one in state.blocks])  # (B, C)
    seconds = (np.einsum("bii->bi", squares) > 0).sum(axis=0)
    known = np.flatnonzero(seconds >= _BLOCKS_NEEDED)
    if len(known) < 3:
        return Lateness(late_ms, sd_ms)
    squares, products = squares[:, known[:, None], known], products[:, known]
    inverse = np.linalg.pinv(squares.sum(axis=0), rcond=1e-6, hermitian=True)
    ahead_s = inverse @ products.sum(axis=0)
    scores = products - squares @ ahead_s
    apart = (np.eye(len(known)) - 1 / len(known)) @ inverse  # what they have in common is unknown
    variance = np.diag(apart @ (scores.T @ scores) @ apart.T)
    late_ms[known] = (np.median(ahead_s) - ahead_s) * 1e3
    sd_ms[known] = np.sqrt(variance + variance.mean() / len(known)) * 1e3
    return Lateness(late_ms, sd_ms)
