"""bioCV's ``.calib``: text, one file of each camera.

Width and height; the intrinsic matrix (3 rows); world to camera, 4x4 or 3x4, mm; k1 k2 p1 p2 k3.
"""

from collections.abc import Mapping

import numpy as np

from core.calibration.checks import checked, stem
from core.cameras import CameraModel
from core.errors import CalibrationError

_HEAD = 2 + 9
_POSES = {4: 16, 3: 12}  # rows of the pose: numbers
_LENSES = (4, 5)


def read(files: Mapping[str, bytes]) -> dict[str, CameraModel]:
    """Read the cameras; each is called as its file.

    Raises:
        CalibrationError: other numbers than these.
    """
    models = [_camera(stem(name), content) for name, content in sorted(files.items())]
    return {model.name: model for model in models}


def _camera(name: str, content: bytes) -> CameraModel:
    try:
        numbers = np.array([float(word) for word in content.decode().split()])
    except ValueError as error:
        raise CalibrationError(f"{name}: {error}") from error
    for n_rows, count in _POSES.items():
        n_lens = len(numbers) - _HEAD - count
        if n_lens in _LENSES:
            pose = numbers[_HEAD : _HEAD + count].reshape(n_rows, 4)[:3].copy()
            pose[:, 3] /= 1000.0
            return checked(
                CameraModel(
                    name=name,
                    width_px=round(numbers[0]),
                    height_px=round(numbers[1]),
                    image_from_cam=numbers[2:_HEAD].reshape(3, 3),
                    distortion=np.append(numbers[_HEAD + count :], 0.0)[:5],
                    cam_from_world=pose,
                )
            )
    raise CalibrationError(f"{name}: {len(numbers)} numbers, 31 or 32 are expected")
