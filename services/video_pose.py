"""2D poses of a whole video: one OpenPose json a picture, and the skeletons as a video.

The pictures go through the live chain's tracker, without the other cameras' guidance. A folder of
json appears whole or not at all; what was read of a broken video gets a name of its own, which
Pose2Sim does not take for a camera.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture.whole_video import Picture, Video, open_whole, pictures
from core import openpose
from core.config import PoseConfig
from core.errors import CameraError, ConfigError
from core.pose.backend import Backend, Estimate
from core.pose.drawing import draw
from services.following import Follower, People, View
from services.overlay import OverlayWriter

F64 = NDArray[np.float64]
OnPicture = Callable[[int, int], None]
"""Told how many pictures are done, and how many there are."""

_JSON = "_json"
_MP4 = ".mp4"
_CAMERA = "video"


class Target(NamedTuple):
    """Where the poses of a video go."""

    folder: Path
    """``NAME_json``, or any other name."""
    overlay: Path | None


@dataclass(frozen=True, slots=True)
class Posed:
    """What came of a video."""

    pictures: int
    with_people: int
    people: int
    """Numbers given: somebody who was lost and found again counts twice."""
    most_at_once: int
    damaged: int
    """Pictures of which something was missing in the file."""
    folder: Path | None
    """None: not one picture could be read."""
    overlay: Path | None
    error: str = ""
    """Why the video could not be read to its end."""


def json_name(stem: str, number: int) -> str:
    """Name of the file of a picture, as Pose2Sim names it."""
    return f"{stem}_{number:06d}.json"


def incomplete(path: Path) -> Path:
    """Name for what a broken video gives: ``cam01_incomplete`` for ``cam01_json``.

    Pose2Sim takes each folder with "json" in its name for a camera.
    """
    name, ending = _split(path)
    return path.with_name(f"{name}_incomplete{ending}")


def _split(path: Path) -> tuple[str, str]:
    """Name without "_json" and without ".mp4", and the latter."""
    ending = _MP4 if path.suffix == _MP4 else ""
    return path.name.removesuffix(_JSON).removesuffix(ending), ending


def pose_video(
    path: Path, target: Target, backend: Backend, config: PoseConfig, on_picture: OnPicture
) -> Posed:
    """Write the poses of a video; whatever had the same names is replaced at the very end.

    Raises:
        CameraError: no such file, or no video in it.
        ConfigError: the target cannot be written.
    """
    video = open_whole(path)
    overlaid = nullcontext() if target.overlay is None else _scratch(target.overlay)
    try:
        with _scratch(target.folder) as folder, overlaid as overlay:
            folder.mkdir()
            tally = _Tally()
            try:
                _pose(video, backend, config, folder, overlay, tally, on_picture)
            except CameraError as error:
                tally.error = str(error)
            return tally.posed(*_moved(Target(folder, overlay), target, tally))
    except OSError as error:
        raise ConfigError(f"{path}: its results cannot be written: {error}") from error


def _moved(scratch: Target, target: Target, tally: "_Tally") -> tuple[Path | None, Path | None]:
    """Put the results in their places, unless there are none."""
    if not tally.pictures:
        return None, None
    name = incomplete if tally.error else Path
    folder = _move(scratch.folder, name(target.folder))
    if scratch.overlay is None or target.overlay is None:
        return folder, None
    return folder, _move(scratch.overlay, name(target.overlay))


@dataclass
class _Tally:
    pictures: int = 0
    with_people: int = 0
    people: int = 0
    most_at_once: int = 0
    damaged: int = 0
    error: str = ""

    def count(self, picture: Picture, people: People) -> None:
        self.pictures += 1
        self.with_people += bool(people)
        self.people = max([self.people, *(number for number, _ in people)])
        self.most_at_once = max(self.most_at_once, len(people))
        self.damaged += picture.damaged

    def posed(self, folder: Path | None, overlay: Path | None) -> Posed:
        return Posed(
            self.pictures, self.with_people, self.people, self.most_at_once, self.damaged,
            folder, overlay, self.error,
        )  # fmt: skip


def _pose(
    video: Video,
    backend: Backend,
    config: PoseConfig,
    folder: Path,
    overlay: Path | None,
    tally: _Tally,
    on_picture: OnPicture,
) -> None:
    stem, follower = video.path.stem, Follower(backend, config, (_CAMERA,), {})
    writer = OverlayWriter(overlay, video.time_base_s, video.rate_hz) if overlay else nullcontext()
    with writer as film:
        for one in pictures(video):
            (people,) = follower.follow([View(_CAMERA, one.t_ns, one.pixels)], None)
            table = {number: _keypoints(estimate) for number, estimate in people}
            (folder / json_name(stem, one.number)).write_bytes(openpose.write(table))
            if film:
                film.write(draw(one.pixels, people, backend.skeleton), one.pts)
            tally.count(one, people)
            on_picture(tally.pictures, video.n_promised)


def _keypoints(found: Estimate) -> F64:
    """(J, 3): x, y where the centre of the first pixel is 0, as OpenCV and calibrations count."""
    return np.column_stack([found.points_px - 0.5, found.confidence])


@contextmanager
def _scratch(final: Path) -> Iterator[Path]:
    """A hidden name beside the final one; what is still there at the end is removed."""
    name, ending = _split(final)
    scratch = final.with_name(f".{name}.{os.getpid()}{ending}")
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield scratch
    finally:
        _remove(scratch)


def _move(scratch: Path, final: Path) -> Path:
    """Put it in its place; what is there steps aside first, as folders cannot be replaced."""
    aside = scratch.with_name(f"{scratch.name}.old")
    if final.exists():
        final.rename(aside)
    scratch.rename(final)
    _remove(aside)
    return final


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
