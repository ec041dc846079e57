"""Pose2Sim-style ``Calib.toml`` (Anipose, FreeMoCap and Caliscope write the same tables).

One table a camera: ``name``, ``size`` [w, h], ``matrix`` 3x3, ``distortions``
[k1, k2, p1, p2] or with k3,
``rotation`` (Rodrigues vector, world to camera), ``translation`` (m).
"""

import tomllib
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from core.calibration.checks import checked
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
        if key not in _NOT_CAMERAS and isinstance(table, dict)
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
    distortion = np.zeros(5)
    given = np.array(table["distortions"], dtype=np.float64).reshape(-1)
    if len(given) > len(distortion):
        raise ValueError(f"distortions: {len(given)} numbers, at most 5 are known")
    distortion[: len(given)] = given
    rotation = np.array(table["rotation"], dtype=np.float64).reshape(3)
    translation_m = np.array(table["translation"], dtype=np.float64).reshape(3)
    return CameraModel(
        name=name,
        width_px=width_px,
        height_px=height_px,
        image_from_cam=np.array(table["matrix"], dtype=np.float64).reshape(3, 3),
        distortion=distortion,
        cam_from_world=np.column_stack([cv2.Rodrigues(rotation)[0], translation_m]).astype(float),
    )
