"""Which calibration formats there are, how each is told, and who reads and writes it.

Some are one file, some a pair, some a file for each camera; so what is read is always a set of
files by name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.calibration import biocv, easymocap, opencap, opencv, pose2sim, qualisys, vicon
from core.cameras import CameraModel
from core.errors import CalibrationError

Files = Mapping[str, bytes]
Models = dict[str, CameraModel]


@dataclass(frozen=True, slots=True)
class Format:
    """A way in which others keep a calibration."""

    name: str
    says: str
    is_mine: Callable[[str, bytes], bool]
    """Whether a file of that name and content belongs to it."""
    read: Callable[[Files], Models]
    write: Callable[[Sequence[CameraModel]], dict[str, bytes]] | None = None
    ending: str = ""
    """Of the file it writes, where that is one; a folder otherwise."""


def _alone(parse: Callable[[str], Models]) -> Callable[[Files], Models]:
    """Read a format of which one file holds all cameras."""

    def read(files: Files) -> Models:
        if len(files) > 1:
            raise CalibrationError(f"{', '.join(sorted(files))}: name the one to be used")
        return parse(_text(next(iter(files.values()))))

    return read


def _single(write: Callable[[Sequence[CameraModel]], str]) -> Callable[..., dict[str, bytes]]:
    return lambda models: {"": write(models).encode()}


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalibrationError(f"no text: {error}") from error


def _ends(*endings: str) -> Callable[[str, bytes], bool]:
    return lambda name, _: name.lower().endswith(endings)


def _is_xml_with(*words: bytes) -> Callable[[str, bytes], bool]:
    return lambda name, content: (
        name.lower().endswith((".xml", ".txt"))
        and re.match(rb"\s*(\xef\xbb\xbf)?<", content) is not None
        and all(word in content for word in words)
    )


def _either(*tests: Callable[[str, bytes], bool]) -> Callable[[str, bytes], bool]:
    return lambda name, content: any(test(name, content) for test in tests)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "pose2sim", "Pose2Sim, Anipose, FreeMoCap, Caliscope .toml", _ends(".toml"),
            _alone(pose2sim.parse), _single(pose2sim.write), ".toml",
        ),
        Format(
            "qualisys", "Qualisys .qca.txt",
            _either(_ends(".qca.txt"), _is_xml_with(b"<calibration", b"<transform")),
            _alone(qualisys.parse), _single(qualisys.write), ".qca.txt",
        ),
        Format(
            "vicon", "Vicon .xcp",
            _either(_ends(".xcp"), _is_xml_with(b"<Cameras", b"FOCAL_LENGTH")),
            _alone(vicon.parse),
        ),
        Format(
            "easymocap", "EasyMocap intri.yml with extri.yml", easymocap.is_mine,
            easymocap.read, easymocap.write,
        ),
        Format(
            "opencv", "OpenCV .yml, one of each camera", opencv.is_mine,
            opencv.read, opencv.write,
        ),
        Format(
            "opencap", "OpenCap .pickle, one of each camera", _ends(".pickle", ".pkl"),
            opencap.read, opencap.write,
        ),
        Format("biocv", "bioCV .calib, one of each camera", _ends(".calib"), biocv.read),
    )
}  # fmt: skip


def read(files: Files, where: str) -> Models:
    """Read the cameras of a calibration by name, in the order of the files.

    Args:
        files: content by name, with the folder of a camera where there is one.
        where: what they are called in errors.

    Raises:
        CalibrationError: no format or several that fit, a broken file, or numbers that are no
            camera.
    """
    sorted_out = {
        one.name: {name: content for name, content in files.items() if one.is_mine(name, content)}
        for one in FORMATS.values()
    }
    fitting = [name for name, mine in sorted_out.items() if mine]
    if not fitting:
        known = "; ".join(one.says for one in FORMATS.values())
        raise CalibrationError(f"{where}: unknown format; these are read: {known}")
    if len(fitting) > 1:
        found = ", ".join(sorted(name for kind in fitting for name in sorted_out[kind]))
        raise CalibrationError(f"{where}: files of {' and '.join(fitting)}: {found}; name one")
    try:
        models = FORMATS[fitting[0]].read(sorted_out[fitting[0]])
    except CalibrationError as error:
        raise CalibrationError(f"{where}: {error}") from error
    if not models:
        raise CalibrationError(f"{where}: no cameras in it")
    return models


def write(models: Sequence[CameraModel], kind: str) -> dict[str, bytes]:
    """Give the files of a calibration by name; where it is one file, its name is empty.

    Raises:
        CalibrationError: a format that is not written, or that cannot say it.
    """
    form = FORMATS.get(kind)
    if form is None or form.write is None:
        written = ", ".join(one.name for one in FORMATS.values() if one.write)
        raise CalibrationError(f"{kind} is not written; these are: {written}")
    return form.write(models)
