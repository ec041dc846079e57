"""Cameras found from nothing but lenses and what they saw of one person.

Two cameras by the essential matrix (Nister 2004, with RANSAC), then one after the other from the
points that those so far give (perspective n points), all adjusted each time. Several first pairs
are tried, and the whole that agrees best is taken. Scale and place in the world come out as
anything; ``upright`` and ``scale.put_on`` give them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.calibration import place
from core.calibration.bundle import adjust
from core.calibration.checks import centre_m
from core.cameras import Rig, undistort
from core.errors import CalibrationError
from core.skeletons import Skeleton
from core.triangulate import linear

F64 = NDArray[np.float64]
_N_POINTS = 2000
_MIN_COMMON = 30
_N_STARTS = 3
_INLIER_PX = 12.0
_ROUNDS = 30
_FLOOR_SHARE = 0.02
_FEET = ("Ankle", "Heel", "BigToe", "SmallToe")


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """What is needed of the pixels."""

    rig: Rig
    points_px: F64  # (C, N, 2)
    weight: F64  # (C, N)
    rays: F64  # (C, N, 2) at unit depth, without the lens

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.weight > 0

    def inlier(self, *cameras: int) -> float:
        """What still agrees, at unit depth."""
        focal_px = self.rig.image_from_cam[list(cameras), 0, 0].mean()
        return float(_INLIER_PX / focal_px)


def find(rig: Rig, points_px: F64, weight: F64) -> Rig:
    """Find where the cameras are, up to a similarity.

    Args:
        rig: C cameras of which only the lenses count.
        points_px: (C, N, 2) as seen of one person, with the lens; NaN where not seen.
        weight: (C, N); 0 where not seen.

    Raises:
        CalibrationError: a camera shares too little with the others.
    """
    sight = _sight(rig, points_px, weight)
    best, least = None, np.inf
    for first, second, pose in _starts(sight):
        poses = {first: np.eye(3, 4), second: pose}
        grown = _grown(sight, poses)
        if grown is None:
            continue
        bundle = adjust(grown, sight.points_px, sight.weight, max_rounds=_ROUNDS)
        if bundle.cost_px2 < least:
            best, least = bundle.rig, bundle.cost_px2
    if best is None:
        raise CalibrationError(
            f"{', '.join(rig.names)}: they see too little in common to be found; one person must "
            "walk where all cameras see them, and the lenses must be right"
        )
    return adjust(best, points_px, weight).rig


def _sight(rig: Rig, points_px: F64, weight: F64) -> _Sight:
    common = np.flatnonzero((weight > 0).sum(axis=0) >= 2)
    chosen = common[np.linspace(0, len(common) - 1, min(_N_POINTS, len(common))).astype(int)]
    points, counts = points_px[:, chosen], weight[:, chosen]
    ideal_px = undistort(rig.image_from_cam, rig.distortion, points)
    homogeneous = np.concatenate([ideal_px, np.ones_like(ideal_px[..., :1])], axis=-1)
    rays = homogeneous @ np.swapaxes(np.linalg.inv(rig.image_from_cam), 1, 2)
    return _Sight(rig, points, counts, rays[..., :2])


def _starts(sight: _Sight) -> Iterator[tuple[int, int, F64]]:
    """The pairs that agree best on most, with the second's pose as the first sees it."""
    found = []
    for first, second in combinations(range(len(sight.rig.names)), 2):
        common = sight.seen[first] & sight.seen[second]
        if common.sum() >= _MIN_COMMON:
            score, pose = _pair(sight, first, second, common)
            found.append((score, first, second, pose))
    for _, first, second, pose in sorted(found, key=lambda one: -one[0])[:_N_STARTS]:
        yield first, second, pose


def _pair(sight: _Sight, first: int, second: int, common: NDArray[np.bool_]) -> tuple[float, F64]:
    """How many points agree, times the sine of the angle their rays meet at; and the pose."""
    a, b = (np.ascontiguousarray(sight.rays[camera, common]) for camera in (first, second))
    essential, good = cv2.findEssentialMat(
        a, b, np.eye(3), cv2.RANSAC, 0.9999, sight.inlier(first, second)
    )
    if essential is None or essential.shape != (3, 3):
        return 0.0, np.eye(3, 4)
    n_good, turn, shift, _ = cv2.recoverPose(essential, a, b, np.eye(3), mask=good)[:4]
    from_first = np.column_stack([a, np.ones(len(a))])
    from_second = np.column_stack([b, np.ones(len(b))]) @ turn  # in the first's axes
    cosine = (from_first * from_second).sum(axis=1) / (
        np.linalg.norm(from_first, axis=1) * np.linalg.norm(from_second, axis=1)
    )
    sine = float(np.median(np.sqrt(np.clip(1 - cosine**2, 0, 1))))
    return n_good * sine, _pose(turn, shift)


