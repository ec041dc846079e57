"""Calibrations on disk: a file, a pair, or a folder with one file of each camera."""

from collections.abc import Sequence
from pathlib import Path

from core.calibration import checks, easymocap, formats, pose2sim
from core.cameras import CameraModel
from core.errors import CalibrationError

_MAX_BYTES = 10_000_000
_MAX_FILES = 500
_OF_A_CAMERA = (".yml", ".yaml", ".pickle", ".pkl", ".calib")
_OF_ALL = (".toml", ".qca.txt", ".xcp", ".xml")
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


def load(path: Path) -> dict[str, CameraModel]:
    """Read cameras that are to be used as they are: those of ``read``, in metres.

    Raises:
        CalibrationError: as of ``read``, or numbers that are millimetres.
    """
    models = read(path)
    checks.require_metres(models, str(path))
    return models


def as_text(path: Path) -> tuple[str, str]:
    """Name and content of one file of text that ``core.calibration.parse`` reads.

    The file itself where it is that; what is several files or binary is told as Pose2Sim does.

    Raises:
        CalibrationError: nothing there that is a calibration, or one that cannot be read.
    """
    if path.is_file() and not easymocap.is_mine(path.name, b""):
        try:
            return path.name, _content(path).decode()
        except UnicodeDecodeError:
            pass  # a pickle, or Latin-1
    models = list(load(path).values())
    return f"{checks.stem(path.name)}.toml", pose2sim.write(models)


def files_of(path: Path) -> list[Path]:
    """The files that a calibration is read from."""
    if path.is_dir():
        found = (one for depth in _DEPTHS for one in sorted(path.glob(depth)))
        return [one for one in found if one.is_file() and one.name.endswith(_OF_A_CAMERA)]
    if easymocap.is_mine(path.name, b""):
        return sorted(path.parent.glob("*tri.yml"))
    return [path]


def in_project(folder: Path) -> Path | None:
    """The calibration of a project's folder: a file, or the folder where that has one of each
    camera; None where there is nothing that looks like one.
    """
    files = [one for one in sorted(folder.iterdir()) if one.is_file() and one.name[0] != "."]
    whole = [one for one in files if one.name.lower().endswith(_OF_ALL)]
    if whole:
        return whole[0]
    if files_of(folder):
        return folder
    return files[0] if files else None  # its reader says what is supported


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
