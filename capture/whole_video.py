"""A video file from its first picture to its last, each upright and with its number.

The numbers are those of whoever counts the pictures that come out of the file, as OpenCV and with
it Pose2Sim do. Apart from ``capture.footage`` because nothing is played: no loop, no reduction, and
a file that is damaged gives what comes before the damage, and then says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from capture import footage
from core.errors import CameraError

U8 = NDArray[np.uint8]
_QUARTER_DEG = 90


class Picture(NamedTuple):
    """One picture of a video."""

    number: int
    """From 0."""
    pts: int
    """Presentation time in units of the video's ``time_base_s``."""
    t_ns: int
    """Time since the first picture."""
    pixels: U8
    """(H, W, 3) BGR, upright."""
    damaged: bool
    """The decoder says that it made up what was missing in the file; it does not always notice."""


@dataclass(frozen=True, slots=True)
class Video:
    """What a file says of itself before a picture is decoded."""

    path: Path
    time_base_s: Fraction
    rate_hz: float
    pts: tuple[int, ...]
    """Times of the pictures, ascending; none where the file has no usable ones: then pictures
    follow each other at ``rate_hz``, and ``time_base_s`` is the time between two."""
    n_promised: int
    """Pictures in it by its table of contents; what the file holds where it has none, as in mkv
    and ts: of those nobody can tell that they were cut short."""
    n_held: int
    """Pictures of which it really has packets."""


def open_whole(path: Path) -> Video:
    """Read a file's list of pictures, without decoding.

    Raises:
        CameraError: no such file, or no video in it.
    """
    container, stream = footage.open_video(path)
    with container:
        time_base, rate = stream.time_base or Fraction(1, 90_000), stream.average_rate
        promised, in_order = stream.frames, "avi" not in container.format.name
        packets = list(_until_broken(container, stream))
    if not packets:
        raise CameraError(f"{path}: no pictures in it")
    shown = [pts for pts, discarded in packets if not discarded]
    # avi notes when a picture is decoded, not when it is shown
    times = sorted(pts for pts in shown if pts is not None)
    usable = in_order and len(times) == len(shown) and all(a < b for a, b in pairwise(times))
    held = len(packets)
    if usable and len(times) > 1:
        mean_hz = float((len(times) - 1) / ((times[-1] - times[0]) * time_base))
        rate_hz = float(rate) if rate else mean_hz
        return Video(path, time_base, rate_hz, tuple(times), max(promised, held), held)
    rate = rate or Fraction(30)
    return Video(path, 1 / rate, float(rate), (), max(promised, held), held)


def _until_broken(
    container: InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int | None, bool]]:
    """Time of each packet, and whether its picture is cut off by an edit list."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:  # decoding comes upon it again, and tells
            return
        if packet is None:
            return
        if packet.size:
            yield packet.pts, packet.is_discard


def pictures(video: Video) -> Iterator[Picture]:
    """Decode all pictures in the order in which they are shown.

    Raises:
        CameraError: the file is broken; all pictures before that have been given.
    """
    place = {pts: number for number, pts in enumerate(video.pts)}
    first: tuple[int, int] | None = None  # pts of the first picture and its place in the list
    n_given = 0
    for frame in _decoded(video):
        pts = frame.pts if video.pts and frame.pts is not None else n_given
        first = first or (pts, place.get(pts, 0))
        if place and place.get(pts) != first[1] + n_given:
            raise CameraError(f"{video.path}: picture {n_given} cannot be decoded")
        t_ns = round((pts - first[0]) * video.time_base_s * 1_000_000_000)
        yield Picture(n_given, pts, t_ns, _upright(frame), frame.is_corrupt)
        n_given += 1
    if place and (first is None or first[1] + n_given < len(place)):
        raise CameraError(f"{video.path}: nothing can be decoded from picture {n_given} on")
    if video.n_held < video.n_promised:
        raise CameraError(
            f"{video.path}: is cut short: {video.n_held} of {video.n_promised} pictures in it"
        )


def _decoded(video: Video) -> Iterator[av.VideoFrame]:
    container, stream = footage.open_video(video.path)
    with container:
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames, None)
            except FFmpegError as error:
                raise CameraError(f"{video.path}: cannot be decoded to its end: {error}") from error
            if frame is None:
                return
            yield frame


def _upright(frame: av.VideoFrame) -> U8:
    """Picture (H, W, 3) BGR as players show it: telephones film on their side and note it."""
    turns = round(frame.rotation / _QUARTER_DEG)
    return np.ascontiguousarray(np.rot90(footage.shrink(frame, 1), turns))
