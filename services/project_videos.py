"""The videos of a Pose2Sim project folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from capture import footage
from core.errors import CameraError, ConfigError

FOLDER = "videos"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Video:
    """One camera's video."""

    path: Path
    rate_hz: float


def natural(name: str) -> tuple[str | int, ...]:
    """Key for sorting names by the numbers in them: cam2 before cam10."""
    texts = _NUMBER.split(name.lower())
    numbers = [int(one) for one in _NUMBER.findall(name)]
    return tuple(part for pair in zip(texts, [*numbers, 0], strict=True) for part in pair)


def find(path: Path) -> list[Video]:
    """The project's videos in natural order; other files, as projects keep them too, are not."""
    folder = path / FOLDER
    there = sorted(folder.iterdir(), key=lambda one: natural(one.name)) if folder.is_dir() else []
    found = []
    for file in there:
        try:
            container, stream = footage.open_video(file)
        except CameraError:
            continue
        with container:
            if stream.average_rate:
                found.append(Video(file, float(stream.average_rate)))
    return found


def rate_hz(path: Path) -> float:
    """Frame rate of the project's videos, for ``frame_rate = 'auto'``.

    Raises:
        ConfigError: no video, or videos of several rates.
    """
    rates = {video.rate_hz for video in find(path)}
    if len(rates) != 1:
        seen = ", ".join(f"{rate:g}" for rate in sorted(rates)) or "no video"
        raise ConfigError(
            f"{path}: project.frame_rate is 'auto' and {path / FOLDER} has {seen}; set the rate in "
            "Config.toml"
        )
    return rates.pop()
