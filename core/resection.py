"""Where one camera stands, from points that the others put into the world and what it sees of them.

The points are few and near each other, and a network is wrong in the same way in each picture: so
pictures do not add up as independent ones do, and the camera is held where it was, softly.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration import kernels
from core.jit import plain

F64 = NDArray[np.float64]

_ROUNDS = 8
_SOFT_PX = 5.0
_SD_PX = 6.0
_HELD = np.repeat([1 / np.radians(6.0) ** 2, 1 / 0.1**2], 3)  # turns and shifts, each of an axis
_NO_LENS = np.zeros((1, 5))
_STEP_S = 0.01
_DELAY_ROUNDS = 4
_MOST_LATE_S = 0.25


def resect(
    cam_from_world: F64,
    image_from_cam: F64,
    points_m: F64,
    seen_px: F64,
    weight: F64,
    n_alike: float,
) -> F64:
    """Turn and move a camera until it sees the points where it says it does.

    Gauss-Newton, gross errors counted linearly, with a prior at the start: standard deviations of
    6 degrees and 10 cm for each axis.

    Args:
        cam_from_world: (3, 4) where it stood.
        image_from_cam: (3, 3).
        points_m: (N, 3), NaN where unknown.
        seen_px: (N, 2) of an ideal lens.
        weight: (N,), 0 where not seen.
        n_alike: how many pictures count as one, because people were at the same place in them.

    Returns:
        (3, 4); NaN where that leads nowhere.
    """
    known = np.isfinite(points_m).all(axis=1) & (weight > 0)
    points_m, seen = plain(points_m[known]), plain(seen_px[known][:, None])
    counts = plain(weight[known][:, None] / (_SD_PX**2 * max(n_alike, 1.0)))
    pose, total = cam_from_world.copy(), np.zeros(6)
    for _ in range(_ROUNDS):
        squares, slope, *_ = kernels.equations(
            plain(pose[None]), _NO_LENS, plain(image_from_cam[None]), points_m, seen, counts,
            _SOFT_PX, 6,
        )  # fmt: skip
        step = np.linalg.solve(squares[0] + np.diag(_HELD), -(slope[0] + _HELD * total))
        if not np.isfinite(step).all():
            return np.full((3, 4), np.nan)
        total = total + step
        pose = Rotation.from_rotvec(step[:3]).as_matrix() @ pose
        pose[:, 3] += step[3:]
    return pose


def image_of(cam_from_world: F64, image_from_cam: F64, points_m: F64) -> F64:
    """Points (N, 3) in an ideal lens, (N, 2) px; NaN behind the camera."""
    in_cam = np.einsum("ij,nj->ni", cam_from_world[:, :3], points_m) + cam_from_world[:, 3]
    depth = np.where(in_cam[:, 2:] > 0, in_cam[:, 2:], np.nan)
    return np.einsum("ij,nj->ni", image_from_cam, in_cam / depth)[:, :2]


def late_s(
    cam_from_world: F64, image_from_cam: F64, points_m: F64, velocity_m_s: F64, off_px: F64
) -> float:
    """Delay that explains best what a camera sees less where it should, (N, 2) px; NaN: unknown."""
    velocity_px_s = image_velocity(cam_from_world, image_from_cam, points_m, velocity_m_s)
    known = np.isfinite(off_px).all(axis=1) & np.isfinite(velocity_px_s).all(axis=1)
    off, pull, delay_s = off_px[known], velocity_px_s[known], 0.0
    for _ in range(_DELAY_ROUNDS):
        left = off + delay_s * pull
        counts = 1 / np.sqrt(1 + (left**2).sum(axis=1) / _SOFT_PX**2)
        squares = float((counts * (pull**2).sum(axis=1)).sum())
        if squares == 0:
            return 0.0
        delay_s = -float((counts * (pull * off).sum(axis=1)).sum()) / squares
    return max(-_MOST_LATE_S, min(delay_s, _MOST_LATE_S))


def image_velocity(
    cam_from_world: F64, image_from_cam: F64, points_m: F64, velocity_m_s: F64
) -> F64:
    """Velocity of points (N, 3) in the picture, (N, 2) px/s."""
    ahead_m = points_m + _STEP_S * velocity_m_s
    ahead_px = image_of(cam_from_world, image_from_cam, ahead_m)
    return (ahead_px - image_of(cam_from_world, image_from_cam, points_m)) / _STEP_S


def turned_deg(before: F64, after: F64) -> float:
    """Angle between two poses (3, 4)."""
    turn = Rotation.from_matrix(after[:, :3] @ before[:, :3].T)
    return float(np.degrees(turn.magnitude()))


def shifted_m(before: F64, after: F64) -> float:
    """Distance between two poses (3, 4)."""
    centres = [-pose[:, :3].T @ pose[:, 3] for pose in (before, after)]
    return float(np.linalg.norm(centres[1] - centres[0]))
