"""Decoding of video files: an index of the frames, and pictures by number."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from core.errors import CameraError

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """The frames of a file, in the order in which they are shown."""

    pts: tuple[int, ...]
    """Presentation times in units of ``time_base_s``, ascending."""
    time_base_s: Fraction
    rate_hz: float

    @property
    def loop_s(self) -> Fraction:
        """Length of one round: to the end of the last frame."""
        return self.since_first_s(len(self.pts) - 1) + 1 / Fraction(self.rate_hz)

    def since_first_s(self, frame: int) -> Fraction:
        """Time of a frame after the first one."""
        return (self.pts[frame] - self.pts[0]) * self.time_base_s


def open_video(path: Path) -> tuple[InputContainer, av.VideoStream]:
    """Open a file and its first video stream, decoding on one thread.

    Raises:
        CameraError: no such file, or no video in it.
    """
    try:
        container = av.open(str(path))
    except (OSError, FFmpegError) as error:
        raise CameraError(f"{path}: cannot be opened as video: {error}") from error
    if not container.streams.video:
        raise CameraError(f"{path}: no video stream in it")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    return container, stream


def packets(path: Path) -> Iterator[av.Packet]:
    """Compressed packets of a file in decoding order."""
    container, stream = open_video(path)
    with container:
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                yield packet


def index(path: Path) -> FrameIndex:
    """Read the times of all frames, without decoding.

    Raises:
        CameraError: no such file, no video, fewer than two frames, or doubled times.
    """
    container, stream = open_video(path)
    time_base = stream.time_base or Fraction(1, 90_000)
    rate = stream.average_rate
    container.close()
    pts = tuple(sorted(packet.pts for packet in packets(path) if packet.pts is not None))
    if len(pts) < 2 or any(a == b for a, b in pairwise(pts)):
        raise CameraError(f"{path}: {len(pts)} frames, or two of one time; cannot be played")
    mean_hz = (len(pts) - 1) / float((pts[-1] - pts[0]) * time_base)
    return FrameIndex(pts, time_base, float(rate) if rate else mean_hz)


def shrink(frame: av.VideoFrame, factor: int) -> U8:
    """BGR picture (H // factor, W // factor, 3), area-averaged."""
    size = max(1, frame.width // factor), max(1, frame.height // factor)
    small = frame.reformat(*size, format="bgr24", interpolation="AREA")
    return np.ascontiguousarray(small.to_ndarray(), dtype=np.uint8)


class Pictures:
    """Pictures of a file by frame number; asked for in rising order they are decoded once.

    With room for it decoded pictures are kept, so that looped footage is decoded in its first
    round only.
    """

    def __init__(self, path: Path, frames: FrameIndex, factor: int, keep_bytes: float) -> None:
        self._number = {pts: number for number, pts in enumerate(frames.pts)}
        self._index, self._factor, self._room = frames, factor, keep_bytes
        self._container, self._stream = open_video(path)
        self._next = 0
        self._decoded = self._container.decode(self._stream)
        self._kept: dict[int, U8] = {}

    def get(self, number: int) -> U8:
        """Return the picture of a frame (H, W, 3) BGR; CameraError when it cannot be decoded."""
        if number in self._kept:
            return self._kept[number]
        if number < self._next:
            self._container.seek(self._index.pts[number], stream=self._stream)
            self._decoded = self._container.decode(self._stream)
        picture = shrink(self._frame(number), self._factor)
        if picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[number] = picture
        return picture

    def keep(self, number: int) -> bool:
        """Decode a picture beforehand; False when there is no room to keep it."""
        self.get(number)
        return number in self._kept

    def _frame(self, number: int) -> av.VideoFrame:
        for frame in self._decoded:
            self._next = self._number.get(frame.pts or 0, -1) + 1
            if self._next == number + 1:
                return frame
        raise CameraError(f"frame {number} cannot be decoded")

    def close(self) -> None:
        """Close the file."""
        self._container.close()
