"""The honest quality number: the error in a camera that took no part.

A mean reprojection error over the cameras that were kept gets smaller when more are thrown out. So
each keypoint is triangulated without one camera, and compared with what that camera saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import swaps
from core.anatomy import anatomy_of
from core.cameras import Rig, project, undistort
from core.messages import Keypoints2D, Pose3D, view
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


class HeldOutViews(NamedTuple):
    """What comes out when each camera in turn takes no part."""

    offset_px: F64
    """(C, J, 2) what a camera saw less where the others put it; NaN where unknown."""
    rest_px: F64
    """(C,) median error of the others among themselves; NaN where unknown."""


def held_out_px(rig: Rig, points_px: F64, confidence: F64, min_confidence: float) -> F64:
    """Distance of each keypoint to where the other cameras put it, (C, J) px; NaN where unknown.

    Arguments as of ``hold_out``.
    """
    views = hold_out(rig, points_px, confidence, min_confidence)
    return np.linalg.norm(views.offset_px, axis=-1)


def hold_out(rig: Rig, points_px: F64, confidence: F64, min_confidence: float) -> HeldOutViews:
    """Leave each camera out in turn and compare it with the others.

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
    seen_px = np.where(usable[..., None], points_px, np.nan)
    offset, rest = np.full(points_px.shape, np.nan), np.full(len(rig.names), np.nan)
    for camera in range(len(rig.names)):
        others = weight.copy()
        others[camera] = 0.0
        off_px = seen_px - project(rig, linear(rig.image_from_world, ideal, others))
        offset[camera] = off_px[camera]
        among = np.linalg.norm(np.delete(off_px, camera, axis=0), axis=-1)
        among = among[np.isfinite(among)]
        rest[camera] = np.median(among) if len(among) else np.nan
    return HeldOutViews(offset, rest)


def views_of(
    pose: Pose3D, number: int, frames: Mapping[tuple[str, int], Keypoints2D], rig: Rig
) -> tuple[F64, F64]:
    """What the cameras saw of one person of an instant, left and right put right.

    ``frames`` gives the keypoints of (camera, frame).

    Returns:
        points_px (C, J, 2) with the lens, NaN where not seen, and confidence (C, J), 0 there and
        for derived keypoints.
    """
    anatomy = anatomy_of(pose.skeleton)
    n_keypoints = anatomy.n_keypoints
    points_px = np.full((len(rig.names), n_keypoints, 2), np.nan)
    confidence = np.zeros((len(rig.names), n_keypoints))
    flags = np.zeros(len(rig.names), dtype=bool)
    person = pose.persons[number]
    for bit, member in enumerate(zip(pose.cameras, pose.frames, strict=True)):
        seen, place = frames.get(member), person.detections[bit]
        if seen is None or not 0 <= place < len(seen.persons):
            continue
        camera = rig.index(member[0])
        points_px[camera] = view(seen.persons[place], "keypoints_px")
        confidence[camera] = view(seen.persons[place], "confidence")
        flags[camera] = bool(person.swapped >> bit & 1)
    confidence = swaps.apply(confidence, flags, anatomy)
    confidence[:, [bool(pose.derived >> j & 1) for j in range(n_keypoints)]] = 0.0
    return swaps.apply(points_px, flags, anatomy), confidence


def of_pose(
    pose: Pose3D, frames: Mapping[tuple[str, int], Keypoints2D], rig: Rig, min_confidence: float
) -> dict[str, F64]:
    """Held-out distances of all people of one instant, by camera; derived keypoints are left out.

    ``frames`` gives the keypoints of (camera, frame); left/right swaps are undone as fusion did.
    """
    errors = [
        held_out_px(rig, *views_of(pose, number, frames, rig), min_confidence)
        for number in range(len(pose.persons))
    ]
    if not errors:
        return {}
    by_camera = zip(rig.names, np.stack(errors, axis=1), strict=True)
    return {name: rows[np.isfinite(rows)] for name, rows in by_camera}


def gather(instants: list[dict[str, F64]], cameras: tuple[str, ...]) -> HeldOut:
    """Put the distances of many instants together."""
    return HeldOut(
        {
            name: np.concatenate([np.empty(0), *[one[name] for one in instants if name in one]])
            for name in cameras
        }
    )
