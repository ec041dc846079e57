"""Numbers of a live camera that go on over its restarts: two mapped words in the run folder."""

import mmap
import struct
from pathlib import Path

_WORDS = struct.Struct("<qq")  # the next frame, the next packet


class FrameNumbers:
    """Counts the frames of one camera, lost ones too, and its packets, which have no holes."""

    def __init__(self, words: bytearray | mmap.mmap) -> None:
        self._words = words

    def begin(self, since_start_ns: int, rate_hz: float) -> None:
        """Go on where the camera would be by now, or where it was if that is further."""
        frame, packet = _WORDS.unpack_from(self._words)
        would_be = max(0, round(since_start_ns * 1e-9 * rate_hz))
        _WORDS.pack_into(self._words, 0, max(would_be, frame), packet)

    def next_frame(self, step: int = 1) -> int:
        """Number of a frame that comes ``step`` after the last one; the first is 0."""
        frame, packet = _WORDS.unpack_from(self._words)
        _WORDS.pack_into(self._words, 0, frame + step, packet)
        return frame + step - 1

    def next_packet(self) -> int:
        """Number of the next packet; the first is 0."""
        frame, packet = _WORDS.unpack_from(self._words)
        _WORDS.pack_into(self._words, 0, frame, packet + 1)
        return packet


def own_numbers() -> FrameNumbers:
    """Numbers of this process alone."""
    return FrameNumbers(bytearray(_WORDS.size))


def shared_numbers(path: Path) -> FrameNumbers:
    """Numbers that a process killed with -9 leaves to its successor."""
    if not path.exists():
        path.write_bytes(bytes(_WORDS.size))
    with path.open("r+b") as file:
        return FrameNumbers(mmap.mmap(file.fileno(), _WORDS.size))
