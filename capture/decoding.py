"""Decoding of a live stream: one picture out for each frame in, and none that hangs on a lost one.

Low delay, one thread: a decoder with more threads holds back a frame each.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

from capture import bitstream, footage
from capture.bitstream import FrameNumbering
from capture.camera import Cause
from capture.device import Pictured, Spoilt
from core.errors import CameraError

TORN: tuple[Cause, str] = ("decode", "hangs on a lost frame")
SLOW: tuple[Cause, str] = ("queue", "decoding is too slow")


class Decoder:
    """Frames go in in decoding order, each with a serial number by which its picture is known.

    ``lossy``: pieces of frames may be missing.
    """

    def __init__(self, codec: str, extradata: bytes, *, lossy: bool = False) -> None:
        context = av.CodecContext.create(codec, "r")
        if not isinstance(context, VideoCodecContext):
            raise CameraError(f"{codec!r} is no video")
        context.extradata = extradata or None
        context.thread_count = 1
        context.flags |= Flags.low_delay
        if lossy and codec == "hevc":  # unasked, this decoder paints over what is missing
            context.options = {"err_detect": "bitstream+buffer+explode"}
        self._context, self._codec = context, codec
        self._hangs: tuple[Cause, str] | None = TORN
        self._numbering = FrameNumbering()
        self.missing_before(extradata)
        self._inside: deque[int] = deque()

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of what was decoded last; zeros before that."""
        return self._context.width, self._context.height

    def missing_before(self, payload: bytes) -> int:
        """Frames lost before this one, as far as the stream tells; then nothing is decoded until
        the next keyframe. To be asked of each frame, before it is fed."""
        if self._codec != "h264":
            return 0
        self._numbering, missing = bitstream.follow(self._numbering, payload)
        if missing:
            self.hang(TORN)
        return missing

    def hang(self, why: tuple[Cause, str]) -> None:
        """Decode nothing until the next keyframe."""
        self._hangs = why

    def feed(self, serial: int, payload: bytes) -> Iterator[Pictured | Spoilt]:
        """Decode one frame; what comes of it, and of the ones the decoder held."""
        if bitstream.is_keyframe(self._codec, payload):
            self._hangs = None
        if self._hangs:
            yield Spoilt(serial, *self._hangs)
            return
        packet = av.Packet(payload)
        packet.pts = serial
        self._inside.append(serial)
        try:
            frames = self._context.decode(packet)
        except FFmpegError:
            self._inside.remove(serial)
            self._hangs = TORN
            yield Spoilt(serial, *TORN)
            return
        for frame in frames:
            yield from self._came(frame)

    def skip(self, serial: int) -> Spoilt:
        """Pass over a frame, and what hangs on it, because too many wait."""
        self._hangs = SLOW
        return Spoilt(serial, *SLOW)

    def _came(self, frame: av.VideoFrame) -> Iterator[Pictured | Spoilt]:
        serial = frame.pts if frame.pts is not None else -1
        while self._inside and self._inside[0] < serial:
            yield Spoilt(self._inside.popleft(), *TORN)
        if self._inside and self._inside[0] == serial:
            self._inside.popleft()
        if frame.is_corrupt:
            self._hangs = TORN
            yield Spoilt(serial, *TORN)
        else:
            yield Pictured(serial, partial(footage.shrink, frame))
