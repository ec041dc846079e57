"""A recording as a camera: the recorded packets with their recorded times and numbers."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import av
from av.error import FFmpegError, InvalidDataError
from av.video.codeccontext import VideoCodecContext

from capture import footage
from capture.camera import CapturedFrame, CompressedPacket, StreamFormat
from core.errors import CameraError


class RecordedCamera:
    """Plays packets of a session. Nothing is renumbered and no time is changed."""

    def __init__(
        self,
        stream: StreamFormat,
        packets: Callable[[], Iterator[CompressedPacket]],
        reduce: int,
        play_s: float = 0.0,
    ) -> None:
        self.format = stream
        self._packets, self._reduce, self._play_s = packets, reduce, play_s

    def prepare(self) -> None:
        """Nothing: a recording is decoded as it plays."""

    def settle(self, done: Callable[[], bool]) -> None:
        """Nothing: its times are known."""

    def events(self, start_ns: int, now_ns: int) -> Iterator[CompressedPacket | CapturedFrame]:
        """Yield each packet and the frames it completed; what lies before ``now_ns`` is skipped.

        Pictures that hang on packets lost before the first key frame cannot be decoded and are
        not yielded, and neither are frames beyond the length that was played: a recording may
        hold a packet more, on which its last frame hangs.
        """
        end_ns = start_ns + self._play_s * 1e9 if self._play_s else math.inf
        decoder = PacketDecoder(self.format)
        times: dict[int, int] = {}
        for packet in self._packets():
            times[packet.frame] = packet.t_ns
            if packet.t_ns >= now_ns:
                yield packet
            for frame in decoder.feed(packet):
                yield from self._frames(frame, times, now_ns, end_ns)
        for frame in decoder.flush():
            yield from self._frames(frame, times, now_ns, end_ns)

    def _frames(
        self, frame: av.VideoFrame, times: dict[int, int], now_ns: int, end_ns: float
    ) -> Iterator[CapturedFrame]:
        number = frame.pts
        t_ns = times.pop(number, None) if number is not None else None
        if number is not None and t_ns is not None and now_ns <= t_ns < end_ns:
            yield CapturedFrame(number, t_ns, partial(footage.shrink, frame, self._reduce))

    def close(self) -> None:
        """Nothing is open between two events."""


class PacketDecoder:
    """Decodes packets; a frame comes back with its number as its time."""

    def __init__(self, stream: StreamFormat) -> None:
        try:
            context = av.CodecContext.create(stream.codec, "r")
        except (ValueError, FFmpegError) as error:
            raise CameraError(f"no decoder for {stream.codec!r}: {error}") from error
        if not isinstance(context, VideoCodecContext):
            raise CameraError(f"{stream.codec!r} is no video")
        self._context = context
        self._context.extradata = stream.extradata or None
        self._context.thread_count = 1
        self._next_packet: int | None = None

    def accepts(self, packet: CompressedPacket) -> bool:
        """Whether a packet can be decoded: after a hole nothing until the next key frame."""
        return packet.keyframe or packet.packet == self._next_packet

    def feed(self, packet: CompressedPacket) -> list[av.VideoFrame]:
        """Decode one packet; nothing comes of one that is not accepted."""
        if not self.accepts(packet):
            return []
        self._next_packet = packet.packet + 1
        raw = av.Packet(packet.payload)
        raw.pts, raw.dts = packet.frame, packet.packet
        return self._decode(raw)

    def flush(self) -> list[av.VideoFrame]:
        """Return the frames the decoder still holds."""
        return self._decode(None)

    def _decode(self, raw: av.Packet | None) -> list[av.VideoFrame]:
        try:
            return list(self._context.decode(raw))
        except InvalidDataError:
            return []
