"""The people whom all cameras together see, as one camera should see them now."""

import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel
from core.messages import Pose3D
from core.pose.backend import Backend
from core.pose.tracking import Expected

F64 = NDArray[np.float64]

STALE_NS = 500_000_000
"""Older poses guide nobody: without the fusion the cameras follow people on their own."""
_LEAST_INSIDE = 0.4
_FARTHEST = 1.0
"""A keypoint farther than this many picture sizes outside is none: the lens model folds there."""


def expected(
    pose: Pose3D | None, t_ns: int, camera: CameraModel, picture: tuple[int, int], backend: Backend
) -> list[Expected]:
    """Fused people carried on to the time of a frame and projected into its picture.

    People behind the camera, mostly outside its picture, or of another keypoint set are left out;
    so is everybody where the pose is older than ``STALE_NS``.

    Args:
        t_ns: capture time of the frame.
        picture: width and height of the picture worked on, which may be smaller than the captured.
    """
    if pose is None or pose.skeleton != backend.skeleton.name:
        return []
    if not 0 <= t_ns - pose.t_ns <= STALE_NS:
        return []
    if not pose.persons:
        return []
    ahead_s = (t_ns - pose.t_ns) * 1e-9
    scale = np.array(picture) / (camera.width_px, camera.height_px)
    points_m, velocity_m_s = (
        np.frombuffer(b"".join(parts), "<f4").reshape(-1, 3).astype(np.float64)
        for parts in zip(
            *((one.keypoints_m, one.velocity_m_s) for one in pose.persons), strict=True
        )
    )
    full_px = project(camera, points_m + np.nan_to_num(velocity_m_s) * ahead_s)
    everybody_px = (full_px + 0.5) * scale  # pixel centres to continuous
    listed = []
    for person, points_px in zip(
        pose.persons, np.split(everybody_px, len(pose.persons)), strict=True
    ):
        roi = backend.region(points_px) if _mostly_inside(points_px, picture) else None
        if roi is not None:
            listed.append(Expected(person.id, points_px, roi))
    return listed


def _mostly_inside(points_px: F64, picture: tuple[int, int]) -> bool:
    inside = ((points_px >= 0) & (points_px < picture)).all(axis=1)
    known = np.isfinite(points_px).all(axis=1)
    return bool(inside.sum() >= _LEAST_INSIDE * max(known.sum(), 1)) and bool(inside.any())


def project(camera: CameraModel, points_m: F64) -> F64:
    """World points (N, 3) to pixels (N, 2) with distortion; NaN behind the camera and far outside.

    The same as ``core.cameras.project`` for one camera, without machine code to load.
    """
    in_camera = points_m @ camera.cam_from_world[:, :3].T + camera.cam_from_world[:, 3]
    depth = np.where(in_camera[:, 2] > 0, in_camera[:, 2], np.nan)
    x, y = (in_camera[:, :2] / depth[:, None]).T
    k1, k2, p1, p2, k3 = camera.distortion
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    bent = np.column_stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            np.ones_like(x),
        ]
    )
    pixels = bent @ camera.image_from_cam[:2].T
    size = np.array([camera.width_px, camera.height_px])
    off = np.abs(pixels - size / 2) / size
    far = np.nan_to_num(off).max(axis=1) > 0.5 + _FARTHEST
    return np.where(far[:, None], np.nan, pixels)
