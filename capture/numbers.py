"""Frame numbers of a live camera that go on over its restarts: a mapped word in the run folder."""

import mmap
import struct
from pathlib import Path

_WORD = struct.Struct("<q")


class FrameNumbers:
    """Counts the frames of one camera."""

    def __init__(self, word: bytearray | mmap.mmap) -> None:
        self._word = word

    def begin(self, since_start_ns: int, rate_hz: float) -> None:
        """Go on where the camera would be by now, or where it was if that is further."""
        would_be = max(0, round(since_start_ns * 1e-9 * rate_hz))
        self._set(max(would_be, _WORD.unpack_from(self._word)[0]))

    def next(self, step: int = 1) -> int:
        """Number of a frame that comes ``step`` after the last one; the first is 0."""
        number = _WORD.unpack_from(self._word)[0] + step - 1
        self._set(number + 1)
        return number

    def _set(self, following: int) -> None:
        _WORD.pack_into(self._word, 0, following)


def own_numbers() -> FrameNumbers:
    """Numbers of this process alone."""
    return FrameNumbers(bytearray(_WORD.size))


def shared_numbers(path: Path) -> FrameNumbers:
    """Numbers that a process killed with -9 leaves to its successor."""
    if not path.exists():
        path.write_bytes(bytes(_WORD.size))
    with path.open("r+b") as file:
        return FrameNumbers(mmap.mmap(file.fileno(), _WORD.size))
