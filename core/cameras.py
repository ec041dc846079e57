"""Cameras as numbers. ``a_from_b`` maps coordinates in b to coordinates in a.

Pixels: the centre of the first pixel is (0, 0), as OpenCV has it. World: metres, Z up. Lens model:
Brown-Conrady with k1, k2, p1, p2, k3 (OpenCV's order), dimensionless.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import CalibrationError

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CameraModel:
    """A calibrated camera; an uncalibrated one has no object of this type."""

    name: str
    width_px: int
    height_px: int
    image_from_cam: F64  # (3, 3) px
    distortion: F64  # (5,) k1 k2 p1 p2 k3
    cam_from_world: F64  # (3, 4) m


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """Several calibrated cameras as stacked arrays, C cameras in the order of ``names``."""

    names: tuple[str, ...]
    image_from_cam: F64  # (C, 3, 3) px
    distortion: F64  # (C, 5)
    cam_from_world: F64  # (C, 3, 4) m
    image_from_world: F64  # (C, 3, 4) px, without distortion

    @staticmethod
    def of(models: Sequence[CameraModel]) -> "Rig":
        """Stack camera models in their order."""
        image_from_cam = np.stack([model.image_from_cam for model in models])
        cam_from_world = np.stack([model.cam_from_world for model in models])
        return Rig(
            names=tuple(model.name for model in models),
            image_from_cam=image_from_cam,
            distortion=np.stack([model.distortion for model in models]),
            cam_from_world=cam_from_world,
            image_from_world=image_from_cam @ cam_from_world,
        )

    def index(self, name: str) -> int:
        """Return the place of a camera."""
        return self.names.index(name)


def longest_side_px(models: Mapping[str, CameraModel], names: Iterable[str]) -> int:
    """Longer side of the largest picture of some cameras."""
    return max(max(models[name].width_px, models[name].height_px) for name in names)


def select(models: Mapping[str, CameraModel], names: Sequence[str], where: str) -> Rig:
    """Make a rig of the cameras in use, in the order of ``names``.

    Raises:
        CalibrationError: a camera has no calibration.
    """
    missing = [name for name in names if name not in models]
    if missing:
        raise CalibrationError(
            f"{where}: no calibration for {', '.join(missing)}; it has {', '.join(models)}. "
            "Rename the cameras in the rig file, or calibrate them."
        )
    return Rig.of([models[name] for name in names])


def project(rig: Rig, points_m: F64) -> F64:
    """World points (..., 3) to pixels (C, ..., 2) with distortion; NaN behind a camera."""
    from core import lens
    from core.jit import plain

    pixels = lens.project(
        plain(rig.cam_from_world),
        plain(rig.distortion),
        plain(rig.image_from_cam),
        plain(points_m.reshape(-1, 3)),
    )
    return pixels.reshape(len(rig.names), *points_m.shape[:-1], 2)


def undistort(image_from_cam: F64, distortion: F64, points_px: F64) -> F64:
    """Pixels to the pixels an ideal lens would give; NaN stays NaN.

    Args:
        image_from_cam: (..., 3, 3), one or several cameras.
        distortion: (..., 5).
        points_px: (..., N, 2).

    Fixed-point iteration; converges to rounding for lenses whose distortion is below about a third.
    """
    from core import lens
    from core.jit import plain

    several, points = points_px.shape[:-2], points_px.shape[-2:]
    if not several == image_from_cam.shape[:-2] == distortion.shape[:-1]:
        several = np.broadcast_shapes(several, image_from_cam.shape[:-2], distortion.shape[:-1])
        image_from_cam = np.broadcast_to(image_from_cam, (*several, 3, 3))
        distortion = np.broadcast_to(distortion, (*several, 5))
        points_px = np.broadcast_to(points_px, (*several, *points))
    n = math.prod(several)
    ideal_px = lens.undistort(
        plain(image_from_cam.reshape(n, 3, 3)),
        plain(distortion.reshape(n, 5)),
        plain(points_px.reshape(n, *points)),
    )
    return ideal_px.reshape(*several, *points)
