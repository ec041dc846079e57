"""What any calibration must satisfy, whatever file it came from."""

import re
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel
from core.errors import CalibrationError

F64 = NDArray[np.float64]
_N_LENS = 5
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_FARTHEST_M = 200.0


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


def lens(given: object) -> F64:
    """Coefficients (5,) of those that a file gives, 4 or 5, or more if the rest is zero."""
    numbers = np.array(given, dtype=np.float64).reshape(-1)
    if numbers[_N_LENS:].any():
        raise ValueError(f"distortion: {len(numbers)} numbers, at most {_N_LENS} are known")
    return np.append(numbers[:_N_LENS], np.zeros(max(0, _N_LENS - len(numbers))))


def rotation_of(given: object) -> F64:
    """Matrix (3, 3) of one, or of a Rodrigues vector."""
    numbers = np.array(given, dtype=np.float64).reshape(-1)
    if len(numbers) == 9:
        return numbers.reshape(3, 3)
    return np.asarray(cv2.Rodrigues(numbers.reshape(3))[0], dtype=np.float64)


def stem(path: str) -> str:
    """Name of a file without folder and ending."""
    return path.rsplit("/", 1)[-1].split(".", 1)[0]


def plain_name(name: str) -> str:
    """Return the name of a camera where it can be one of a file or a key.

    Raises:
        CalibrationError: it cannot.
    """
    if not _PLAIN.fullmatch(name):
        raise CalibrationError(f"{name!r}: letters, digits, - and _ only make a name there")
    return name


def require_metres(models: Mapping[str, CameraModel], where: str) -> None:
    """Say so if the cameras stand as far apart as if millimetres were taken for metres.

    Args:
        models: by name.
        where: what they were read from.

    Raises:
        CalibrationError: they do.
    """
    centres_m = np.stack([centre_m(one.cam_from_world) for one in models.values()])
    spread_m = float(np.linalg.norm(centres_m - centres_m.mean(axis=0), axis=1).max())
    if spread_m > _FARTHEST_M:
        raise CalibrationError(
            f"{where}: cameras stand {spread_m:.0f} m apart: are these millimetres? then "
            "`kinelive calibrate convert IN Calib.toml --unit mm` makes metres of them"
        )


def centre_m(cam_from_world: F64) -> F64:
    """Where cameras (..., 3, 4) stand in the world, (..., 3)."""
    turned = np.swapaxes(cam_from_world[..., :3], -1, -2)
    return -(turned @ cam_from_world[..., 3, None])[..., 0]
