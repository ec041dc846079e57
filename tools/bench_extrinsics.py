"""Camera poses refined on keypoints: what of the error is the calibration's, and not the network's.

Cameras are moved until what they see agrees best. This takes in part of the keypoints' own bias
too, so a figure after it is a bound, not a measurement of better cameras.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from core.cameras import Rig, project, undistort
from core.triangulate import linear

F64 = NDArray[np.float64]

_SOFT_PX = 5.0
_SCALE_WEIGHT_PX = 1e3


def refined(rig: Rig, points_px: F64, weight: F64) -> Rig:
    """The rig with all cameras but the first moved and turned to the least soft-L1 error.

    The keypoints' places are triangulated anew for each try (variable projection). The first
    camera stays, and so does the mean distance of the others from it: that sets the scale.

    Args:
        rig: C cameras; intrinsics stay.
        points_px: (C, N, 2) with the lens, N keypoints of all instants together.
        weight: (C, N); 0: not seen.
    """
    ideal_px = undistort(rig.image_from_cam, rig.distortion, points_px)
    ideal_px = np.where((weight > 0)[..., None], ideal_px, 0.0)
    spread_m = _spread_m(rig)

    def residuals(moves: F64) -> F64:
        moved = _moved(rig, moves)
        off_px = project(moved, linear(moved.image_from_world, ideal_px, weight)) - points_px
        off_px = np.where((weight > 0)[..., None], off_px, 0.0)
        scale = _SCALE_WEIGHT_PX * (_spread_m(moved) / spread_m - 1)
        return np.append(np.nan_to_num(off_px).ravel(), scale)

    start = np.zeros(6 * (len(rig.names) - 1))
    fit = least_squares(residuals, start, loss="soft_l1", f_scale=_SOFT_PX, xtol=1e-7)
    return _moved(rig, fit.x)


def _moved(rig: Rig, moves: F64) -> Rig:
    """``moves``: for each camera but the first a rotation vector and a shift, in its own frame."""
    turns = Rotation.from_rotvec(moves.reshape(-1, 6)[:, :3]).as_matrix()
    cam_from_world = rig.cam_from_world.copy()
    cam_from_world[1:] = turns @ cam_from_world[1:]
    cam_from_world[1:, :, 3] += moves.reshape(-1, 6)[:, 3:]
    image_from_world = rig.image_from_cam @ cam_from_world
    return Rig(rig.names, rig.image_from_cam, rig.distortion, cam_from_world, image_from_world)


def _spread_m(rig: Rig) -> float:
    turn, shift = rig.cam_from_world[..., :3], rig.cam_from_world[..., 3]
    centres = -np.einsum("cji,cj->ci", turn, shift)
    return float(np.linalg.norm(centres[1:] - centres[0], axis=1).mean())
