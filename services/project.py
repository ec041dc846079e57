"""A Pose2Sim project folder as a source of 2D keypoints.

``Config.toml`` (and those of the folders it lies in), ``calibration/``, and one folder ``*_json`` a
camera in ``pose-associated/``, ``pose-sync/`` or ``pose/``, with one file a frame.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import openpose, pose2sim_config
from core.cameras import CameraModel, Rig, longest_side_px, select
from core.config import FusionConfig
from core.errors import CalibrationError, ConfigError, SessionError, WireError
from core.messages import Keypoints2D, Person2D
from core.pose2sim_config import ProjectConfig
from core.skeletons import SKELETONS
from services import calibration_files, project_videos

F64 = NDArray[np.float64]

CONFIG = "Config.toml"
ASSOCIATED = "pose-associated"
STAGES = (ASSOCIATED, "pose-sync", "pose")
"""Folders with keypoints, the furthest processed first."""
MODEL = "pose2sim project"

_JSON_FOLDER = "_json"
_CALIBRATION_ENDINGS = (".toml", ".qca.txt")
_NUMBER = re.compile(r"\d+")
_WINDOW_SHARE = 0.4  # of the time between two frames


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """An open project folder."""

    path: Path
    config: ProjectConfig
    rate_hz: float
    rig: Rig
    calibration: Path
    stage: Path
    """The folder that the keypoints are taken from."""
    files: Mapping[str, Mapping[int, Path]]
    """The json of each frame of each camera of the rig."""
    models: Mapping[str, CameraModel]
    """All cameras of the calibration."""
    unreadable: list[str] = field(default_factory=list)
    """Frames that were no OpenPose json, found while reading."""

    @property
    def picture_px(self) -> int:
        """Longer side of the largest picture."""
        return longest_side_px(self.models, self.rig.names)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    @property
    def fusion(self) -> FusionConfig:
        """Settings of the fusion: neighbouring frames are never taken for one instant."""
        standard = FusionConfig()
        window_ms = min(standard.window_ms, _WINDOW_SHARE * 1e3 / self.rate_hz)
        return msgspec.structs.replace(standard, window_ms=window_ms)

    @property
    def frames(self) -> range:
        """From the first frame of any camera to the last one."""
        numbers = [number for frames in self.files.values() for number in frames]
        return range(min(numbers), max(numbers) + 1)

    def people(self, camera: str, frame: int) -> list[F64]:
        """The people of a picture as of ``openpose.parse``; nobody where there is no such frame.

        Raises:
            ConfigError: they have another number of keypoints than ``pose_model`` says.
        """
        path = self.files[camera].get(frame)
        if path is None:
            return []
        try:
            people = openpose.parse(path.read_bytes())
        except (OSError, WireError) as error:
            self.unreadable.append(f"{path.parent.name}/{path.name}: {error}")
            return []
        for person in people:
            self._require_size(len(person), path)
        return people

    def _require_size(self, n_keypoints: int, path: Path) -> None:
        skeleton = self.config.skeleton
        if n_keypoints != len(skeleton.names):
            fitting = [one.name for one in SKELETONS.values() if len(one.names) == n_keypoints]
            raise ConfigError(
                f"{path}: {n_keypoints} keypoints, and {skeleton.name} has {len(skeleton.names)}; "
                f"set pose.pose_model in {CONFIG}"
                + (f"; of that size: {', '.join(fitting)}" if fitting else "")
            )

    def messages(self) -> Iterator[Keypoints2D]:
        """Yield the keypoints of all cameras in capture order; a missing file gives none."""
        for frame in self.frames:
            for camera in self.rig.names:
                if frame in self.files[camera]:
                    yield self.message(camera, frame, self.people(camera, frame))

    def message(self, camera: str, frame: int, people: Sequence[F64]) -> Keypoints2D:
        """Keypoints of one picture as the bus carries them: single precision."""
        return Keypoints2D(
            t_ns=round(frame * 1e9 / self.rate_hz),
            camera=camera,
            frame=frame,
            skeleton=self.config.skeleton.name,
            model=MODEL,
            provider="",
            persons=tuple(
                Person2D(
                    number, one[:, :2].astype("<f4").tobytes(), one[:, 2].astype("<f4").tobytes()
                )
                for number, one in enumerate(people)
            ),
        )


def is_project(path: Path) -> bool:
    """Whether a folder looks like a Pose2Sim project."""
    return (path / CONFIG).is_file() or any((path / stage).is_dir() for stage in STAGES)


def has_keypoints(path: Path) -> bool:
    """Whether a project folder holds keypoints, or at most videos."""
    return _stage_of(path) is not None


def open_project(path: Path) -> Project:
    """Open a project folder; the keypoints are read when they are asked for.

    Raises:
        SessionError: no such folder, or no keypoints in it.
        ConfigError: no ``Config.toml``, or it says something we cannot honour.
        CalibrationError: none, one that cannot be read, or of other cameras than the keypoints.
    """
    levels = levels_of(path)
    config = pose2sim_config.parse([text_of(one / CONFIG) for one in levels], str(path / CONFIG))
    stage, folders = keypoint_folders(path)
    file = calibration_file(path, levels)
    models = calibration_files.load(file)
    cameras = match_cameras([one.name for one in folders], models, str(stage))
    files = {
        camera: frames_of(folder, config.frames)
        for camera, folder in zip(cameras, folders, strict=True)
    }
    if not any(files.values()):
        raise SessionError(f"{stage}: no frames in its folders (of those asked for)")
    rate_hz = config.rate_hz or project_videos.rate_hz(path)
    rig = select(models, cameras, str(file))
    return Project(path, config, rate_hz, rig, file, stage, files, models)


def levels_of(path: Path) -> list[Path]:
    """The project's folder and those above it with a ``Config.toml``, outermost first.

    Raises:
        SessionError: no such folder.
        ConfigError: no ``Config.toml`` in it.
    """
    if not path.is_dir():
        raise SessionError(f"{path}: no such folder")
    if not (path / CONFIG).is_file():
        raise ConfigError(f"{path}: no {CONFIG}; it says the frame rate and the keypoint model")
    levels = [path.resolve()]
    while (levels[0].parent / CONFIG).is_file():
        levels.insert(0, levels[0].parent)
    return levels


def text_of(path: Path) -> str:
    """Text of a file of a project; ConfigError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _stage_of(path: Path, stages: Sequence[str] = STAGES) -> tuple[Path, list[Path]] | None:
    """The first of these stages with keypoints and its folders, one a camera, in natural order."""
    for stage in stages:
        if (path / stage).is_dir():
            children = (path / stage).iterdir()
            found = [one for one in children if one.name.endswith(_JSON_FOLDER) and one.is_dir()]
            if found:
                return path / stage, sorted(found, key=lambda one: project_videos.natural(one.name))
    return None


