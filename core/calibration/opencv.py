"""OpenCV's YAML, one file of each camera, under the names that OpenCV's samples and others use.

World to camera: a rotation matrix or Rodrigues vector, and a translation in m.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.calibration import opencv_storage
from core.calibration.checks import checked, lens, plain_name, rotation_of, stem
from core.calibration.opencv_storage import Node
from core.cameras import CameraModel
from core.errors import CalibrationError

F64 = NDArray[np.float64]
_OF_OTHERS = ("intri.yml", "extri.yml")
_MATRIX = ("camera_matrix", "cameraMatrix", "K", "M", "intrinsic_matrix")
_LENS = ("distortion_coefficients", "distCoeffs", "dist_coeffs", "D", "dist")
_TURN = ("rotation_matrix", "R", "Rot", "rotation", "rvec")
_SHIFT = ("translation", "T", "t", "tvec", "translation_vector")
_WIDTH = ("image_width", "width", "W")
_HEIGHT = ("image_height", "height", "H")


def is_mine(name: str, content: bytes) -> bool:
    """Whether a file of that name and content is one of these."""
    return (
        name.lower().endswith((".yml", ".yaml"))
        and not name.endswith(_OF_OTHERS)
        and any(word.encode() in content for word in _MATRIX)
    )


def read(files: Mapping[str, bytes]) -> dict[str, CameraModel]:
    """Read the cameras; each is called as it says, or as its file.

    Raises:
        CalibrationError: a matrix is missing or of the wrong size.
    """
    models = [_camera(stem(name), content) for name, content in sorted(files.items())]
    return {model.name: model for model in models}


def _camera(name: str, content: bytes) -> CameraModel:
    try:
        nodes = opencv_storage.parse(content.decode())
    except (CalibrationError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{name}: {error}") from error
    name = str(nodes.get("camera_name", name))
    try:
        image_from_cam = np.array(_one_of(nodes, _MATRIX)).reshape(3, 3)
        size_px = _size_px(nodes, image_from_cam)
        turn, shift_m = rotation_of(_one_of(nodes, _TURN)), np.array(_one_of(nodes, _SHIFT))
        return checked(
            CameraModel(
                name=name,
                width_px=size_px[0],
                height_px=size_px[1],
                image_from_cam=image_from_cam,
                distortion=lens(_one_of(nodes, _LENS)),
                cam_from_world=np.column_stack([turn, shift_m.reshape(3)]),
            )
        )
    except (KeyError, ValueError) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def _one_of(nodes: Mapping[str, Node], names: Sequence[str]) -> Node:
    for name in names:
        if name in nodes:
            return nodes[name]
    raise KeyError(" or ".join(names))


def _size_px(nodes: Mapping[str, Node], image_from_cam: F64) -> tuple[int, int]:
    """Width and height; where neither stands there, the principal point is taken for the middle."""
    if not any(name in nodes for name in (*_WIDTH, *_HEIGHT)):
        return round(2 * image_from_cam[0, 2]), round(2 * image_from_cam[1, 2])
    sides = [_one_of(nodes, names) for names in (_WIDTH, _HEIGHT)]
    if not all(isinstance(side, float) for side in sides):
        raise ValueError("image size")
    return round(float(str(sides[0]))), round(float(str(sides[1])))


def write(models: Sequence[CameraModel]) -> dict[str, bytes]:
    """One file of each camera."""
    return {
        f"{plain_name(model.name)}.yml": opencv_storage.write(
            {
                "camera_name": plain_name(model.name),
                "image_width": model.width_px,
                "image_height": model.height_px,
                "camera_matrix": model.image_from_cam,
                "distortion_coefficients": model.distortion[None],
                "rotation_matrix": model.cam_from_world[:, :3],
                "translation": model.cam_from_world[:, 3:],
            }
        ).encode()
        for model in models
    }
