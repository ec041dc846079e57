"""What a session holds and what it lacks: messages by topic, gaps, drops, damage."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from core.messages import Health, Packet
from services.session import Session, Stored
from services.session_format import RECORDER, Life
from services.session_reader import Damage

Drops = dict[tuple[str, int], Counter[str]]
"""Last word on what was dropped, by process and life."""


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
class _Span:
    """First and last time of messages in recorded order."""

    first_ns: int | None = None
    last_ns: int = 0

    def take(self, now_ns: int) -> None:
        if self.first_ns is None or now_ns < self.last_ns:  # a replay has set the clock back
            self.first_ns = now_ns
        self.last_ns = now_ns

    @property
    def duration_s(self) -> float:
        return 0.0 if self.first_ns is None else (self.last_ns - self.first_ns) / 1e9


@dataclass
class _Topic:
    """What is gathered of one key."""

    count: int = 0
    span: _Span = field(default_factory=_Span)
    seqs: dict[tuple[str, int], _Numbers] = field(default_factory=dict)
    packets: _Numbers = field(default_factory=_Numbers)
    """Numbers of packets, which go on when the camera's process begins anew."""

    def take(self, stored: Stored) -> None:
        header = stored.header
        self.count += 1
        self.span.take(stored.log_time_ns)
        self.seqs.setdefault((header.source, header.life_ns), _Numbers()).take(header.seq)
        if isinstance(stored.message, Packet):
            self.packets.take(stored.message.packet)

    @property
    def missing(self) -> int:
        return max(sum(one.missing for one in self.seqs.values()), self.packets.missing)

    def counted(self) -> TopicCount:
        duration_s = self.span.duration_s
        rate_hz = (self.count - 1) / duration_s if duration_s > 0 else 0.0
        return TopicCount(count=self.count, duration_s=duration_s, rate_hz=rate_hz)


@dataclass
class _Reading:
    """What is gathered on the way through a session."""

    topics: dict[str, _Topic] = field(default_factory=dict)
    drops: Drops = field(default_factory=dict)
    duration_s: float = 0.0

    def take_all(self, series: Iterable[Stored]) -> None:
        """Read one series of segments."""
        span = _Span()
        for stored in series:
            span.take(stored.log_time_ns)
            self.topics.setdefault(stored.key, _Topic()).take(stored)
            if isinstance(stored.message, Health):
                origin = stored.header.source, stored.header.life_ns
                self.drops[origin] = Counter(stored.message.drops)
        self.duration_s = max(self.duration_s, span.duration_s)

    def take_last_words(self, lives: Iterable[Life]) -> None:
        """Add what the recorder's lives wrote into the manifest after their last health."""
        for life in lives:
            origin = RECORDER, life.life_ns
            self.drops[origin] = self.drops.get(origin, Counter()) | Counter(life.drops)

    def gaps(self) -> dict[str, int]:
        """Messages missing by key, less those that the recorder counted as lost on the way."""
        lost = sum((one for (who, _), one in self.drops.items() if who == RECORDER), Counter[str]())
        missing = {key: one.missing - lost[f"lost {key}"] for key, one in self.topics.items()}
        return {key: count for key, count in sorted(missing.items()) if count > 0}


def take_inventory(session: Session) -> Inventory:
    """Read all of a session once."""
    reading = _Reading()
    reading.take_all(session.messages())
    for camera in session.manifest.cameras:
        reading.take_all(session.packets(camera))
    reading.take_last_words(session.manifest.lives)
    drops, gaps = sum(reading.drops.values(), Counter[str]()), reading.gaps()
    return Inventory(
        session=str(session.path),
        topics={key: topic.counted() for key, topic in sorted(reading.topics.items())},
        cameras=session.manifest.cameras,
        duration_s=reading.duration_s,
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