def _grown(sight: _Sight, poses: dict[int, F64]) -> Rig | None:
    """Take in one camera after the other; None where one cannot be."""
    while True:
        known = sorted(poses)
        part = place.part(sight.rig, known)
        part = place.with_poses(part, np.stack([poses[camera] for camera in known]))
        try:
            bundle = adjust(part, sight.points_px[known], sight.weight[known], max_rounds=_ROUNDS)
        except ValueError:
            return None
        poses = dict(zip(known, bundle.rig.cam_from_world, strict=True))
        if len(poses) == len(sight.rig.names):
            return place.with_poses(sight.rig, bundle.rig.cam_from_world)
        placed = np.isfinite(bundle.points_m).all(axis=1)
        missing = [camera for camera in range(len(sight.rig.names)) if camera not in poses]
        following = max(missing, key=lambda camera: int((placed & sight.seen[camera]).sum()))
        pose = _seen_from(sight, following, bundle.points_m, placed & sight.seen[following])
        if pose is None:
            return None
        poses[following] = pose


def _seen_from(sight: _Sight, camera: int, points_m: F64, common: NDArray[np.bool_]) -> F64 | None:
    if common.sum() < _MIN_COMMON:
        return None
    is_found, turn, shift, _ = cv2.solvePnPRansac(
        np.ascontiguousarray(points_m[common]),
        np.ascontiguousarray(sight.rays[camera, common]),
        np.eye(3),
        None,
        iterationsCount=300,
        reprojectionError=sight.inlier(camera),
        flags=cv2.SOLVEPNP_SQPNP,
    )
    if not is_found:
        return None
    return _pose(cv2.Rodrigues(turn)[0], shift)


def _pose(turn: object, shift: object) -> F64:
    return np.column_stack([np.array(turn, dtype=np.float64), np.array(shift, dtype=np.float64)])


def triangulated(rig: Rig, points_px: F64, weight: F64) -> F64:
    """Points (T, J, 3) of pixels (T, C, J, 2) and weights (T, C, J)."""
    n_instants, n_cameras, n_keypoints = weight.shape
    pixels = points_px.swapaxes(0, 1).reshape(n_cameras, -1, 2)
    counts = weight.swapaxes(0, 1).reshape(n_cameras, -1)
    ideal_px = undistort(rig.image_from_cam, rig.distortion, pixels)
    return linear(rig.image_from_world, ideal_px, counts).reshape(n_instants, n_keypoints, 3)


def upright(rig: Rig, points_m: F64, skeleton: Skeleton) -> Rig:
    """Put a rig on the floor: z along the person's mean up, the origin between their feet.

    Up is from the ankles to the shoulders, the mean over the instants; the floor where the lowest
    parts of the feet are; the first camera stands over the x axis.

    Args:
        rig: C cameras, of true size or not.
        points_m: (T, J, 3) of one person who stands or walks, as these cameras have them.
        skeleton: of J keypoints.

    Raises:
        CalibrationError: shoulders and ankles are never seen at once.
    """
    joints = {name: points_m[:, number] for number, name in enumerate(skeleton.names)}
    needed = [side + name for name in ("Shoulder", "Ankle") for side in "LR"]
    if not all(name in joints for name in needed):
        raise CalibrationError(f"{skeleton.name} has no shoulders and ankles to tell up from down")
    ankles_m = 0.5 * (joints["LAnkle"] + joints["RAnkle"])
    up = 0.5 * (joints["LShoulder"] + joints["RShoulder"]) - ankles_m
    up = np.nanmean(up[np.isfinite(up).all(axis=1)], axis=0) if np.isfinite(up).any() else up[0]
    if not np.isfinite(up).all():
        raise CalibrationError("shoulders and ankles are never seen at once: no up and down")
    z = up / np.linalg.norm(up)
    middle_m = np.nanmean(ankles_m, axis=0)
    out = centre_m(rig.cam_from_world)[0] - middle_m
    x = out - (out @ z) * z
    x = x / np.linalg.norm(x)
    turn = np.stack([x, np.cross(z, x), z])
    feet = [joints[side + name] for name in _FEET for side in "LR" if side + name in joints]
    heights_m = np.stack(feet) @ z
    floor_m = float(np.nanquantile(heights_m, _FLOOR_SHARE))
    origin_m = middle_m + (floor_m - middle_m @ z) * z
    return place.Similarity(1.0, turn, -turn @ origin_m).of_rig(rig)
