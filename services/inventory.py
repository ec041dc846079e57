"""What a session holds and what it lacks: messages by topic, gaps, drops, damage."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from core.messages import Health, Packet
from services.processes import RECORDER
from services.session import Session, Stored
from services.session_reader import Damage


class TopicCount(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of one topic, of one camera where there is one for each."""

    count: int
    duration_s: float
    """From the first to the last, as received."""
    rate_hz: float


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What ``kinelive inspect`` tells."""

    session: str
    topics: dict[str, TopicCount]
    cameras: tuple[str, ...]
    duration_s: float
    drops: int
    """Dropped by the processes on purpose or for want of time, all reasons together."""
    drops_by_reason: dict[str, int]
    gaps: int
    """Messages that were sent and are not in the recording, beyond those counted as drops."""
    gaps_by_topic: dict[str, int]
    complete: bool
    """Ended properly, nothing damaged."""
    closed: bool
    recorder_lives: int
    damage: tuple[Damage, ...]
    size_bytes: int


@dataclass
class _Numbers:
    """Consecutive numbers as they come; a step back begins anew."""

    last: int | None = None
    missing: int = 0

    def take(self, number: int) -> None:
        if self.last is not None and number > self.last:
            self.missing += number - self.last - 1
        self.last = number


@dataclass
class _Topic:
    """What is gathered of one key."""

    count: int = 0
    first_ns: int | None = None
    last_ns: int = 0
    seqs: dict[tuple[str, int], _Numbers] = field(default_factory=dict)
    packets: _Numbers = field(default_factory=_Numbers)
    """Numbers of packets, which go on when the camera's process begins anew."""

    def take(self, stored: Stored) -> None:
        now_ns, header = stored.log_time_ns, stored.header
        if self.first_ns is None or now_ns < self.last_ns:  # a replay has set the clock back
            self.first_ns = now_ns
        self.last_ns = now_ns
        self.count += 1
        self.seqs.setdefault((header.source, header.life_ns), _Numbers()).take(header.seq)
        if isinstance(stored.message, Packet):
            self.packets.take(stored.message.packet)

    @property
    def missing(self) -> int:
        return max(sum(one.missing for one in self.seqs.values()), self.packets.missing)

    def counted(self) -> TopicCount:
        duration_s = (self.last_ns - (self.first_ns or 0)) / 1e9
        rate_hz = (self.count - 1) / duration_s if duration_s > 0 else 0.0
        return TopicCount(count=self.count, duration_s=duration_s, rate_hz=rate_hz)


def take_inventory(session: Session) -> Inventory:
    """Read all of a session once."""
    topics: dict[str, _Topic] = {}
    said: dict[tuple[str, int], Mapping[str, int]] = {}
    for stored in _everything(session):
        topics.setdefault(stored.key, _Topic()).take(stored)
        if isinstance(stored.message, Health):
            said[stored.header.source, stored.header.life_ns] = stored.message.drops
    drops, recorder = _drops(session, said), _recorder_drops(session, said)
    lost = {key: topic.missing - recorder[f"lost {key}"] for key, topic in topics.items()}
    gaps = {key: missing for key, missing in sorted(lost.items()) if missing > 0}
    counts = {key: topic.counted() for key, topic in sorted(topics.items())}
    return Inventory(
        session=str(session.path),
        topics=counts,
        cameras=session.manifest.cameras,
        duration_s=_span_s(topics.values()),
        drops=drops.total(),
        drops_by_reason=dict(sorted(drops.items())),
        gaps=sum(gaps.values()),
        gaps_by_topic=gaps,
        complete=session.closed and not session.damage,
        closed=session.closed,
        recorder_lives=len(session.manifest.lives),
        damage=tuple(session.damage),
        size_bytes=session.size_bytes(),
    )
