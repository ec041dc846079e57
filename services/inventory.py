"""What a session holds and what it lacks: messages by topic, gaps, drops, damage."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from core.messages import (
    MARK,
    CameraPlace,
    CameraStatus,
    Event,
    Health,
    Packet,
    PlaceState,
    RigQuality,
)
from services.inventory_cameras import CameraFacts, CameraTally
from services.marks import Mark, mark_of
from services.missing import Missing, Moment, Numbers, Watch, missing, start_ns, with_earlier
from services.places import PlacesLog
from services.session import Session, Stored
from services.session_format import DISK_CAUSES, RECORDER, STREAM, Life, cause_of
from services.session_reader import Damage

Drops = dict[tuple[str, int], Counter[str]]
"""Last word on what was dropped, by process and life."""


class TopicCount(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of one topic, of one camera where there is one for each."""

    count: int
    duration_s: float
    """From the first to the last, as received."""
    rate_hz: float


class Moved(msgspec.Struct, frozen=True):
    """What was known of a camera's place from some moment on."""

    t_ns: int
    camera: str
    state: PlaceState | Literal["as calibrated"]
    says: str


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What ``kinelive inspect`` tells."""

    session: str
    topics: dict[str, TopicCount]
    cameras: tuple[str, ...]
    camera_facts: dict[str, CameraFacts]
    duration_s: float
    drops: int
    """Dropped by the processes on purpose or for want of time, all reasons together."""
    drops_by_reason: dict[str, int]
    gaps: int
    """Messages that were sent and are not in the recording, beyond those counted as drops."""
    gaps_by_topic: dict[str, int]
    complete: bool
    """Ended properly, nothing damaged, nothing lost before it was recovered."""
    closed: bool
    recorder_lives: int
    damage: tuple[Damage, ...]
    missing: tuple[Missing, ...]
    """By key and time, in session time; damage and what was skipped alike."""
    edits: tuple[str, ...]
    """What was done with it since: recovered, trimmed, merged."""
    size_bytes: int
    moved: tuple[Moved, ...] = ()
    """Cameras that moved, and what became of it."""
    marks: tuple[Mark, ...] = ()
    """Moments that the operator named."""
    subject: str = ""
    trial: str = ""
    notes: str = ""
    """As in the settings it was recorded with."""


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
    seqs: dict[tuple[str, int], Numbers] = field(default_factory=dict)
    packets: Numbers = field(default_factory=Numbers)
    """Numbers of packets, which go on when the camera's process begins anew."""

    def take(self, stored: Stored) -> None:
        header, moment = stored.header, Moment(stored.log_time_ns, stored.message.t_ns)
        self.count += 1
        self.span.take(stored.log_time_ns)
        said = self.seqs.setdefault((header.source, header.life_ns), Numbers())
        said.take(header.seq, moment)
        if isinstance(stored.message, Packet):
            self.packets.take(stored.message.packet, moment)

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
    cameras: dict[str, CameraTally] = field(default_factory=dict)
    drops: Drops = field(default_factory=dict)
    places: PlacesLog = field(default_factory=PlacesLog)
    watch: Watch = field(default_factory=Watch)
    marks: list[Event] = field(default_factory=list)
    duration_s: float = 0.0

    def take_all(self, session: Session, series: str) -> None:
        """Read one series of segments."""
        span = _Span()
        mine = [name for name in session.segments() if name.series == series]
        told = ((name, stored) for name in mine for stored in session.of_segment(name))
        for segment, stored in told:
            self.watch.take(stored, segment)
            span.take(stored.log_time_ns)
            self.places.take(stored.message)
            self.topics.setdefault(stored.key, _Topic()).take(stored)
            match stored.message:
                case Health(drops=drops):
                    self.drops[stored.header.source, stored.header.life_ns] = Counter(drops)
                case Event(name=name) if name == MARK:
                    self.marks.append(stored.message)
                case CameraStatus(camera=name):
                    self.cameras.setdefault(name, CameraTally()).status = stored.message
                case RigQuality(cameras=cameras):
                    for one in cameras:
                        self.cameras.setdefault(one.camera, CameraTally()).say(one)
                case Packet(camera=name):
                    self.cameras.setdefault(name, CameraTally()).take(stored.message)
                case _:
                    pass
        self.duration_s = max(self.duration_s, span.duration_s)

    def take_last_words(self, lives: Iterable[Life]) -> None:
        """Add what the recorder's lives wrote into the manifest after their last health."""
        for life in lives:
            origin = RECORDER, life.life_ns
            self.drops[origin] = self.drops.get(origin, Counter()) | Counter(life.drops)

    def facts_of(self, camera: str) -> CameraFacts:
        """Sum up one camera over all lives of its process."""
        names = f"camera.{camera}", f"relay.{camera}"
        mine = (n for (who, _), n in self.drops.items() if who in names)
        return self.cameras.get(camera, CameraTally()).facts(sum(mine, Counter[str]()))

    def gaps(self) -> dict[str, int]:
        """Messages missing by key, less those that the recorder counted, as far as it knows which:
        lost on the way, or video that the disk did not take."""
        lost = sum((one for (who, _), one in self.drops.items() if who == RECORDER), Counter[str]())
        missing = {
            key: one.missing - lost[f"lost {key}"] - _refused_by_disks(key, lost)
            for key, one in self.topics.items()
        }
        return {key: count for key, count in sorted(missing.items()) if count > 0}


def _refused_by_disks(key: str, lost: Counter[str]) -> int:
    camera = key.removeprefix("packet/")
    return sum(lost[cause_of(cause, camera)] for cause in DISK_CAUSES) if camera != key else 0


def take_inventory(session: Session) -> Inventory:
    """Read all of a session once."""
    reading = _Reading()
    for series in (STREAM, *session.manifest.cameras):
        reading.take_all(session, series)
    reading.take_last_words(session.manifest.lives)
    zero_ns = start_ns(session)
    lost = with_earlier(reading.watch.lost(session.damage), session.lost)
    recorder = session.run.recorder
    drops, gaps = sum(reading.drops.values(), Counter[str]()), reading.gaps()
    return Inventory(
        session=str(session.path),
        topics={key: topic.counted() for key, topic in sorted(reading.topics.items())},
        cameras=session.manifest.cameras,
        camera_facts={name: reading.facts_of(name) for name in session.manifest.cameras},
        duration_s=reading.duration_s,
        drops=drops.total(),
        drops_by_reason=dict(sorted(drops.items())),
        gaps=sum(gaps.values()),
        gaps_by_topic=gaps,
        complete=session.closed and not session.damage and not session.lost,
        closed=session.closed,
        recorder_lives=len(session.manifest.lives),
        damage=tuple(session.damage),
        missing=missing(lost, zero_ns),
        edits=tuple(one.kind for one in session.manifest.edits),
        size_bytes=session.size_bytes(),
        moved=tuple(_moved(reading.places)),
        marks=tuple(mark_of(one, zero_ns) for one in reading.marks),
        subject=recorder.subject,
        trial=recorder.trial,
        notes=recorder.notes,
    )


def _moved(log: PlacesLog) -> Iterator[Moved]:
    before: dict[str, CameraPlace] = {}
    for change in log.changes:
        now = {one.camera: one for one in change.cameras}
        for camera in sorted(before.keys() | now.keys()):
            place = now.get(camera)
            if place is None:
                says = f"{camera} is where it was calibrated"
                yield Moved(change.t_ns, camera, "as calibrated", says)
            elif place != before.get(camera):
                yield Moved(change.t_ns, camera, place.state, place.says)
        before = now
