"""Extrinsics that fit a person's keypoints: for benches in which the calibration is not the matter.

Keypoints draw the cameras along with their own bias: this is no way to calibrate a rig.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from core.cameras import Rig, project, undistort
from core.triangulate import linear

F64 = NDArray[np.float64]

_TURN_SD_RAD, _SHIFT_SD_M = np.radians(1.7), 0.1  # hold the scale, the vertical and the origin
_SOFT_PX = 5.0
_LOST_PX = 1e3
_LEAST_VIEWS = 3


def refined(rig: Rig, points_px: F64, weight: F64) -> Rig:
    """Turn and shift each camera a little so that the keypoints agree best (soft L1, 5 px).

    The points follow from the cameras (variable projection), so that only these are sought.

    Args:
        rig: C cameras.
        points_px: (T, C, J, 2) with the lens, left and right put right.
        weight: (T, C, J), 0 where not used.
    """
    pixels, counts = (np.concatenate(list(one), axis=1) for one in (points_px, weight))
    chosen = (counts > 0).sum(axis=0) >= _LEAST_VIEWS
    pixels, counts = pixels[:, chosen], counts[:, chosen]  # (C, N, 2), (C, N)
    ideal_px = undistort(rig.image_from_cam, rig.distortion, pixels)
    root = np.sqrt(counts)[..., None]
    held = np.tile([_TURN_SD_RAD] * 3 + [_SHIFT_SD_M] * 3, len(rig.names))

    def error(moves: F64) -> F64:
        there = _moved(rig, moves)
        off_px = project(there, linear(there.image_from_world, ideal_px, counts)) - pixels
        seen = np.where(root > 0, np.nan_to_num(off_px, nan=_LOST_PX), 0.0)
        return np.concatenate([(seen * root).ravel(), moves / held])

    found = least_squares(error, np.zeros(len(held)), loss="soft_l1", f_scale=_SOFT_PX)
    return _moved(rig, found.x)


def _moved(rig: Rig, moves: F64) -> Rig:
    """``moves`` (6 C): rotation vector in rad and shift in m of each camera, in its own axes."""
    each = moves.reshape(-1, 6)
    turn = Rotation.from_rotvec(each[:, :3]).as_matrix()
    cam_from_world = turn @ rig.cam_from_world
    cam_from_world[:, :, 3] += each[:, 3:]
    return replace(
        rig,
        cam_from_world=cam_from_world,
        image_from_world=rig.image_from_cam @ cam_from_world,
    )
