"""Flashes and claps in a project's videos: how bright each picture is, and the sound."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from capture import footage
from core.errors import CameraError, ConfigError
from core.offline_people import Tell, say_nothing
from core.sync import bursts
from core.sync.bursts import Burst, Bursts
from services import project, project_videos
from services.project_videos import Video

F64 = NDArray[np.float64]

_SMALL = (64, 36)
_SOUND_HZ = 16_000
_READING = "looking at videos"


def load(
    path: Path, method: Burst, names: tuple[str, ...] | None, tell: Tell = say_nothing
) -> tuple[list[Bursts], float]:
    """What was sudden in each camera, in the order of ``names``, and the frame rate.

    Args:
        path: a Pose2Sim project with ``videos/``.
        method: what to look or listen for.
        names: cameras that the videos are matched with; None: they are named as the videos.
        tell: told of progress.

    Raises:
        KineliveError: not two videos of one frame rate, or one that cannot be read; says why.
    """
    videos = project_videos.find(path)
    if len(videos) < 2:
        raise ConfigError(
            f"{path / project_videos.FOLDER}: {len(videos)} videos; --method {method} needs those "
            "of two cameras"
        )
    rates = {round(one.rate_hz, 3) for one in videos}
    if len(rates) > 1:
        raise ConfigError(f"{path}: videos of {', '.join(map(str, sorted(rates)))} frames a second")
    stems = [one.path.stem for one in videos]
    called = stems if names is None else project.match_cameras(
        stems, dict.fromkeys(names), str(path), "videos"
    )  # fmt: skip
    if missing := set(names or ()) - set(called):
        raise ConfigError(f"{path}: no video of {', '.join(sorted(missing))}")
    read: Callable[[Video, str], Bursts] = _flashes if method == "flash" else _claps
    found = dict[str, Bursts]()
    for done, (video, name) in enumerate(zip(videos, called, strict=True)):
        found[name] = read(video, name)
        tell(_READING, done + 1, len(videos))
    return [found[name] for name in names or called], videos[0].rate_hz


def _flashes(video: Video, name: str) -> Bursts:
    return bursts.flashes(name, brightness(video.path), video.rate_hz)


def brightness(path: Path) -> F64:
    """Mean brightness (T,) 0..255 of all pictures; CameraError where they cannot be decoded."""
    container, stream = footage.open_video(path)
    stream.codec_context.thread_count = 0
    width, height = _SMALL
    try:
        with container:
            return np.array(
                [
                    frame.reformat(width, height, "gray", interpolation="AREA").to_ndarray().mean()
                    for frame in container.decode(stream)
                ]
            )
    except FFmpegError as error:
        raise CameraError(f"{path}: cannot be decoded: {error}") from error


def _claps(video: Video, name: str) -> Bursts:
    sound, start_s = _sound(video.path)
    return bursts.claps(name, sound, _SOUND_HZ, start_s)


def _sound(path: Path) -> tuple[F64, float]:
    """Sound (N,) -1..1 at 16 kHz, and how long after the first picture it starts."""
    first_s = _first_picture_s(path)
    container, _ = footage.open_video(path)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_SOUND_HZ)
    pieces, begun_s = list[F64](), None
    try:
        with container:
            if not container.streams.audio:
                raise CameraError(f"{path}: no sound in it; try --method flash")
            for frame in container.decode(container.streams.audio[0]):
                begun_s = frame.time if begun_s is None else begun_s
                pieces += [one.to_ndarray()[0] for one in resampler.resample(frame)]
            pieces += [one.to_ndarray()[0] for one in resampler.resample(None)]
    except FFmpegError as error:
        raise CameraError(f"{path}: its sound cannot be decoded: {error}") from error
    sound = np.concatenate([np.empty(0), *pieces]).astype(np.float64)
    return sound, (begun_s or 0.0) - first_s


def _first_picture_s(path: Path) -> float:
    container, stream = footage.open_video(path)
    with container:
        return next((frame.time or 0.0 for frame in container.decode(stream)), 0.0)
