"""Vicon's ``.xcp``: XML, pixels, mm; a lens model that runs the other way.

The quaternion (scalar last) turns the world into the camera, and the position is the camera's in
the world. ``VICON_RADIAL2`` ("Vicon3Parameter cx cy k1 k2 k3", the older ``VICON_RADIAL`` "k1 k2")
puts distorted pixels right: ideal = centre + (seen - centre) (1 + k1 r^2 + k2 r^4 + k3 r^6), r in
pixels. OpenCV's model goes from ideal to distorted, so its coefficients are fitted over the
picture, and the fit is refused where it is no good.
"""

import xml.etree.ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration.checks import checked, pinhole
from core.cameras import CameraModel
from core.errors import CalibrationError

F64 = NDArray[np.float64]
_VIDEO = ("video", "vue")
_N_GRID = 24
_WORST_FIT_PX = 0.5


def parse(text: str) -> dict[str, CameraModel]:
    """Read the video cameras by device number, in the order of the file.

    Raises:
        CalibrationError: not XML, a camera lacks a number, or a lens that OpenCV cannot follow.
    """
    try:
        root = ET.fromstring(text.encode("utf-8", "replace"))
    except ET.ParseError as error:
        raise CalibrationError(f"not XML: {error}") from error
    models = [_camera(node) for node in root.iter("Camera") if _is_video(node)]
    return {model.name: model for model in models}


def _is_video(node: ET.Element) -> bool:
    kind = f"{node.get('TYPE', '')} {node.get('DISPLAY_TYPE', '')}".lower()
    return any(word in kind for word in _VIDEO)


def _camera(node: ET.Element) -> CameraModel:
    name = node.get("DEVICEID", "?")
    try:
        return checked(_build(name, node))
    except (KeyError, ValueError, IndexError) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def _numbers(node: ET.Element, key: str, count: int) -> F64:
    given = np.array([float(one) for one in node.attrib[key].split()])
    if len(given) != count:
        raise ValueError(f"{key}: {len(given)} numbers, {count} expected")
    return given


def _build(name: str, node: ET.Element) -> CameraModel:
    frame = node.find("KeyFrames/KeyFrame")
    if frame is None:
        raise KeyError("KeyFrame: the camera was not calibrated")
    width_px, height_px = (round(side) for side in _numbers(node, "SENSOR_SIZE", 2))
    focal_px = float(frame.attrib["FOCAL_LENGTH"])
    aspect = float(node.get("PIXEL_ASPECT_RATIO", "1"))
    centre_px = _numbers(frame, "PRINCIPAL_POINT", 2)
    image_from_cam = pinhole((focal_px, focal_px / aspect), (centre_px[0], centre_px[1]))
    rotation = Rotation.from_quat(_numbers(frame, "ORIENTATION", 4)).as_matrix()
    place_m = _numbers(frame, "POSITION", 3) / 1000.0
    return CameraModel(
        name=name,
        width_px=width_px,
        height_px=height_px,
        image_from_cam=image_from_cam,
        distortion=_distortion(frame, image_from_cam, (width_px, height_px)),
        cam_from_world=np.column_stack([rotation, -rotation @ place_m]),
    )


def _distortion(frame: ET.Element, image_from_cam: F64, size_px: tuple[int, int]) -> F64:
    """Fit k1 k2 p1 p2 k3 to the lens as Vicon has it."""
    words = frame.get("VICON_RADIAL2", "").split()
    centre_px = image_from_cam[:2, 2]
    if words:
        numbers = [float(word) for word in words if word[0] not in "Vv"]
        centre_px, radial = np.array(numbers[:2]), np.array(numbers[2:5])
    else:
        radial = np.array([float(word) for word in frame.get("VICON_RADIAL", "").split()][:3])
    if not radial.any():
        return np.zeros(5)
    seen_px = _grid(size_px)
    off_px = seen_px - centre_px
    square = (off_px**2).sum(axis=1, keepdims=True)
    factor = 1 + sum(k * square ** (power + 1) for power, k in enumerate(radial))
    return _fitted(image_from_cam, seen_px, centre_px + off_px * factor)


def _grid(size_px: tuple[int, int]) -> F64:
    """Pixels (N, 2) all over a picture."""
    sides = [np.linspace(0, side - 1, _N_GRID) for side in size_px]
    return np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)


def _fitted(image_from_cam: F64, seen_px: F64, ideal_px: F64) -> F64:
    """The coefficients that turn ideal into seen pixels (N, 2) best: they enter linearly."""
    focal_px, middle_px = image_from_cam[[0, 1], [0, 1]], image_from_cam[:2, 2]
    x, y = ((ideal_px - middle_px) / focal_px).T
    r2 = x**2 + y**2
    columns_x = [x * r2, x * r2**2, 2 * x * y, r2 + 2 * x**2, x * r2**3]
    columns_y = [y * r2, y * r2**2, r2 + 2 * y**2, 2 * x * y, y * r2**3]
    system = np.concatenate(
        [focal_px[0] * np.stack(columns_x, axis=-1), focal_px[1] * np.stack(columns_y, axis=-1)]
    )
    wanted = (seen_px - ideal_px).T.ravel()
    found = np.linalg.lstsq(system, wanted, rcond=None)[0]
    worst_px = float(np.abs(system @ found - wanted).max())
    if worst_px > _WORST_FIT_PX:
        raise ValueError(f"lens: OpenCV's model is off by {worst_px:.1f} px somewhere")
    return np.asarray(found, dtype=np.float64)
