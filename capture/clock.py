"""The rig clock: monotonic time plus an offset, fixed before the first frame of a run.

It counts nanoseconds since 1970 at the start of a run and never jumps from then on, whatever
happens to the host's wall clock. A replay sets the offset so that "now" lies where the recording
was. The offset is one mapped word in the run folder, so that all processes have the same one.
"""

import mmap
import struct
import time
from pathlib import Path

_WORD = struct.Struct("<q")


class RigClock:
    """Reads the time; the only part that does."""

    def __init__(self, word: bytearray | mmap.mmap) -> None:
        self._word = word

    def now_ns(self) -> int:
        """Time on the rig clock."""
        return time.monotonic_ns() + _WORD.unpack_from(self._word)[0]

    def at_ns(self, monotonic_ns: int) -> int:
        """Time on the rig clock of a moment on the host's monotonic clock."""
        return monotonic_ns + self.offset_ns

    @property
    def uncertainty_ns(self) -> int:
        """Half-width of the rig clock's relation to the host's; 0 on the host that has it."""
        return 0

    @property
    def offset_ns(self) -> int:
        """Rig clock minus the host's monotonic clock."""
        return _WORD.unpack_from(self._word)[0]

    def set_now(self, t_ns: int) -> None:
        """Make it ``t_ns`` now. For the supervisor alone, before the first frame."""
        _WORD.pack_into(self._word, 0, t_ns - time.monotonic_ns())


def wall_clock_offset_ns() -> int:
    """Host's wall clock minus its monotonic clock, now."""
    return time.time_ns() - time.monotonic_ns()


def wall_clock() -> RigClock:
    """Return a clock of this process alone that agrees with the host's wall clock now."""
    clock = RigClock(bytearray(_WORD.size))
    clock.set_now(time.time_ns())
    return clock


def create_shared(path: Path) -> RigClock:
    """Return a clock that agrees with the host's wall clock now and that others may open."""
    path.write_bytes(bytes(_WORD.size))
    clock = open_shared(path)
    clock.set_now(time.time_ns())
    return clock


def open_shared(path: Path) -> RigClock:
    """Open the clock of a run."""
    with path.open("r+b") as file:
        return RigClock(mmap.mmap(file.fileno(), _WORD.size))
