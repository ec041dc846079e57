"""The rig clock: monotonic time with an offset fixed once for a run.

It counts nanoseconds since 1970 at the start of a run and never jumps, whatever happens to the
host's wall clock. A replay shifts the offset so that "now" lies where the recording was.
"""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RigClock:
    """Reads the time; the only part that does."""

    offset_ns: int

    def now_ns(self) -> int:
        """Time on the rig clock."""
        return time.monotonic_ns() + self.offset_ns


def wall_clock_offset_ns() -> int:
    """Offset that makes the rig clock agree with the host's wall clock now."""
    return time.time_ns() - time.monotonic_ns()


def offset_for_ns(t_ns: int, in_s: float) -> int:
    """Offset that makes the rig clock show ``t_ns`` in ``in_s`` seconds from now."""
    return t_ns - (time.monotonic_ns() + round(in_s * 1e9))
