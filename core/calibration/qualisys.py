"""Qualisys Track Manager's ``.qca.txt``: XML, units of 1/64 pixel, mm, pose as camera to world.

Only focal lengths and principal point are in 1/64 pixel. The distortion coefficients are
dimensionless and taken as they stand. Qualisys' camera looks along its -z axis with y up; ours
along +z with y down: half a turn about x between the two.
"""

import xml.etree.ElementTree as ET

import numpy as np

from core.calibration.checks import checked, pinhole
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
    centre_m = np.array([pose["x"], pose["y"], pose["z"]]) / 1000.0
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
        cam_from_world=np.column_stack([cam_from_world, -cam_from_world @ centre_m]),
    )
