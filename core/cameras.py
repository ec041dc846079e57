"""Cameras as numbers. ``a_from_b`` maps coordinates in b to coordinates in a.

Pixels: the centre of the first pixel is (0, 0), as OpenCV has it. World: metres, Z up. Lens model:
Brown-Conrady with k1, k2, p1, p2, k3 (OpenCV's order), dimensionless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import CalibrationError

F64 = NDArray[np.float64]

_UNDISTORT_ROUNDS = 20
_UNDISTORT_ENOUGH = 1e-14


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


def distort(normalized: F64, distortion: F64) -> F64:
    """Apply a lens to ideal image points (..., 2) at unit focal length; distortion (..., 5).

    Brown, "Close-range camera calibration", 1971, in OpenCV's notation.
    """
    x, y = normalized[..., 0], normalized[..., 1]
    k1, k2, p1, p2, k3 = np.moveaxis(distortion, -1, 0)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def project(rig: Rig, points_m: F64) -> F64:
    """World points (..., 3) to pixels (C, ..., 2) with distortion; NaN behind a camera."""
    points = points_m.reshape(-1, 3)
    in_cam = np.einsum("cij,nj->cni", rig.cam_from_world[:, :, :3], points)
    in_cam = in_cam + rig.cam_from_world[:, None, :, 3]  # (C, N, 3)
    depth = np.where(in_cam[..., 2:] > 0, in_cam[..., 2:], np.nan)
    bent = distort(in_cam[..., :2] / depth, rig.distortion[:, None])
    pixels = np.einsum("cij,cnj->cni", rig.image_from_cam[:, :2, :2], bent)
    pixels = pixels + rig.image_from_cam[:, None, :2, 2]
    return pixels.reshape(len(rig.names), *points_m.shape[:-1], 2)


def undistort(image_from_cam: F64, distortion: F64, points_px: F64) -> F64:
    """Pixels to the pixels an ideal lens would give; NaN stays NaN.

    Args:
        image_from_cam: (..., 3, 3), one or several cameras.
        distortion: (..., 5).
        points_px: (..., N, 2).

    Fixed-point iteration; converges to rounding for lenses whose distortion is below about a third.
    """
    focal, centre = image_from_cam[..., None, :2, :2], image_from_cam[..., None, :2, 2]
    bent: F64 = np.linalg.solve(focal, (points_px - centre)[..., None])[..., 0].astype(np.float64)
    lens = distortion[..., None, :]
    ideal = bent
    for _ in range(_UNDISTORT_ROUNDS):
        change = distort(ideal, lens) - bent
        ideal = ideal - change
        if not np.nanmax(np.abs(change), initial=0.0) > _UNDISTORT_ENOUGH:
            break
    return (focal @ ideal[..., None])[..., 0] + centre
