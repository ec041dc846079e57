"""Calibration files to camera models. The reader is chosen by the files' names and content."""

from core.calibration import checks, formats
from core.cameras import CameraModel


def parse(name: str, text: str) -> dict[str, CameraModel]:
    """Read the cameras of a calibration that is one file of text, by name.

    Args:
        name: the file's name.
        text: its content.

    Raises:
        CalibrationError: unknown format, a broken file, numbers that are no camera, or millimetres.
    """
    models = formats.read({name: text.encode("utf-8", "surrogateescape")}, name)
    checks.require_metres(models, name)
    return models
