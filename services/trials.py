"""The trials that a command is given, and what tells whether one has changed since."""

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigError
from services import calibration_files, project, project_videos
from services.session_format import MANIFEST

_EXCLUDED = "exclude_from_batch"
_STREAM = "stream-*.mcap"
_CHUNK_BYTES = 1 << 20


def find(inputs: Iterable[Path]) -> list[Path]:
    """The trials: each input, or those in it where it is a batch of Pose2Sim's.

    A batch is a folder with a ``Config.toml`` and no keypoints of its own, and trials in it that
    have a ``Config.toml`` each. Those named in ``project.exclude_from_batch`` are left out.

    Raises:
        ConfigError: two trials of one name, for their results would have one place.
    """
    trials = [trial for path in inputs for trial in _in_batch(path) or [path]]
    names = [name_of(trial) for trial in trials]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"two trials called {', '.join(doubled)}; process them one by one")
    return trials


def name_of(trial: Path) -> str:
    """Name of a trial's folder."""
    return trial.resolve().name


def _in_batch(path: Path) -> list[Path]:
    config = path / project.CONFIG
    if not config.is_file() or project.has_keypoints(path):
        return []
    try:
        excluded = tomllib.loads(project.text_of(config)).get("project", {}).get(_EXCLUDED, [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config}: not TOML: {error}") from error
    trials = [one for one in path.iterdir() if (one / project.CONFIG).is_file()]
    chosen = [one for one in trials if one.name not in excluded]
    return sorted(chosen, key=lambda one: project_videos.natural(one.name))


def input_hash(trial: Path, own_files: Sequence[Path] = ()) -> str:
    """SHA-256 of all that a result depends on: names and contents of files.

    Of a session the messages count, not the pictures.
    """
    digest = hashlib.sha256()
    for path in (*_files(trial), *own_files):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _files(trial: Path) -> list[Path]:
    if (trial / MANIFEST).is_file():
        return [trial / MANIFEST, *sorted(trial.glob(_STREAM))]
    opened = project.open_project(trial)
    return [
        *(level / project.CONFIG for level in project.levels_of(trial)),
        *calibration_files.files_of(opened.calibration),
        *(path for frames in opened.files.values() for path in frames.values()),
    ]


def settings_hash(settings: Any, version: str) -> str:
    """SHA-256 of settings and of the program's version."""
    encoded = msgspec.json.encode([version, msgspec.to_builtins(settings)], order="sorted")
    return hashlib.sha256(encoded).hexdigest()
