"""EasyMocap's pair: ``intri.yml`` with K and dist, ``extri.yml`` with R, Rot and T of each camera.

World to camera, m. The picture's size stands there since 2023 (H, W); before, the principal point
is taken for the middle.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from core.calibration import opencv_storage
from core.calibration.checks import checked, lens, plain_name, rotation_of
from core.calibration.opencv_storage import Node
from core.cameras import CameraModel
from core.errors import CalibrationError

_PAIR = ("intri.yml", "extri.yml")


def is_mine(name: str, content: bytes) -> bool:
    """Whether a file is one of the pair."""
    del content
    return name.rsplit("/", 1)[-1] in _PAIR


def read(files: Mapping[str, bytes]) -> dict[str, CameraModel]:
    """Read the cameras in the order of ``names``.

    Raises:
        CalibrationError: one of the pair is missing, or a matrix.
    """
    contents = {name.rsplit("/", 1)[-1]: content for name, content in files.items()}
    if len(files) != len(_PAIR) or set(contents) != set(_PAIR):
        raise CalibrationError(f"{' and '.join(_PAIR)} belong together; found {', '.join(files)}")
    nodes: dict[str, Node] = {}
    for name in _PAIR:
        try:
            nodes.update(opencv_storage.parse(contents[name].decode()))
        except (CalibrationError, UnicodeDecodeError) as error:
            raise CalibrationError(f"{name}: {error}") from error
    names = nodes.get("names")
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise CalibrationError("no names of cameras in it")
    return {str(name): _camera(str(name), nodes) for name in names}


def _camera(name: str, nodes: Mapping[str, Node]) -> CameraModel:
    try:
        image_from_cam = np.array(nodes[f"K_{name}"]).reshape(3, 3)
        turn = rotation_of(nodes[f"Rot_{name}"] if f"Rot_{name}" in nodes else nodes[f"R_{name}"])
        width, height = nodes.get(f"W_{name}"), nodes.get(f"H_{name}")
        if not isinstance(width, float) or not isinstance(height, float):
            width, height = 2 * image_from_cam[0, 2], 2 * image_from_cam[1, 2]
        return checked(
            CameraModel(
                name=name,
                width_px=round(width),
                height_px=round(height),
                image_from_cam=image_from_cam,
                distortion=lens(nodes[f"D_{name}" if f"D_{name}" in nodes else f"dist_{name}"]),
                cam_from_world=np.column_stack([turn, np.array(nodes[f"T_{name}"]).reshape(3)]),
            )
        )
    except (KeyError, ValueError) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def write(models: Sequence[CameraModel]) -> dict[str, bytes]:
    """Write the pair."""
    names = [plain_name(model.name) for model in models]
    lenses: dict[str, object] = {"names": names}
    poses: dict[str, object] = {"names": names}
    for name, model in zip(names, models, strict=True):
        lenses[f"K_{name}"] = model.image_from_cam
        lenses[f"H_{name}"] = model.height_px
        lenses[f"W_{name}"] = model.width_px
        lenses[f"dist_{name}"] = model.distortion[None]
        poses[f"R_{name}"] = np.asarray(cv2.Rodrigues(model.cam_from_world[:, :3])[0])
        poses[f"Rot_{name}"] = model.cam_from_world[:, :3]
        poses[f"T_{name}"] = model.cam_from_world[:, 3:]
    contents = (lenses, poses)
    return {
        name: opencv_storage.write(nodes).encode()  # pyright: ignore[reportArgumentType]
        for name, nodes in zip(_PAIR, contents, strict=True)
    }
