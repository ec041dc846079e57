"""The rig clock: a host's monotonic clock, related to the one that all hosts share.

It counts nanoseconds since 1970 at the start of a run and never jumps from then on, whatever
happens to the wall clocks. The relation is a small mapped record in the run folder, so that all
processes of a host have the same one. On the host that has the rig clock it is fixed before the
first frame (a replay sets it so that "now" lies where the recording was); on another one ``join``
keeps it up to date.
"""

import mmap
import struct
import time
from pathlib import Path

from core import rig_time
from core.rig_time import Mapping

_COUNT = struct.Struct("@q")
_MAPPING = struct.Struct("@qqddqq")
_BYTES = _COUNT.size + 2 * _MAPPING.size


class RigClock:
    """Reads the time; the only part that does.

    The record has two places and counts what was written: odd and even mappings go to one place
    each. The count goes up last, so a reader that finds it unchanged has read a whole mapping, and
    never waits for a writer that died.
    """

    def __init__(self, record: bytearray | mmap.mmap) -> None:
        self._record = record

    def now_ns(self) -> int:
        """Time on the rig clock."""
        return self.at_ns(time.monotonic_ns())

    def at_ns(self, monotonic_ns: int) -> int:
        """Time on the rig clock of a moment on the host's monotonic clock."""
        return rig_time.rig_ns(self.mapping, monotonic_ns)

    @property
    def uncertainty_ns(self) -> int:
        """Half-width of the rig clock's relation to the host's; 0 on the host that has it."""
        return rig_time.uncertainty_ns(self.mapping, time.monotonic_ns())

    @property
    def offset_ns(self) -> int:
        """Rig clock minus the host's monotonic clock, now."""
        now_ns = time.monotonic_ns()
        return self.at_ns(now_ns) - now_ns

    @property
    def mapping(self) -> Mapping:
        """The relation in force."""
        while True:
            (count,) = _COUNT.unpack_from(self._record)
            found = _MAPPING.unpack_from(self._record, _place(count))
            if _COUNT.unpack_from(self._record)[0] == count:
                return Mapping(*found)

    def relate(self, mapping: Mapping) -> None:
        """Put a relation in force. For the one process alone that supervises this host."""
        (count,) = _COUNT.unpack_from(self._record)
        fields = mapping.at_ns, mapping.offset_ns, mapping.drift, mapping.slew
        rest = mapping.slew_ends_ns, mapping.uncertainty_ns
        _MAPPING.pack_into(self._record, _place(count + 1), *fields, *rest)
        _COUNT.pack_into(self._record, 0, count + 1)

    def set_now(self, t_ns: int) -> None:
        """Make it ``t_ns`` now. For the supervisor alone, before the first frame."""
        self.relate(Mapping(offset_ns=t_ns - time.monotonic_ns()))


def _place(count: int) -> int:
    return _COUNT.size + (count % 2) * _MAPPING.size


def wall_clock_offset_ns() -> int:
    """Host's wall clock minus its monotonic clock, now."""
    return time.time_ns() - time.monotonic_ns()


def wall_clock() -> RigClock:
    """Return a clock of this process alone that agrees with the host's wall clock now."""
    clock = RigClock(bytearray(_BYTES))
    clock.set_now(time.time_ns())
    return clock


def create_shared(path: Path, mapping: Mapping | None = None) -> RigClock:
    """Return a clock that others may open; without a relation it agrees with the wall clock now."""
    path.write_bytes(bytes(_BYTES))
    clock = open_shared(path)
    clock.relate(mapping or wall_clock().mapping)
    return clock


def open_shared(path: Path) -> RigClock:
    """Open the clock of a run."""
    with path.open("r+b") as file:
        return RigClock(mmap.mmap(file.fileno(), _BYTES))
