"""The honest quality number: the error in a camera that took no part.

A mean reprojection error over the cameras that were kept gets smaller when more are thrown out. So
each keypoint is triangulated without one camera, and compared with what that camera saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import swaps
from core.cameras import Rig, project, undistort
from core.messages import Keypoints2D, Pose3D, view
from core.skeletons import SKELETONS
from core.triangulate import linear

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Distances in pixels of the held-out camera."""

    by_camera: dict[str, F64]

    @property
    def all_px(self) -> F64:
        """Distances of all cameras."""
        return np.concatenate([np.empty(0), *self.by_camera.values()])

    def table(self) -> dict[str, float]:
        """Medians: each camera's, and ``median``, ``mean`` and ``p90`` over all; NaN if none."""
        distances = self.all_px
        if not len(distances):
            return {"median": float("nan"), "mean": float("nan"), "p90": float("nan")}
        medians = {c: float(np.median(px)) for c, px in self.by_camera.items() if len(px)}
        whole = {"median": np.median(distances), "mean": distances.mean()}
        whole["p90"] = np.percentile(distances, 90)
        return {name: float(value) for name, value in whole.items()} | medians


def held_out_px(rig: Rig, points_px: F64, confidence: F64, min_confidence: float) -> F64:
    """Distance of each keypoint to where the other cameras put it, (C, J) px; NaN where unknown.

    Args:
        rig: C cameras.
        points_px: (C, J, 2) as seen, with the lens.
        confidence: (C, J); plain weighted linear triangulation of those of at least
            ``min_confidence``.
        min_confidence: weaker ones count as not seen.
    """
    usable = (confidence >= min_confidence) & np.isfinite(points_px).all(axis=-1)
    weight = np.where(usable, confidence, 0.0)
    ideal = undistort(rig.image_from_cam, rig.distortion, points_px)
    error = np.full(weight.shape, np.nan)
    for camera in range(len(rig.names)):
        others = weight.copy()
        others[camera] = 0.0
        expected = project(rig, linear(rig.image_from_world, ideal, others))[camera]
        distance = np.linalg.norm(expected - points_px[camera], axis=-1)
        error[camera] = np.where(usable[camera], distance, np.nan)
    return error


def of_pose(
    pose: Pose3D, frames: Mapping[tuple[str, int], Keypoints2D], rig: Rig, min_confidence: float
) -> dict[str, F64]:
    """Held-out distances of one instant with one person, by camera; derived keypoints are left out.

    ``frames`` gives the keypoints of (camera, frame); left/right swaps are undone as fusion did.
    """
    if not pose.persons:
        return {}
    n_keypoints = len(SKELETONS[pose.skeleton].names)
    points_px = np.full((len(rig.names), n_keypoints, 2), np.nan)
    confidence = np.zeros((len(rig.names), n_keypoints))
    flags = np.zeros(len(rig.names), dtype=bool)
    for bit, member in enumerate(zip(pose.cameras, pose.frames, strict=True)):
        seen = frames.get(member)
        if seen is None or not seen.persons:
            continue
        place = rig.index(member[0])
        points_px[place] = view(seen.persons[0], "keypoints_px")
        confidence[place] = view(seen.persons[0], "confidence")
        flags[place] = bool(pose.persons[0].swapped >> bit & 1)
    points_px, confidence = swaps.apply(points_px, flags), swaps.apply(confidence, flags)
    confidence[:, [bool(pose.derived >> j & 1) for j in range(n_keypoints)]] = 0.0
    error = held_out_px(rig, points_px, confidence, min_confidence)
    return {name: row[np.isfinite(row)] for name, row in zip(rig.names, error, strict=True)}


def gather(instants: list[dict[str, F64]], cameras: tuple[str, ...]) -> HeldOut:
    """Put the distances of many instants together."""
    return HeldOut(
        {
            name: np.concatenate([np.empty(0), *[one[name] for one in instants if name in one]])
            for name in cameras
        }
    )
