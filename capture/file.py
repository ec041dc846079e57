"""Footage as a camera: paced by the video's own times, in a loop when asked."""

import bisect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from av.packet import Packet

from capture import footage
from capture.camera import CapturedFrame, CompressedPacket, StreamFormat
from core.config import CameraConfig
from core.errors import CameraError
from core.timebase import START_PHASE_NS, grid_cell


class FileCamera:
    """Plays a video file. Frame k of round r lies at start + r * length + its own time."""

    def __init__(self, config: CameraConfig) -> None:
        """Read the file's index.

        Raises:
            CameraError: no such file, no video in it, or not playable.
        """
        self._path = Path(config.path)
        if not self._path.is_file():
            raise CameraError(f"{config.name}: no such file: {self._path}")
        self._index = footage.index(self._path)
        keep_bytes = config.cache_mb * 1e6 if config.loop else 0
        self._pictures = footage.Pictures(self._path, self._index, config.reduce, keep_bytes)
        self._loop, self._play_s = config.loop, config.play_s
        self._deliver_hz = config.deliver_hz
        self.format = _format(self._path, self._index)

    def prepare(self) -> None:
        """Decode what the first round of looped footage will be asked for, if it can be kept."""
        if not self._loop:
            return
        cell = -1
        for number in range(len(self._index.pts)):
            last, cell = cell, self._cell(number)
            if cell != last and not self._pictures.keep(number):
                return

    def settle(self, done: Callable[[], bool]) -> None:
        """Nothing: its times are known."""

    def _cell(self, number: int) -> int:
        if not self._deliver_hz:
            return number
        return grid_cell(START_PHASE_NS + self._since_start_ns(0, number), self._deliver_hz)

    def events(self, start_ns: int, now_ns: int) -> Iterator[CompressedPacket | CapturedFrame]:
        """Yield each frame after the packets it needs; see ``capture.camera.Camera``."""
        per_round = len(self._index.pts)
        position = self._position(now_ns - start_ns)
        while self._loop or position < per_round:
            turn, first = divmod(position, per_round)
            yield from self._round(turn, first, start_ns)
            position = (turn + 1) * per_round
            if self._is_over(self._since_start_ns(turn + 1, 0)):
                return

    def _round(
        self, turn: int, first: int, start_ns: int
    ) -> Iterator[CompressedPacket | CapturedFrame]:
        ahead: set[int] = set()  # frames whose packets are out: B-frames come after later ones
        packets = enumerate(footage.packets(self._path))
        for number in range(first, len(self._index.pts)):
            since_start_ns = self._since_start_ns(turn, number)
            if self._is_over(since_start_ns):
                return
            while number not in ahead:
                packet = self._packet(*next(packets), turn, start_ns)
                shown = packet.frame - turn * len(self._index.pts)
                ahead.add(shown)
                if shown >= first:
                    yield packet
            ahead.remove(number)
            frame = turn * len(self._index.pts) + number
            picture = partial(self._pictures.get, number)
            yield CapturedFrame(frame, start_ns + since_start_ns, picture)

    def _is_over(self, since_start_ns: int) -> bool:
        return bool(self._play_s) and since_start_ns >= self._play_s * 1e9

    def close(self) -> None:
        """Close the file."""
        self._pictures.close()

    def _since_start_ns(self, turn: int, number: int) -> int:
        return round((turn * self._index.loop_s + self._index.since_first_s(number)) * 10**9)

    def _position(self, since_start_ns: int) -> int:
        """Number of the first frame not before a time after the start."""
        if since_start_ns <= 0:
            return 0
        turn = int(since_start_ns // (self._index.loop_s * 10**9))
        left_s = since_start_ns / 1e9 - float(turn * self._index.loop_s)
        times = range(len(self._index.pts))
        number = bisect.bisect_left(
            times, left_s, key=lambda frame: float(self._index.since_first_s(frame))
        )
        return turn * len(self._index.pts) + number

    def _packet(self, place: int, packet: Packet, turn: int, start_ns: int) -> CompressedPacket:
        per_round = len(self._index.pts)
        shown = bisect.bisect_left(self._index.pts, packet.pts or 0)
        return CompressedPacket(
            packet=turn * per_round + place,
            frame=turn * per_round + shown,
            t_ns=start_ns + self._since_start_ns(turn, shown),
            payload=bytes(packet),
            keyframe=packet.is_keyframe,
            pts=packet.pts or 0,
            dts=packet.dts or 0,
        )


def _format(path: Path, frames: footage.FrameIndex) -> StreamFormat:
    container, stream = footage.open_video(path)
    with container:
        context = stream.codec_context
        return StreamFormat(
            driver="file",
            codec=context.name,
            extradata=context.extradata or b"",
            width_px=context.width,
            height_px=context.height,
            rate_hz=frames.rate_hz,
            time_base_s=(frames.time_base_s.numerator, frames.time_base_s.denominator),
            time_origin="file",
            time_uncertainty_ns=0,
        )
