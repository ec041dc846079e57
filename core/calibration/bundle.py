"""Bundle adjustment: cameras and points at once, to agree with the pixels that were seen.

Levenberg-Marquardt with the exact Schur complement: the points are eliminated one by one, so that
the system to be solved has a few numbers for each camera, however many points there are. Gross
errors count linearly (soft L1). Origin, axes and scale are not held within: ``place.put_like``
does that afterwards. ``rigid`` does the same with rigid bodies for points: boards and wands.
"""

from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

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
Equations = tuple[F64, F64, F64, F64, F64]
"""Of the cameras, (C, K, K) and (C, K), of what they see, and of both: see ``kernels``."""
State = TypeVar("State")
_Points = tuple[Rig, F64]


class Problem(Protocol[State]):
    """What ``minimised`` is handed."""

    def cost(self, state: State) -> float:
        """What is to become least."""
        ...

    def equations(self, state: State) -> Equations:
        """Normal equations there."""
        ...

    def stepped(self, state: State, parts: Equations, damping: float) -> State:
        """Where damped equations lead to."""
        ...


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
    start = rig, plain(start_m[usable])
    (done, points_m), cost_px2, rounds = minimised(task, start, max_rounds)
    everything = np.full_like(start_m, np.nan)
    everything[usable] = points_m
    return Bundle(done, everything, cost_px2, rounds)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    seen_px: F64  # (N, C, 2)
    weight: F64  # (N, C)
    soft_px: float
    n_unknown: int

    def cost(self, state: _Points) -> float:
        rig, points_m = state
        return kernels.cost(*arrays(rig), points_m, self.seen_px, self.weight, self.soft_px)

    def equations(self, state: _Points) -> Equations:
        rig, points_m = state
        return kernels.equations(
            *arrays(rig), points_m, self.seen_px, self.weight, self.soft_px, self.n_unknown
        )

    def stepped(self, state: _Points, parts: Equations, damping: float) -> _Points:
        rig, points_m = state
        system, right, inverse = kernels.reduced(*parts, damping)
        found = np.linalg.lstsq(system, right, rcond=1e-14)[0]
        steps = plain(found.reshape(len(rig.names), -1))
        there_m = points_m + kernels.point_steps(inverse, parts[3], parts[4], steps)
        return moved(rig, steps), there_m


def arrays(rig: Rig) -> tuple[F64, F64, F64]:
    """Pose, lens and image matrix of the cameras, as kernels take them."""
    return plain(rig.cam_from_world), plain(rig.distortion), plain(rig.image_from_cam)


def minimised(problem: Problem[State], start: State, max_rounds: int) -> tuple[State, float, int]:
    """Levenberg-Marquardt: the state of least cost, the cost, and the rounds it took."""
    state, damping, least = start, _DAMPING, problem.cost(start)
    for number in range(max_rounds):
        parts = problem.equations(state)
        while damping < _MOST_DAMPING:
            there = problem.stepped(state, parts, damping)
            now = problem.cost(there)
            if now < least:
                break
            damping *= 4
        else:
            return state, least, number
        gain = (least - now) / least
        state, least = there, now
        damping = max(damping / 5, _LEAST_DAMPING)
        if gain < _ENOUGH:
            return state, least, number + 1
    return state, least, max_rounds


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
