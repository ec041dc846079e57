"""Where a camera may be, by what it saw of one body alone; and poses as arrays (..., 3, 4).

A flat body seen at a distance has two poses that look nearly the same (Collins and Bartoli,
"Infinitesimal plane-based pose estimation", 2014), and a board may look the same after a turn: so
there are several guesses, and other pictures decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.calibration.sights import Sight
from core.cameras import Rig, undistort

F64 = NDArray[np.float64]
LEAST_POINTS = 4
_FLAT = 1e-6  # of the longest side
_GROSS_PX, _MANY = 20.0, 6


@dataclass(frozen=True, slots=True, eq=False)
class Guesses:
    """Poses of a body in the axes of the camera, the likeliest first."""

    cam_from_body: F64  # (K, 3, 4)
    error_px: F64  # (K,) root mean square
    n_alone: int
    """So many are without a turn of the board: the others are these, turned."""


def inverse(poses: F64) -> F64:
    """``b_from_a`` of ``a_from_b`` (..., 3, 4)."""
    turn = np.swapaxes(poses[..., :3], -1, -2)
    return np.concatenate([turn, -turn @ poses[..., 3:]], axis=-1)


def joined(first: F64, second: F64) -> F64:
    """``a_from_c`` of ``a_from_b`` and ``b_from_c``, (..., 3, 4)."""
    turn = first[..., :3] @ second[..., :3]
    return np.concatenate([turn, first[..., :3] @ second[..., 3:] + first[..., 3:]], axis=-1)


def placed(poses: F64, points_m: F64) -> F64:
    """Points (..., n, 3) where poses (..., 3, 4) put them."""
    return points_m @ np.swapaxes(poses[..., :3], -1, -2) + poses[..., None, :, 3]


def guesses(sights: Sequence[Sight], lenses: Rig, turns: F64) -> Guesses | None:
    """Poses of the one body that one camera saw, in one or several sights; None for too little.

    Args:
        sights: of the same camera and body.
        lenses: cameras of which only the lenses count.
        turns: (T, 3, 4) of the body after which it looks the same, the first one none at all.
    """
    local_m = np.concatenate([one.local_m for one in sights])
    seen_px = np.concatenate([one.seen_px for one in sights])
    camera = lenses.index(sights[0].camera)
    image = lenses.image_from_cam[camera]
    ideal_px = undistort(image, lenses.distortion[camera], seen_px)
    rays = ((ideal_px - image[:2, 2]) @ np.linalg.inv(image[:2, :2]).T).copy()
    found = _solutions(local_m, rays, _GROSS_PX / image[0, 0])
    if not found:
        return None
    error_px = [image[0, 0] * _rms_at_one(pose, local_m, rays) for pose in found]
    order = np.argsort(error_px)
    poses, errors = np.stack(found)[order], np.array(error_px)[order]
    every = joined(poses[None], turns[:, None]).reshape(-1, 3, 4)
    return Guesses(every, np.tile(errors, len(turns)), len(poses))


def _solutions(local_m: F64, rays: F64, gross: float) -> list[F64]:
    middle_m = local_m.mean(axis=0)
    sides = np.linalg.svd(local_m - middle_m, compute_uv=False)
    if len(local_m) < LEAST_POINTS or sides[1] < _FLAT * sides[0]:
        return []
    if sides[2] > _FLAT * sides[0] and len(local_m) >= _MANY:
        return _robust(local_m, rays, gross)
    flat = sides[2] <= _FLAT * sides[0]
    kind = cv2.SOLVEPNP_IPPE if flat else cv2.SOLVEPNP_SQPNP
    try:
        _, turns, shifts, _ = cv2.solvePnPGeneric(local_m, rays, np.eye(3), None, flags=kind)
    except cv2.error:
        return []
    refined = [
        cv2.solvePnPRefineLM(local_m, rays, np.eye(3), None, turn, shift)
        for turn, shift in zip(turns, shifts, strict=True)
    ]
    return [pose for turn, shift in refined if _is_before(pose := _pose(turn, shift), local_m)]


def _robust(local_m: F64, rays: F64, gross: float) -> list[F64]:
    """One of several points is often mistaken by hand."""
    cv2.setRNGSeed(0)
    is_found, turn, shift, good = cv2.solvePnPRansac(
        local_m, rays, np.eye(3), None, iterationsCount=500, reprojectionError=gross,
        flags=cv2.SOLVEPNP_SQPNP,
    )  # fmt: skip
    if not is_found or good is None or len(good) < LEAST_POINTS:
        return []
    rows = good.ravel().astype(np.intp)
    turn, shift = cv2.solvePnPRefineLM(local_m[rows], rays[rows], np.eye(3), None, turn, shift)
    return [_pose(turn, shift)]


def _pose(turn: object, shift: object) -> F64:
    rotation = np.asarray(cv2.Rodrigues(np.asarray(turn, dtype=np.float64))[0], dtype=np.float64)
    return np.column_stack([rotation, np.asarray(shift, dtype=np.float64)])


def _is_before(pose: F64, local_m: F64) -> bool:
    there = placed(pose, local_m)
    return bool(np.isfinite(there).all() and (there[:, 2] > 0).all())


def _rms_at_one(pose: F64, local_m: F64, rays: F64) -> float:
    there = placed(pose, local_m)
    off = there[:, :2] / there[:, 2:] - rays
    return float(np.sqrt((off**2).sum(axis=1).mean()))
