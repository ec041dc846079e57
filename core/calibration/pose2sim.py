"""Pose2Sim-style ``Calib.toml`` (Anipose, FreeMoCap and Caliscope write the same tables).

One table a camera: ``name``, ``size`` [w, h], ``matrix`` 3x3, ``distortions``
[k1, k2, p1, p2] or with k3,
``rotation`` (Rodrigues vector, world to camera), ``translation`` (m).
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from core.calibration.checks import checked, lens, rotation_of
from core.cameras import CameraModel
from core.errors import CalibrationError

_NOT_CAMERAS = {"metadata", "capture_volume", "charuco", "checkerboard"}


def parse(text: str) -> dict[str, CameraModel]:
    """Read the cameras in the order of the file.

    Raises:
        CalibrationError: not TOML, a key is missing or of the wrong shape, or a fisheye lens.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalibrationError(f"not TOML: {error}") from error
    models = [
        _camera(key, table)
        for key, table in tables.items()
        if key not in _NOT_CAMERAS and isinstance(table, dict) and not table.get("ignore", False)
    ]
    return {model.name: model for model in models}


def _camera(key: str, table: Mapping[str, Any]) -> CameraModel:
    name = str(table.get("name", key))
    if table.get("fisheye", False):
        raise CalibrationError(f"{name}: fisheye lenses are not supported; undistort the footage")
    try:
        return checked(_build(name, table))
    except (KeyError, ValueError, TypeError, cv2.error) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def _build(name: str, table: Mapping[str, Any]) -> CameraModel:
    width_px, height_px = (round(float(side)) for side in table["size"])
    translation_m = np.array(table["translation"], dtype=np.float64).reshape(3)
    return CameraModel(
        name=name,
        width_px=width_px,
        height_px=height_px,
        image_from_cam=np.array(table["matrix"], dtype=np.float64).reshape(3, 3),
        distortion=lens(table["distortions"]),
        cam_from_world=np.column_stack([rotation_of(table["rotation"]), translation_m]),
    )


def write(models: Sequence[CameraModel]) -> str:
    """Write the cameras as Pose2Sim does; all digits are kept, and k3 where there is one."""
    tables = [_table(f"cam_{place + 1}", model) for place, model in enumerate(models)]
    return "\n".join([*tables, "[metadata]\nadjusted = false\nerror = 0.0\n"])


def _table(key: str, model: CameraModel) -> str:
    n_lens = 5 if model.distortion[4] else 4
    rows = ", ".join(_numbers(row) for row in model.image_from_cam)
    rotation = np.asarray(cv2.Rodrigues(model.cam_from_world[:, :3])[0]).ravel()
    return (
        f"[{key}]\nname = {json.dumps(model.name)}\n"
        f"size = {_numbers([model.width_px, model.height_px])}\n"
        f"matrix = [{rows}]\n"
        f"distortions = {_numbers(model.distortion[:n_lens])}\n"
        f"rotation = {_numbers(rotation)}\n"
        f"translation = {_numbers(model.cam_from_world[:, 3])}\n"
        "fisheye = false\n"
    )


def _numbers(values: Sequence[float] | np.ndarray) -> str:
    return f"[{', '.join(repr(float(value)) for value in values)}]"
