"""How far off keypoints are by what their model says of them, and what fusion gains by knowing.

The truth of a keypoint is where the other cameras put it, and their share of the difference is
taken off. Extrinsics are refined on the even instants, and the odd ones are looked at.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core import swaps, triangulate, whitening
from core.anatomy import anatomy_of
from core.calibration.people import fitted as agreeing
from core.cameras import Rig, undistort
from core.config import FusionConfig
from core.messages import Keypoints2D, view
from core.pose import certainty
from core.pose.certainty import RAYLEIGH_MEDIAN, Certainty
from core.pose.certainty_table import CERTAINTIES
from tools.bench_certainty_fusion import compare
from tools.bench_seen import Seen, demo

F64 = NDArray[np.float64]
Row = dict[str, float | str]

_ROUNDS = 6
_N_ROWS = 8
_FIRST_SD = 0.01
_SD_PX = 6.0  # of weight 1; what it is makes no difference
_LEAST_VIEWS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Keypoints of T instants, C cameras, left and right put right."""

    rig: Rig
    points_px: F64  # (T, C, J, 2)
    confidence: F64  # (T, C, J), 0 where not used
    score: F64  # (T, C, J)
    shape: F64  # (T, C, J, 3) of determinant 1
    height_px: F64  # (T, C)


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Of N keypoints in cameras that took no part."""

    score: F64  # (N,)
    normalised: F64  # (N,) length in expected standard deviations, those of both sides
    sd: F64  # (N,) expected of the keypoint, parts of the region's height
    camera: NDArray[np.intp]  # (N,)

    @property
    def own(self) -> F64:
        """Lengths as of the keypoint alone, parts of the region's height."""
        return self.normalised * self.sd


def measure(model: str) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
    """Reliability of the table in use, and of one fitted without the camera it is asked about; the
    table as fitted to all; and what the fusion makes of the one in use.
    """
    seen = demo(model)
    table = table_of(seen)
    even = np.arange(0, len(table.score), 2)
    usable = np.where(np.isfinite(table.score), table.confidence, 0.0)
    rig = agreeing(
        table.rig,
        np.concatenate(list(table.points_px[even]), axis=1),
        np.concatenate(list(usable[even]), axis=1),
    )
    odd = _picked(replace(table, rig=rig), np.arange(1, len(table.score), 2))
    found = fitted(odd)
    knots = zip(found.score.tolist(), found.sd.tolist(), strict=True)
    return (
        reliability(residuals(odd, CERTAINTIES.get(model, found))),
        reliability(_of_others(odd)),
        [{"score": score, "sd, % of region": 100 * sd} for score, sd in knots],
        compare(seen, "shipped") + compare(replace(seen, rig=rig), "refined"),
    )


def table_of(seen: Seen) -> Table:
    """Arrays of what was seen, with left and right put right."""
    anatomy = anatomy_of(seen.messages[0].skeleton)
    n_cameras = len(seen.rig.names)
    rows = [_row(one, anatomy.n_keypoints) for one in seen.messages]
    stacked = [np.stack(one) for one in zip(*rows, strict=True)]
    points_px, confidence, covariance = (
        one.reshape(-1, n_cameras, *one.shape[1:]) for one in stacked
    )
    score = seen.score.copy()
    for t in range(len(points_px)):
        ideal_px = undistort(seen.rig.image_from_cam, seen.rig.distortion, points_px[t])
        flags = swaps.from_scratch(seen.rig.image_from_world, ideal_px, confidence[t], anatomy)
        for values in (points_px, confidence, covariance, score):
            values[t] = swaps.apply(values[t], flags, anatomy)
    with np.errstate(invalid="ignore"):
        size = np.sqrt(covariance[..., 0] * covariance[..., 1] - covariance[..., 2] ** 2)
        shape = covariance / size[..., None]
    even = np.array([1.0, 1.0, 0.0])
    shape = np.where(np.isfinite(shape), shape, even)
    return Table(seen.rig, points_px, confidence, score, shape, seen.height_px)


def _row(message: Keypoints2D, n_keypoints: int) -> tuple[F64, F64, F64]:
    """Points (J, 2), confidence (J,) and covariance (J, 3) of the first person."""
    points_px, covariance = np.full((n_keypoints, 2), np.nan), np.full((n_keypoints, 3), np.nan)
    confidence = np.zeros(n_keypoints)
    for person in message.persons[:1]:
        points_px = view(person, "keypoints_px").astype(np.float64)
        confidence = view(person, "confidence").astype(np.float64)
        if person.covariance_px2:
            covariance = view(person, "covariance_px2").astype(np.float64)
    usable = (confidence >= FusionConfig().min_confidence) & np.isfinite(points_px).all(axis=1)
    return points_px, np.where(usable, confidence, 0.0), covariance


