"""Where a rig lies in the world: what no picture of a person tells, put on afterwards."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration.checks import centre_m
from core.cameras import Rig

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """x' = scale * turn @ x + shift."""

    scale: float
    turn: F64  # (3, 3)
    shift_m: F64  # (3,)

    def of_points(self, points_m: F64) -> F64:
        """Points (..., 3) in the new world."""
        return self.scale * points_m @ self.turn.T + self.shift_m

    def of_rig(self, rig: Rig) -> Rig:
        """The same cameras, which see the same pixels, in the new world."""
        turn = rig.cam_from_world[:, :, :3] @ self.turn.T
        shift_m = self.scale * rig.cam_from_world[:, :, 3] - turn @ self.shift_m
        return with_poses(rig, np.concatenate([turn, shift_m[:, :, None]], axis=2))


def with_poses(rig: Rig, cam_from_world: F64) -> Rig:
    """The same lenses at other places (C, 3, 4)."""
    image_from_world = rig.image_from_cam @ cam_from_world
    return replace(rig, cam_from_world=cam_from_world, image_from_world=image_from_world)


def part(rig: Rig, cameras: list[int]) -> Rig:
    """Some of the cameras."""
    return replace(
        rig,
        names=tuple(rig.names[camera] for camera in cameras),
        image_from_cam=rig.image_from_cam[cameras],
        distortion=rig.distortion[cameras],
        cam_from_world=rig.cam_from_world[cameras],
        image_from_world=rig.image_from_world[cameras],
    )


def put_like(rig: Rig, like: Rig, *, scaled: bool = True) -> Rig:
    """Put a rig where another of the same cameras is, as a whole; see ``similarity``."""
    return similarity(rig, like, scaled=scaled).of_rig(rig)


def similarity(rig: Rig, like: Rig, *, scaled: bool = True) -> Similarity:
    """What puts a rig where another of the same cameras is, as a whole.

    Held are the mean of the cameras' places, the mean of their orientations (each camera's axes
    count as much as its place), and the root mean square of all distances between cameras: with
    one camera or one distance held, its own error would go into all the others.

    Args:
        rig: C cameras.
        like: the same cameras, as they were.
        scaled: False leaves the scale as it is.
    """
    ours_m, theirs_m = centre_m(rig.cam_from_world), centre_m(like.cam_from_world)
    ours, theirs = ours_m - ours_m.mean(axis=0), theirs_m - theirs_m.mean(axis=0)
    spread_ours, spread = np.linalg.norm(ours), np.linalg.norm(theirs)
    axes = np.swapaxes(like.cam_from_world[:, :, :3], 1, 2) @ rig.cam_from_world[:, :, :3]
    places = theirs.T @ ours / (spread * spread_ours) * len(rig.names)
    turn = _nearest_turn(axes.sum(axis=0) + places)
    scale = float(spread / spread_ours) if scaled else 1.0
    shift_m = theirs_m.mean(axis=0) - scale * turn @ ours_m.mean(axis=0)
    return Similarity(scale, turn, shift_m)


def _nearest_turn(matrix: F64) -> F64:
    """The rotation closest to a matrix (3, 3) in the sense of least squares."""
    left, _, right = np.linalg.svd(matrix)
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right


def scaled(rig: Rig, factor: float) -> Rig:
    """Scale the world about its origin, so that the floor stays the floor."""
    return Similarity(factor, np.eye(3), np.zeros(3)).of_rig(rig)


def moved_m(before: Rig, after: Rig) -> F64:
    """How far each camera went, (C,)."""
    return np.linalg.norm(centre_m(after.cam_from_world) - centre_m(before.cam_from_world), axis=-1)


def turned_deg(before: Rig, after: Rig) -> F64:
    """How far each camera turned, (C,)."""
    turn = after.cam_from_world[:, :, :3] @ np.swapaxes(before.cam_from_world[:, :, :3], 1, 2)
    return np.degrees(Rotation.from_matrix(turn).magnitude())
