"""Synchronised keypoints as ``pose-sync/`` of a Pose2Sim project: whole frames, json by json."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import openpose
from core.errors import ConfigError
from core.sync.found import Found, Offset
from services import project
from services.project import ASSOCIATED, CONFIG
from services.sync_input import Setting, SyncInput

STAGE = "pose-sync"

_NUMBER = re.compile(r"\d+(?=\D*$)")
_DIGITS = 6


def write(given: SyncInput, found: Found, out: Path) -> list[str]:
    """Write ``out/pose-sync/`` and, into another folder than the input's, what a project needs.

    A frame of the reference keeps its number; each other camera's frame that shows the same
    instant, to half a frame, gets that number. Frames without a counterpart are left out.

    Returns:
        What the user should know.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        _clear(out / STAGE)
        for place, one in enumerate(found.offsets):
            for name, content in _frames(given, place, one):
                target = out / STAGE / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        _setting(given, out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error}; name another --out") from error
    if (out / ASSOCIATED).is_dir():
        return [f"{out / ASSOCIATED} is older, and is preferred to {STAGE}; remove it"]
    return []


def _clear(stage: Path) -> None:
    """Take away the frames of an earlier synchronisation."""
    for old in stage.glob("*_json/*.json"):
        old.unlink()


def _frames(given: SyncInput, place: int, one: Offset) -> Iterator[tuple[str, bytes]]:
    """Name below the stage and content of each json of a camera."""
    n_frames = given.views.points_px.shape[1]
    rate = 1.0 + 1e-6 * (one.drift_ppm or 0.0)
    for row in range(n_frames):
        other = round(one.offset_frames + rate * row)
        number = given.first_frame + row
        if given.files:
            of_camera = given.files[one.camera]
            source = of_camera.files.get(given.first_frame + other)
            if source is not None:
                name = _NUMBER.sub(f"{number:0{_DIGITS}d}", source.name.removesuffix(".json"))
                yield f"{of_camera.folder}/{name}.json", source.read_bytes()
        elif (other, place) in given.people:
            people = dict(enumerate(given.people[other, place]))
            name = f"{one.camera}_json/{one.camera}.{number:0{_DIGITS}d}.json"
            yield name, openpose.write(people)


def _setting(given: SyncInput, out: Path) -> None:
    """``Config.toml`` and calibration, where there are none yet."""
    setting = given.setting
    if not (out / CONFIG).exists():
        (out / CONFIG).write_text(_config(setting, given.views.rate_hz), encoding="utf-8")
    if setting.calibration and project.find_calibration([out]) is None:
        inherits = any(out.resolve().is_relative_to(one) for one in setting.levels)
        if not inherits:
            name, text = setting.calibration
            (out / "calibration").mkdir(exist_ok=True)
            (out / "calibration" / name).write_text(text, encoding="utf-8")


def _config(setting: Setting, rate_hz: float) -> str:
    """The input's settings, those of all folders it lies in as one file, with the frame rate."""
    if setting.config is not None:
        return setting.config
    values: dict[str, Any] = {"pose.pose_model": setting.skeleton}
    for level in setting.levels:
        values.update(_flat(tomllib.loads(project.text_of(level / CONFIG))))
    values["project.frame_rate"] = rate_hz
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _toml(value: Any) -> str:
    """A TOML value; that of numbers, texts, truth values and lists of them is JSON's."""
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, bool | int | float | str):
        return json.dumps(value)
    return str(value)
