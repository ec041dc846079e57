"""What any calibration must satisfy, whatever file it came from."""

import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel
from core.errors import CalibrationError

F64 = NDArray[np.float64]


def checked(model: CameraModel) -> CameraModel:
    """Return the model, or say what is wrong with it.

    Raises:
        CalibrationError: numbers that are not finite, a rotation that is none, a focal length or
            picture size that is not positive.
    """
    numbers = (model.image_from_cam, model.distortion, model.cam_from_world)
    if not all(np.isfinite(part).all() for part in numbers):
        raise CalibrationError(f"{model.name}: a number is missing or not finite")
    rotation = model.cam_from_world[:, :3]
    unitary = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4)
    if not unitary or np.linalg.det(rotation) < 0:
        raise CalibrationError(f"{model.name}: its rotation matrix is no rotation")
    if model.image_from_cam[0, 0] <= 0 or model.image_from_cam[1, 1] <= 0:
        raise CalibrationError(f"{model.name}: its focal length is not positive")
    if model.width_px <= 0 or model.height_px <= 0:
        raise CalibrationError(f"{model.name}: picture size {model.width_px}x{model.height_px}")
    return model


def pinhole(focal_px: tuple[float, float], centre_px: tuple[float, float]) -> F64:
    """Intrinsic matrix (3, 3) without skew."""
    return np.array([[focal_px[0], 0, centre_px[0]], [0, focal_px[1], centre_px[1]], [0, 0, 1]])
