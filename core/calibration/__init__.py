"""Calibration files to camera models. The reader is chosen by the file's name."""

from collections.abc import Callable

from core.calibration import pose2sim, qualisys
from core.cameras import CameraModel
from core.errors import CalibrationError

_READERS: dict[str, Callable[[str], dict[str, CameraModel]]] = {
    ".qca.txt": qualisys.parse,
    ".toml": pose2sim.parse,
}


def parse(name: str, text: str) -> dict[str, CameraModel]:
    """Read the cameras of a calibration file by name.

    Args:
        name: the file's name; its ending decides the format.
        text: its content.

    Raises:
        CalibrationError: unknown format, a broken file, or numbers that are no camera.
    """
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            try:
                models = reader(text)
            except CalibrationError as error:
                raise CalibrationError(f"{name}: {error}") from error
            if not models:
                raise CalibrationError(f"{name}: no cameras in it")
            return models
    raise CalibrationError(f"{name}: unknown format; these are read: {', '.join(_READERS)}")
