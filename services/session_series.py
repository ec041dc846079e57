"""One series of segments while it is recorded: what is written where, and what is not safe yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from core.messages import Header, Packet
from services.bus import Received
from services.session_format import STREAM
from services.session_places import FULL, RETRY_NS
from services.session_segment import SegmentWriter

LONGEST_RETRY_NS = 10_000_000_000


class Entry(NamedTuple):
    """One message on its way to the disk."""

    series: str
    key: str
    header: Header
    t_ns: int
    raw: bytes
    now_ns: int
    """When it was received, rig clock."""
    keyframe: bool = False


def entry_of(received: Received, now_ns: int) -> Entry:
    """What is to be written of a message: packets go into the series of their camera."""
    key, header, message, raw = received
    if isinstance(message, Packet):
        return Entry(message.camera, key, header, message.t_ns, raw, now_ns, message.keyframe)
    return Entry(STREAM, key, header, message.t_ns, raw, now_ns)


@dataclass(slots=True)
class _Rest:
    """A place that failed, and how long it is let alone."""

    since_ns: int
    wait_ns: int


@dataclass(slots=True)
class Open:
    """The segment that is written at the time."""

    segment: SegmentWriter
    place: int
    unsaved: list[Entry] = field(default_factory=list)
    """What the disk does not surely have yet."""


@dataclass(slots=True)
class Series:
    """The segments of one name."""

    name: str
    next_number: int = 0
    open: Open | None = None
    cause: str = ""
    """Of the last failure, one of ``DISK_CAUSES``."""
    rests: dict[int, _Rest] = field(default_factory=dict)

    @property
    def is_video(self) -> bool:
        """Whether it holds packets."""
        return self.name != STREAM

    def fail(self, place: int, error: OSError, now_ns: int, *, alone: bool) -> None:
        """Let a place rest; the longer the oftener, unless there is no other."""
        self.cause = "disk_full" if error.errno in FULL else "disk_error"
        before = self.rests.get(place)
        longer = before is not None and not alone
        wait_ns = min(2 * before.wait_ns, LONGEST_RETRY_NS) if before and longer else RETRY_NS
        self.rests[place] = _Rest(now_ns, wait_ns)

    def may_try(self, place: int, now_ns: int) -> bool:
        """Whether a place has not failed just now."""
        rest = self.rests.get(place)
        return rest is None or not 0 <= now_ns - rest.since_ns < rest.wait_ns

    def is_safe(self, done: Open) -> int:
        """The disk has all that was taken; returns how many messages that is."""
        n_messages = len(done.unsaved)
        if n_messages:
            done.unsaved.clear()
            self.rests.pop(done.place, None)
        return n_messages


Action = Callable[[SegmentWriter], None]
