"""Extrinsics made to agree with what the cameras saw of people.

The points are not unknowns: for each guess of the cameras they are triangulated anew (variable
projection, Golub and Pereyra 1973), so that only six numbers a camera are left. What keypoints
cannot tell is held: the first camera's pose and the distance to the second, which give origin,
vertical and scale.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from core.cameras import Rig, project, undistort
from core.triangulate import linear

F64 = NDArray[np.float64]
_SOFT_PX = 5.0
_MIN_VIEWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """Cameras after the refinement, and how far each went."""

    rig: Rig
    turned_deg: F64  # (C,)
    moved_m: F64  # (C,)
    before_px: float
    """Median reprojection error of the points used, before and after."""
    after_px: float


def refine(rig: Rig, points_px: F64, weight: F64, *, max_rounds: int = 30) -> Refined:
    """Turn and move all cameras but the first until the views agree (soft L1, 5 px).

    It also takes in what keypoints have of bias, as each camera sees a joint a little elsewhere:
    it is a measure of agreement, no substitute for a calibration.

    Args:
        rig: C cameras.
        points_px: (C, N, 2) as seen, with the lens; NaN where not seen.
        weight: (C, N); 0 where not seen.
        max_rounds: evaluations of the derivative.

    Raises:
        ValueError: fewer than two cameras, or too few points seen by two.
    """
    n_cameras = len(rig.names)
    seen = (weight > 0) & np.isfinite(points_px).all(axis=-1)
    usable = seen.sum(axis=0) >= _MIN_VIEWS
    if n_cameras < _MIN_VIEWS or usable.sum() < 6 * n_cameras:
        raise ValueError(f"{usable.sum()} points seen by two of {n_cameras} cameras: too few")
    points, weights = points_px[:, usable], np.where(seen, weight, 0.0)[:, usable]
    ideal = undistort(rig.image_from_cam, rig.distortion, points)

    def residual_px(change: F64) -> F64:
        moved = _changed(rig, change)
        off = project(moved, linear(moved.image_from_world, ideal, weights)) - points
        off = np.where((weights > 0)[..., None] & np.isfinite(off), off, 0.0)
        return (off * np.sqrt(weights)[..., None]).ravel()

    start = np.zeros(6 * (n_cameras - 1))
    solved = least_squares(
        residual_px, start, loss="soft_l1", f_scale=_SOFT_PX, x_scale=0.01, max_nfev=max_rounds
    )
    refined = _changed(rig, solved.x)
    return Refined(
        rig=refined,
        turned_deg=_turned_deg(rig, refined),
        moved_m=np.linalg.norm(_centres_m(refined) - _centres_m(rig), axis=-1),
        before_px=_median_px(residual_px(start)),
        after_px=_median_px(residual_px(solved.x)),
    )


def _changed(rig: Rig, change: F64) -> Rig:
    """Turn and move the cameras after the first by (C - 1, 6) rad and m in their own frames."""
    steps = change.reshape(-1, 6)
    turn = Rotation.from_rotvec(steps[:, :3]).as_matrix()
    moved = rig.cam_from_world.copy()
    moved[1:, :, :3] = turn @ rig.cam_from_world[1:, :, :3]
    moved[1:, :, 3] = (turn @ rig.cam_from_world[1:, :, 3, None])[..., 0] + steps[:, 3:]
    moved = _scaled(rig, moved)
    return replace(rig, cam_from_world=moved, image_from_world=rig.image_from_cam @ moved)


def _scaled(rig: Rig, cam_from_world: F64) -> F64:
    """Scale all about the first camera until the second is as far away as it was."""
    before = _centres_m(rig)
    centres = _centres_of(cam_from_world)
    scale = np.linalg.norm(before[1] - before[0]) / np.linalg.norm(centres[1] - centres[0])
    centres = centres[0] + scale * (centres - centres[0])
    out = cam_from_world.copy()
    out[:, :, 3] = -(cam_from_world[:, :, :3] @ centres[..., None])[..., 0]
    return out


def _centres_of(cam_from_world: F64) -> F64:
    turned = np.swapaxes(cam_from_world[:, :, :3], 1, 2)
    return -(turned @ cam_from_world[:, :, 3, None])[..., 0]


def _centres_m(rig: Rig) -> F64:
    return _centres_of(rig.cam_from_world)


def _turned_deg(before: Rig, after: Rig) -> F64:
    turn = after.cam_from_world[:, :, :3] @ np.swapaxes(before.cam_from_world[:, :, :3], 1, 2)
    return np.degrees(Rotation.from_matrix(turn).magnitude())


def _median_px(residual: F64) -> float:
    off = np.linalg.norm(residual.reshape(-1, 2), axis=-1)
    return float(np.median(off[off > 0]))
