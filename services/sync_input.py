"""What ``kinelive sync`` takes in: each camera's main person, in its own count of frames.

Unlike the other commands it takes a project's ``pose/``, which nothing has shifted yet, and does
without a calibration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import calibration, openpose, pose2sim_config
from core.cameras import Rig, select
from core.errors import CalibrationError, ConfigError, SessionError, WireError
from core.offline_people import Tell, say_nothing
from core.pose2sim_config import ProjectConfig
from core.sync.found import Views
from core.sync.people import main_person
from core.sync.settings import AnyMethod
from services import calibration_files, project, project_videos, recordings
from services.project import ASSOCIATED, CONFIG
from services.session import open_session

F64 = NDArray[np.float64]

STAGES = ("pose", "pose-sync", ASSOCIATED)
"""Folders with keypoints, the least processed first."""
_JSON_FOLDER = "_json"
_MOST_NUMBERS = 10_000_000
_READING = "reading keypoints"


@dataclass(frozen=True, slots=True)
class CameraFiles:
    """One camera's json files."""

    folder: str
    files: Mapping[int, Path]
    """By the number in their names."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What a project needs besides keypoints, as text."""

    config: str | None
    """``Config.toml``; None: it has to be put together."""
    levels: tuple[Path, ...]
    skeleton: str
    calibration: tuple[str, str] | None
    """Name and text of the file."""


@dataclass(frozen=True, slots=True, eq=False)
class SyncInput:
    """One recording."""

    views: Views
    rig: Rig | None
    first_frame: int
    """Number of the first frame of ``views``."""
    setting: Setting
    files: Mapping[str, CameraFiles]
    """Of a project; a session has none …"""
    people: Mapping[tuple[int, int], Sequence[F64]]
    """… but the people by (row, camera), each (J, 3)."""
    notes: tuple[str, ...]


def load(path: Path, method: AnyMethod, tell: Tell = say_nothing) -> SyncInput:
    """Read the keypoints of a project folder or session.

    Raises:
        KineliveError: neither, or one that cannot be read; says why.
    """
    if project.is_project(path):
        return _of_project(path, method, tell)
    return _of_session(path, tell)


def _of_project(path: Path, method: AnyMethod, tell: Tell) -> SyncInput:
    levels = project.levels_of(path)
    texts = [project.text_of(one / CONFIG) for one in levels]
    config = pose2sim_config.parse(texts, str(path / CONFIG))
    stage, folders = project.keypoint_folders(path, STAGES)
    names, rig, chosen = _cameras(path, levels, [one.name for one in folders], method)
    files = {
        name: CameraFiles(folder.name, project.frames_of(folder, None))
        for name, folder in zip(names, folders, strict=True)
    }
    rate_hz = config.rate_hz or project_videos.rate_hz(path)
    views, first, bad = _read(files, config, rate_hz, tell)
    notes = [] if stage.name == STAGES[0] else [f"keypoints are taken from {stage.name}/"]
    notes += [f"{len(bad)} frames unreadable, e.g. {bad[0]}"] if bad else []
    text = texts[0] if len(texts) == 1 and config.rate_hz else None
    setting = Setting(text, tuple(levels), config.skeleton.name, chosen)
    return SyncInput(views, rig, first, setting, files, {}, tuple(notes))


def _cameras(
    path: Path, levels: Sequence[Path], folders: Sequence[str], method: AnyMethod
) -> tuple[list[str], Rig | None, tuple[str, str] | None]:
    """Names of the cameras, and their calibration where there is one and it is wanted."""
    names = [one.removesuffix(_JSON_FOLDER) for one in folders]
    file = project.find_calibration(levels)
    if file is None:
        return names, None, None
    try:
        name, text = calibration_files.as_text(file)
        models = calibration.parse(name, text)
        names = project.match_cameras(folders, models, str(path))
    except (CalibrationError, ConfigError):
        if method in ("speed", "flash", "clap"):
            return names, None, None
        raise
    return names, select(models, names, str(file)), (name, text)


def _read(
    files: Mapping[str, CameraFiles], config: ProjectConfig, rate_hz: float, tell: Tell
) -> tuple[Views, int, list[str]]:
    """Each camera's main person, the number of the first frame, and what could not be read."""
    numbers = [number for one in files.values() for number in one.files]
    if not numbers:
        raise SessionError("no frames in the folders with keypoints")
    first, n_frames = min(numbers), max(numbers) - min(numbers) + 1
    if n_frames > _MOST_NUMBERS:
        raise SessionError(f"frames are numbered from {first} to {max(numbers)}: not usable")
    bad = list[str]()
    persons = list[F64]()
    for done, one in enumerate(files.values()):
        people = {number - first: _people(path, config, bad) for number, path in one.files.items()}
        persons.append(main_person(people, n_frames, len(config.skeleton.names)))
        tell(_READING, done + 1, len(files))
    return _views(tuple(files), rate_hz, np.stack(persons)), first, bad


def _people(path: Path, config: ProjectConfig, bad: list[str]) -> list[F64]:
    try:
        people = openpose.parse(path.read_bytes())
    except (OSError, WireError) as error:
        bad.append(f"{path.parent.name}/{path.name}: {error}")
        return []
    for one in people:
        if len(one) != len(config.skeleton.names):
            raise ConfigError(
                f"{path}: {len(one)} keypoints, and {config.skeleton.name} has "
                f"{len(config.skeleton.names)}; set pose.pose_model in {CONFIG}"
            )
    return people


def _views(names: tuple[str, ...], rate_hz: float, persons: F64) -> Views:
    return Views(names, rate_hz, persons[..., :2], persons[..., 2])


def _of_session(path: Path, tell: Tell) -> SyncInput:
    loaded, session = recordings.load(path, tell), open_session(path)
    pictures = loaded.pictures
    n_frames, n_cameras, n_keypoints = pictures.shape
    persons = []
    for camera in range(n_cameras):
        mine = {row: one for (row, place), one in pictures.people.items() if place == camera}
        persons.append(main_person(mine, n_frames, n_keypoints))
    notes = (
        *loaded.notes,
        "frames are those of the session's common time: offsets are what its clocks did not see",
    )
    chosen = (loaded.calibration, session.calibration_text)
    setting = Setting(None, (), pictures.skeleton.name, chosen)
    views = _views(pictures.rig.names, pictures.rate_hz, np.stack(persons))
    first = int(pictures.frames[0])
    return SyncInput(views, pictures.rig, first, setting, {}, pictures.people, notes)
