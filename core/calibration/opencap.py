"""OpenCap's ``cameraIntrinsicsExtrinsics.pickle``, one of each camera, named after its folder.

Its world is the checkerboard's, mm, the y axis along the board and downwards, as the board stands
upright. Ours has z up: x = -x', y = -z', z = -y', as Pose2Sim takes it. A pickle can run any
program, so nothing of it is run: see ``safe_pickle``.
"""

import pickle
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from core.calibration.checks import checked, lens, plain_name, stem
from core.calibration.safe_pickle import unpickle
from core.cameras import CameraModel
from core.errors import CalibrationError

FILE = "cameraIntrinsicsExtrinsics.pickle"
_WORLD_FROM_BOARD = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])


def read(files: Mapping[str, bytes]) -> dict[str, CameraModel]:
    """Read the cameras, sorted by folder.

    Raises:
        CalibrationError: a pickle with more than arrays in it, or without what is needed.
    """
    models = [_camera(_name(path), content) for path, content in sorted(files.items())]
    return {model.name: model for model in models}


def _name(path: str) -> str:
    folder, _, file = path.rpartition("/")
    return folder.rsplit("/", 1)[-1] if folder else stem(file)


def _camera(name: str, content: bytes) -> CameraModel:
    try:
        found = unpickle(content)
    except CalibrationError as error:
        raise CalibrationError(f"{name}: {error}") from error
    if not isinstance(found, dict):
        raise CalibrationError(f"{name}: not OpenCap's: no names in it")
    try:
        height_px, width_px = np.array(found["imageSize"], dtype=np.float64).ravel()
        turn = np.array(found["rotation"], dtype=np.float64).reshape(3, 3)
        shift_mm = np.array(found["translation"], dtype=np.float64).reshape(3)
        return checked(
            CameraModel(
                name=name,
                width_px=round(width_px),
                height_px=round(height_px),
                image_from_cam=np.array(found["intrinsicMat"], dtype=np.float64).reshape(3, 3),
                distortion=lens(np.array(found["distortion"], dtype=np.float64)),
                cam_from_world=np.column_stack([turn @ _WORLD_FROM_BOARD.T, shift_mm / 1000.0]),
            )
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CalibrationError(f"{name}: missing or bad {error}") from error


def write(models: Sequence[CameraModel]) -> dict[str, bytes]:
    """One folder of each camera."""
    return {f"{plain_name(model.name)}/{FILE}": _pickled(model) for model in models}


def _pickled(model: CameraModel) -> bytes:
    turn = model.cam_from_world[:, :3] @ _WORLD_FROM_BOARD
    content = pickle.dumps(
        {
            "distortion": model.distortion[None].copy(),
            "intrinsicMat": model.image_from_cam.copy(),
            "imageSize": np.array([[model.height_px], [model.width_px]], dtype=np.float64),
            "rotation": turn,
            "translation": 1000.0 * model.cam_from_world[:, 3:],
            "rotation_EulerAngles": np.asarray(cv2.Rodrigues(turn)[0]),
        },
        protocol=3,
    )
    # numpy 1, which OpenCap runs on, knows its own functions by an older name; 2 knows both
    return content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
