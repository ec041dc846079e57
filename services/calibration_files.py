"""Calibrations on disk: a file, a pair, or a folder with one file of each camera."""

from collections.abc import Sequence
from pathlib import Path

from core.calibration import easymocap, formats
from core.cameras import CameraModel
from core.errors import CalibrationError

_MAX_BYTES = 10_000_000
_MAX_FILES = 500
_DEPTHS = ("*", "*/*", "*/*/*")  # OpenCap: Videos/Cam0/cameraIntrinsicsExtrinsics.pickle


def read(path: Path) -> dict[str, CameraModel]:
    """Read the cameras of a file or folder by name.

    Raises:
        CalibrationError: nothing there that is a calibration, or one that cannot be read.
    """
    if path.is_dir():
        return _in_folder(path)
    files = {path.name: _content(path)}
    if easymocap.is_mine(path.name, b""):
        files |= {one.name: _content(one) for one in path.parent.glob("*tri.yml")}
    return formats.read(files, str(path))


def _in_folder(path: Path) -> dict[str, CameraModel]:
    """The files of the uppermost level that has any that is a calibration."""
    for depth in _DEPTHS:
        found = [one for one in sorted(path.glob(depth)) if one.is_file()][:_MAX_FILES]
        contents = {
            one.relative_to(path).as_posix(): _content(one)
            for one in found
            if one.stat().st_size <= _MAX_BYTES
        }
        kinds = formats.FORMATS.values()
        mine = {
            name: content
            for name, content in contents.items()
            if any(kind.is_mine(name, content) for kind in kinds)
        }
        if mine:
            return formats.read(mine, str(path))
    return formats.read({}, str(path))


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CalibrationError(f"{path}: {path.stat().st_size} bytes: no calibration")
        return path.read_bytes()
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error}") from error


def kind_of(path: Path) -> str | None:
    """The format that the name of a file to be written asks for; None for a folder."""
    ending = {one.ending: name for name, one in formats.FORMATS.items() if one.ending}
    return next((name for end, name in ending.items() if path.name.endswith(end)), None)


def write(path: Path, models: Sequence[CameraModel], kind: str) -> list[Path]:
    """Write a calibration as one file, or into a folder; give what was written.

    Raises:
        CalibrationError: the format is not written, cannot say it, or the place cannot be used.
    """
    contents = formats.write(models, kind)
    places = {path / name if name else path: content for name, content in contents.items()}
    try:
        for place, content in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error}") from error
    return list(places)
