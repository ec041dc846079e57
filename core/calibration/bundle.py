"""Bundle adjustment: cameras and points at once, to agree with the pixels that were seen.

Levenberg-Marquardt with the exact Schur complement: the points are eliminated one by one, so that
the system to be solved has a few numbers for each camera, however many points there are. Gross
errors count linearly (soft L1). Origin, axes and scale are not held within: ``place.put_like``
does that afterwards.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration import kernels
from core.cameras import Rig, undistort
from core.jit import plain
from core.triangulate import linear

F64 = NDArray[np.float64]
SOFT_PX = 5.0
_MIN_VIEWS = 2
_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-10, 1e10
_ENOUGH = 1e-7  # of the cost
_POSE, _WITH_FOCAL = 6, 7
_Equations = tuple[F64, F64, F64, F64, F64]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Cameras and points after the adjustment."""

    rig: Rig
    points_m: F64  # (N, 3), NaN where fewer than two cameras saw it
    cost_px2: float
    rounds: int


def adjust(
    rig: Rig,
    points_px: F64,
    weight: F64,
    *,
    soft_px: float = SOFT_PX,
    focal: bool = False,
    max_rounds: int = 100,
) -> Bundle:
    """Turn and move the cameras (and change their focal lengths) until the views agree best.

    Args:
        rig: C cameras, about right; the points are triangulated with them first.
        points_px: (C, N, 2) as seen, with the lens; NaN where not seen.
        weight: (C, N); 0 where not seen.
        soft_px: errors well above it count linearly.
        focal: also seek each camera's focal length.
        max_rounds: of linear equations.

    Raises:
        ValueError: too few points seen by two cameras.
    """
    counts = np.where(np.isfinite(points_px).all(axis=-1), weight, 0.0)
    start_m = linear(
        rig.image_from_world, undistort(rig.image_from_cam, rig.distortion, points_px), counts
    )
    usable = ((counts > 0).sum(axis=0) >= _MIN_VIEWS) & np.isfinite(start_m).all(axis=-1)
    if usable.sum() < 6 * len(rig.names):
        raise ValueError(f"{usable.sum()} points seen by two of {len(rig.names)} cameras: too few")
    seen_px = plain(np.nan_to_num(points_px[:, usable].swapaxes(0, 1)))
    task = _Task(seen_px, plain(counts[:, usable].T), soft_px, _WITH_FOCAL if focal else _POSE)
    done, points_m, cost_px2, rounds = _solved(rig, plain(start_m[usable]), task, max_rounds)
    everything = np.full_like(start_m, np.nan)
    everything[usable] = points_m
    return Bundle(done, everything, cost_px2, rounds)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    seen_px: F64  # (N, C, 2)
    weight: F64  # (N, C)
    soft_px: float
    n_unknown: int

    def cost(self, rig: Rig, points_m: F64) -> float:
        return kernels.cost(*_arrays(rig), points_m, self.seen_px, self.weight, self.soft_px)


def _arrays(rig: Rig) -> tuple[F64, F64, F64]:
    return plain(rig.cam_from_world), plain(rig.distortion), plain(rig.image_from_cam)


def _solved(rig: Rig, points_m: F64, task: _Task, max_rounds: int) -> tuple[Rig, F64, float, int]:
    damping, least = _DAMPING, task.cost(rig, points_m)
    for number in range(max_rounds):
        parts = kernels.equations(
            *_arrays(rig), points_m, task.seen_px, task.weight, task.soft_px, task.n_unknown
        )
        while damping < _MOST_DAMPING:
            moved, moved_m = _step(rig, points_m, parts, damping)
            now = task.cost(moved, moved_m)
            if now < least:
                break
            damping *= 4
        else:
            return rig, points_m, least, number
        gain = (least - now) / least
        rig, points_m, least = moved, moved_m, now
        damping = max(damping / 5, _LEAST_DAMPING)
        if gain < _ENOUGH:
            return rig, points_m, least, number + 1
    return rig, points_m, least, max_rounds


def _step(rig: Rig, points_m: F64, parts: _Equations, damping: float) -> tuple[Rig, F64]:
    system, right, inverse = kernels.reduced(*parts, damping)
    found = np.linalg.lstsq(system, right, rcond=1e-14)[0]
    steps = plain(found.reshape(len(rig.names), -1))
    return moved(rig, steps), points_m + kernels.point_steps(inverse, parts[3], parts[4], steps)


def moved(rig: Rig, steps: F64) -> Rig:
    """Turn (rad) and shift (m) cameras in their own axes by (C, 6); a seventh scales the focus."""
    turn = Rotation.from_rotvec(steps[:, :3]).as_matrix()
    cam_from_world = turn @ rig.cam_from_world
    cam_from_world[:, :, 3] += steps[:, 3:_POSE]
    image_from_cam = rig.image_from_cam.copy()
    if steps.shape[1] > _POSE:
        image_from_cam[:, :2, :2] *= np.exp(steps[:, _POSE])[:, None, None]
    return replace(
        rig,
        image_from_cam=image_from_cam,
        cam_from_world=cam_from_world,
        image_from_world=image_from_cam @ cam_from_world,
    )