def _picked(table: Table, rows: NDArray[np.intp]) -> Table:
    return replace(
        table,
        points_px=table.points_px[rows],
        confidence=table.confidence[rows],
        score=table.score[rows],
        shape=table.shape[rows],
        height_px=table.height_px[rows],
    )


def residuals(table: Table, known: Certainty) -> Residuals:
    """Errors in each camera against the others, next to what ``known`` says of both."""
    sd = known.at(table.score)  # (T, C, J)
    size_px = sd * table.height_px[..., None]
    covariance = table.shape * (size_px**2)[..., None]
    usable = np.where(np.isfinite(table.score), table.confidence, 0.0)
    normalised = np.full(sd.shape, np.nan)
    for t in range(len(sd)):
        for camera in range(sd.shape[1]):
            normalised[t, camera] = _held_out(
                table.rig, camera, table.points_px[t], usable[t], covariance[t]
            )
    there = np.isfinite(normalised)
    return Residuals(
        table.score[there], normalised[there], sd[there], np.nonzero(there)[1].astype(np.intp)
    )


def _held_out(rig: Rig, camera: int, points_px: F64, weight: F64, covariance: F64) -> F64:
    """Length (J,) of one camera's errors in expected standard deviations; NaN where not told."""
    others = weight.copy()
    others[camera] = 0.0
    ideal_px = undistort(rig.image_from_cam, rig.distortion, points_px)
    told = whitening.whitened(others, covariance, _SD_PX)
    found = triangulate.robust(
        rig.image_from_world, ideal_px, told.weight, _SD_PX, whitening=told.whitening
    )
    homogeneous = np.concatenate([found.points_m, np.ones((len(found.points_m), 1))], axis=1)
    in_camera = homogeneous @ rig.image_from_world[camera].T  # (J, 3)
    pixels = in_camera[:, :2] / in_camera[:, 2:]
    third = rig.image_from_world[camera, 2, :3]
    slope = rig.image_from_world[camera, :2, :3] - pixels[..., None] * third
    slope = slope / in_camera[:, 2, None, None]  # (J, 2, 3)
    spread = whitening.matrices(covariance[camera])
    spread = spread + slope @ found.covariance_m2 @ np.swapaxes(slope, 1, 2)
    enough = (weight[camera] > 0) & (found.n_views >= _LEAST_VIEWS - 1)
    enough &= np.isfinite(found.points_m[:, 0]) & np.isfinite(spread).all(axis=(1, 2))
    out = np.full(len(weight[camera]), np.nan)
    off_px = (ideal_px[camera] - pixels)[enough]
    squares = np.einsum(
        "ji,ji->j", off_px, np.linalg.solve(spread[enough], off_px[..., None])[..., 0]
    )
    out[enough] = np.sqrt(squares)
    return out


def fitted(table: Table, without: int = -1) -> Certainty:
    """Fit the curve; each round takes off what the others are wrong by, as the round before says.

    ``without``: a camera whose residuals are left out.
    """
    known = Certainty(np.array([0.0]), np.array([_FIRST_SD]))
    for _ in range(_ROUNDS):
        found = residuals(table, known)
        chosen = found.camera != without
        known = certainty.fit(found.score[chosen], found.own[chosen])
    return known


def _of_others(table: Table) -> Residuals:
    """Residuals of each camera by what was fitted to those of the others."""
    each = [
        (residuals(table, fitted(table, camera)), camera) for camera in range(len(table.rig.names))
    ]
    parts = [(found, found.camera == camera) for found, camera in each]
    return Residuals(
        *(
            np.concatenate([getattr(found, name)[mine] for found, mine in parts])
            for name in ("score", "normalised", "sd", "camera")
        )
    )


def reliability(found: Residuals) -> list[Row]:
    """Score bins: what was predicted and what was seen. Rayleigh: 39, 86 and 99 % within."""
    order = np.argsort(found.score, kind="stable")
    bins = [*np.array_split(order, _N_ROWS), order]
    rows = []
    for rows_of in bins:
        score, normalised = found.score[rows_of], found.normalised[rows_of]
        whole = len(rows_of) == len(order)
        row: Row = {
            "score": "all" if whole else f"{score.min():.3g} to {score.max():.3g}",
            "n": len(rows_of),
            "predicted sd, % of region": 100 * float(np.median(found.sd[rows_of])),
            "observed": 100 * float(np.median(found.own[rows_of])) / RAYLEIGH_MEDIAN,
        }
        for k in (1, 2, 3):
            row[f"within {k} sd, %"] = 100 * float((normalised <= k).mean())
        rows.append(row)
    return rows
