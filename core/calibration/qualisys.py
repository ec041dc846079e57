"""Qualisys Track Manager's ``.qca.txt``: XML, units of 1/64 pixel, mm, pose as camera to world.

Only focal lengths and principal point are in 1/64 pixel. The distortion coefficients are
dimensionless and taken as they stand. Qualisys' camera looks along its -z axis with y up; ours
along +z with y down: half a turn about x between the two.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np

from core.calibration.checks import centre_m, checked, pinhole
from core.cameras import CameraModel
from core.errors import CalibrationError

_SUBPIXELS = 64.0
_HALF_TURN_ABOUT_X = np.diag([1.0, -1.0, -1.0])


def parse(text: str) -> dict[str, CameraModel]:
    """Read the video cameras by serial number (or name), sorted.

    Raises:
        CalibrationError: not XML, or a camera lacks an element or a number.
    """
    try:
        root = ET.fromstring(text.encode("utf-8", "replace"))
    except ET.ParseError as error:
        raise CalibrationError(f"not XML: {error}") from error
    models = [_camera(node) for node in root.iter("camera") if _is_video(node)]
    return {model.name: model for model in sorted(models, key=lambda model: model.name)}


def _is_video(node: ET.Element) -> bool:
    model = node.get("model", "").lower()
    return "video" in model or "none" in model


def _camera(node: ET.Element) -> CameraModel:
    name = node.get("serial", "?")
    try:
        return checked(_build(name, node))
    except (KeyError, ValueError) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def _numbers(node: ET.Element, child: str) -> dict[str, float]:
    found = node.find(child)
    if found is None:
        raise KeyError(f"element <{child}>")
    return {key: float(value) for key, value in found.attrib.items()}


def _build(name: str, node: ET.Element) -> CameraModel:
    view, lens = _numbers(node, "fov_video"), _numbers(node, "intrinsic")
    pose = _numbers(node, "transform")
    rows = [[pose[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)]
    qtm_cam_from_world = np.array(rows)  # the rows as written map world to camera
    cam_from_world = _HALF_TURN_ABOUT_X @ qtm_cam_from_world
    place_m = np.array([pose["x"], pose["y"], pose["z"]]) / 1000.0
    centre_px = (
        lens["centerPointU"] / _SUBPIXELS - view["left"],
        lens["centerPointV"] / _SUBPIXELS - view["top"],
    )
    focal_px = (lens["focalLengthU"] / _SUBPIXELS, lens["focalLengthV"] / _SUBPIXELS)
    radial = [lens[f"radialDistortion{i}"] for i in (1, 2)]
    tangential = [lens[f"tangentalDistortion{i}"] for i in (1, 2)]
    return CameraModel(
        name=name,
        width_px=round(view["right"] - view["left"]) + 1,
        height_px=round(view["bottom"] - view["top"]) + 1,
        image_from_cam=pinhole(focal_px, centre_px),
        distortion=np.array([*radial, *tangential, lens.get("radialDistortion3", 0.0)]),
        cam_from_world=np.column_stack([cam_from_world, -cam_from_world @ place_m]),
    )


def write(models: Sequence[CameraModel]) -> str:
    """Write the cameras as video cameras whose window is the whole sensor; all digits are kept.

    Raises:
        CalibrationError: a camera with skew, which QTM's file has no place for.
    """
    root = ET.Element("calibration", {"type": "regular", "source": "kinelive"})
    cameras = ET.SubElement(root, "cameras")
    for model in models:
        if model.image_from_cam[0, 1] or model.image_from_cam[1, 0]:
            raise CalibrationError(f"{model.name}: skew cannot be written for Qualisys")
        node = ET.SubElement(
            cameras, "camera", {"active": "1", "serial": model.name, "model": "none"}
        )
        window = {"left": 0, "top": 0, "right": model.width_px - 1, "bottom": model.height_px - 1}
        for name in ("fov_marker", "fov_video"):
            ET.SubElement(node, name, {key: str(value) for key, value in window.items()})
        ET.SubElement(node, "transform", _words(_transform(model)))
        ET.SubElement(node, "intrinsic", _words(_intrinsic(model)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _words(numbers: dict[str, float]) -> dict[str, str]:
    return {key: repr(float(value)) for key, value in numbers.items()}


def _transform(model: CameraModel) -> dict[str, float]:
    place_mm = 1000.0 * centre_m(model.cam_from_world)
    turn = _HALF_TURN_ABOUT_X @ model.cam_from_world[:, :3]
    rows = {f"r{row + 1}{column + 1}": turn[row, column] for row in range(3) for column in range(3)}
    return dict(zip("xyz", place_mm, strict=True)) | rows


def _intrinsic(model: CameraModel) -> dict[str, float]:
    matrix, lens = model.image_from_cam, model.distortion
    return {
        "focalLengthU": _SUBPIXELS * matrix[0, 0],
        "focalLengthV": _SUBPIXELS * matrix[1, 1],
        "centerPointU": _SUBPIXELS * matrix[0, 2],
        "centerPointV": _SUBPIXELS * matrix[1, 2],
        "skew": 0.0,
        "radialDistortion1": lens[0],
        "radialDistortion2": lens[1],
        "radialDistortion3": lens[4],
        "tangentalDistortion1": lens[2],
        "tangentalDistortion2": lens[3],
    }