def keypoint_folders(path: Path, stages: Sequence[str] = STAGES) -> tuple[Path, list[Path]]:
    """The first of these stages with keypoints and its folders, one a camera, in natural order.

    Raises:
        SessionError: there is none.
    """
    if found := _stage_of(path, stages):
        return found
    remedy = (
        f"`kinelive replay {path} --out SESSION` finds them in its videos, in a session that every "
        "command takes"
        if project_videos.find(path)
        else f"pose/ must hold a folder *{_JSON_FOLDER} for each camera, or videos/ the videos"
    )
    raise SessionError(f"{path}: no 2D keypoints; {remedy}")


def match_cameras(
    folders: Sequence[str],
    models: Mapping[str, object],
    where: str,
    what: str = "folders",
) -> list[str]:
    """Camera of each keypoint folder or video: by name (cam1 is cam01), or by order if none fits.

    Raises:
        CalibrationError: some names fit and others not, or there are as many cameras as folders.
    """
    stems = [name.removesuffix(_JSON_FOLDER) for name in folders]
    by_name = {project_videos.natural(name): name for name in models}
    found = [by_name.get(project_videos.natural(stem)) for stem in stems]
    named = [name for name in found if name is not None]
    if len(set(named)) == len(stems):
        return named
    if not named and len(stems) == len(models):
        return list(models)
    missing = [stem for stem, name in zip(stems, found, strict=True) if name is None]
    lacking = f"no calibration of {', '.join(missing)}: calibrate it, or leave it out; or "
    raise CalibrationError(
        f"{where}: {what} {', '.join(stems)} and calibrated cameras {', '.join(models)} do not "
        f"fit together; {lacking if named else ''}name the {what} as the cameras, or have as many "
        "of both"
    )


def frames_of(folder: Path, wanted: range | None) -> dict[int, Path]:
    """Files of a camera by the last number in their names; None: all of them."""
    numbered = {
        int(numbers[-1]): path
        for path in sorted(folder.glob("*.json"))
        if (numbers := _NUMBER.findall(path.stem))
    }
    return {n: path for n, path in sorted(numbered.items()) if wanted is None or n in wanted}


def calibration_file(path: Path, levels: Sequence[Path]) -> Path:
    """The file to read, as of ``find_calibration``.

    Raises:
        CalibrationError: none, or more than one that fits.
    """
    if found := find_calibration(levels):
        return found
    raise CalibrationError(
        f"{path}: no calibration; put a .toml, a .qca.txt, or what `kinelive calibrate convert` "
        "reads into calibration/"
    )


def find_calibration(levels: Sequence[Path]) -> Path | None:
    """The innermost calibration; a .toml is preferred, as Pose2Sim makes one of any other format.

    A folder where there is one file of each camera.

    Raises:
        CalibrationError: more than one that fits.
    """
    for level in reversed(levels):
        folders = sorted(
            one for one in level.iterdir() if one.is_dir() and "calib" in one.name.lower()
        )
        files = [one for folder in folders[:1] for one in sorted(folder.iterdir())]
        files = [one for one in files if one.is_file() and not one.name.startswith(".")]
        for ending in _CALIBRATION_ENDINGS:
            fitting = [one for one in files if one.name.endswith(ending)]
            if len(fitting) > 1:
                names = ", ".join(one.name for one in fitting)
                raise CalibrationError(f"{folders[0]}: {names}: keep the one that is to be used")
            if fitting:
                return fitting[0]
        if folders and (found := calibration_files.in_project(folders[0])):
            return found
    return None
