"""What is missing of a session, by camera and time: numbers that were skipped, damaged places, lost
files, a cut end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from core.messages import Packet
from services.session import Session, Stored
from services.session_format import STREAM, Lost, SegmentName, parse_name
from services.session_reader import Damage, DamageKind

_TOGETHER_NS = 500_000_000
"""Gaps of one key that are nearer are told as one."""
_WHAT = {
    "packet": "pictures",
    "keypoints2d": "keypoints",
    "pose3d": "poses",
    "angles": "joint angles",
    "checkpoint": "checkpoints of the fusion",
    "angles_checkpoint": "checkpoints of the joint angles",
    "clock": "clock samples",
    "camera": "camera's words",
    STREAM: "keypoints, poses and all else",
}
_UNTOLD = ("health", "quality", "subjects", "camera")
"""Said again each second: a lost one costs nothing."""
_WHY = {
    "cut": "the recording was cut",
    "checksum": "the bytes are damaged",
    "end": "the file lost its end",
    "missing": "the file is lost",
    "message": "cannot be read",
    "manifest": "the manifest is damaged",
    "unreadable": "the disk does not give the file",
}
SKIPPED = "never recorded, or lost since"


class Moment(NamedTuple):
    """Of a message."""

    heard_ns: int
    """Reception."""
    t_ns: int
    """Capture."""


_NEVER = Moment(0, 0)


class Gap(NamedTuple):
    """Numbers that were skipped, between two messages."""

    before: Moment
    after: Moment
    n: int


@dataclass
class Numbers:
    """Consecutive numbers of one key as they come; a step back begins anew."""

    last: int | None = None
    moment: Moment = _NEVER
    gaps: list[Gap] = field(default_factory=list)

    def take(self, number: int, moment: Moment) -> None:
        """Take notice of the next one."""
        if self.last is not None and number > self.last + 1:
            self.gaps.append(Gap(self.moment, moment, number - self.last - 1))
        self.last, self.moment = number, moment

    @property
    def missing(self) -> int:
        """Numbers that were skipped."""
        return sum(gap.n for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class _Place:
    """A damaged place between what is whole."""

    name: SegmentName
    kind: DamageKind
    before: Moment | None
    """None: nothing of its series in this life of the recorder."""
    after: Moment | None

    def touches(self, gap: Gap) -> bool:
        """Whether what is missing may have been in it."""
        begins = self.before is None or self.before.heard_ns <= gap.after.heard_ns
        return begins and (self.after is None or self.after.heard_ns >= gap.before.heard_ns)


class Watch:
    """Looks at every message of a session in its order, and remembers which ones are not there."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, int], Numbers] = {}
        self._packets: dict[str, Numbers] = {}
        self._ends: dict[SegmentName, tuple[Moment, Moment]] = {}
        self._first_seq: dict[SegmentName, int] = {}

    def take(self, stored: Stored, segment: SegmentName) -> None:
        """Take notice of a message and of the segment it is in."""
        header, message = stored.header, stored.message
        moment = Moment(stored.log_time_ns, message.t_ns)
        said = self._said.setdefault((stored.key, header.source, header.life_ns), Numbers())
        said.take(header.seq, moment)
        if isinstance(message, Packet):
            numbers = self._packets.setdefault(stored.key, Numbers())
            numbers.take(message.packet, moment)  # goes on over restarts of the camera
        self._first_seq.setdefault(segment, header.seq)
        first, _ = self._ends.get(segment, (moment, moment))
        self._ends[segment] = first, moment

    def lost(self, damage: Sequence[Damage]) -> list[Lost]:
        """All that is missing, by key and time; of what is repeated each second nothing."""
        places = [place for one in damage if (place := self._place(one)) is not None]
        gaps = [one for key, each in self._gaps() for one in _told(key, each, places)]
        ends = [_of_end(one) for one in places if one.before is None or one.after is None]
        return sorted([*gaps, *ends], key=lambda one: (one.of, one.from_ns or 0))

    def _gaps(self) -> Iterator[tuple[str, list[Gap]]]:
        """Each key with its gaps: of packets by their own numbers or by the messages'."""
        by_key: dict[str, list[Numbers]] = {}
        for (key, *_), numbers in self._said.items():
            by_key.setdefault(key, []).append(numbers)
        for key, lives in by_key.items():
            if key.split("/", 1)[0] in _UNTOLD:
                continue
            packets = self._packets.get(key, Numbers())
            if packets.missing > sum(one.missing for one in lives):
                yield key, packets.gaps
            else:
                yield key, sorted(gap for one in lives for gap in one.gaps)

    def _place(self, damage: Damage) -> _Place | None:
        """Where that is; of a lost file between its neighbours. None: of no segment."""
        name = parse_name(damage.file)
        if name is None:
            return None
        life = {one.number: ends for one, ends in self._ends.items() if one[:2] == name[:2]}
        if damage.kind in ("missing", "unreadable") or name.number not in life:
            before = max((number for number in life if number < name.number), default=None)
            after = min((number for number in life if number > name.number), default=None)
            return _Place(
                name,
                damage.kind,
                None if before is None else life[before][1],
                None if after is None else life[after][0],
            )
        if damage.kind in ("cut", "end"):
            after = min((number for number in life if number > name.number), default=None)
            behind = None if after is None else life[after][0]
            return _Place(name, damage.kind, life[name.number][1], behind)
        first, last = life[name.number]
        if name.number == min(life) and (damage.to_ns or 0) <= first.heard_ns:
            began = self._first_seq[name] == 0  # then it was the head alone
            return None if began else _Place(name, damage.kind, None, first)
        before_ns = first.heard_ns if damage.from_ns is None else damage.from_ns
        after_ns = last.heard_ns if damage.to_ns is None else damage.to_ns
        return _Place(name, damage.kind, Moment(before_ns, 0), Moment(after_ns, 0))


def _of_end(place: _Place) -> Lost:
    """What a damaged place cost where no other number tells it: a beginning, or an end."""
    before, after = place.before, place.after
    return Lost(
        of=STREAM if place.name.series == STREAM else f"packet/{place.name.series}",
        from_ns=before and before.t_ns,
        to_ns=after and after.t_ns,
        heard_from_ns=before and before.heard_ns,
        heard_to_ns=after and after.heard_ns,
        why=_WHY[place.kind],
    )


def _told(key: str, gaps: Iterable[Gap], places: Iterable[_Place]) -> Iterator[Lost]:
    """Gaps of one key, near ones together, each with its reason."""
    series = key.removeprefix("packet/") if key.startswith("packet/") else STREAM
    mine = [one for one in places if one.name.series == series]
    for gap in _together(gaps):
        yield Lost(
            of=key,
            from_ns=gap.before.t_ns,
            to_ns=gap.after.t_ns,
            heard_from_ns=gap.before.heard_ns,
            heard_to_ns=gap.after.heard_ns,
            messages=gap.n,
            why=next((_WHY[one.kind] for one in mine if one.touches(gap)), SKIPPED),
        )


def _together(gaps: Iterable[Gap]) -> Iterator[Gap]:
    held: Gap | None = None
    for gap in gaps:
        if held is not None and 0 <= gap.before.t_ns - held.after.t_ns < _TOGETHER_NS:
            held = Gap(held.before, gap.after, held.n + gap.n)
        else:
            if held is not None:
                yield held
            held = gap
    if held is not None:
        yield held


def with_earlier(found: Iterable[Lost], earlier: Iterable[Lost]) -> list[Lost]:
    """What an edit of the session told already, and what of the rest was found since."""
    known = list(dict.fromkeys(earlier))
    return [*known, *(one for one in found if not any(covers(each, one) for each in known))]


def covers(whole: Lost, part: Lost) -> bool:
    """Whether something missing is told by something else already."""
    begins = whole.from_ns is None or (part.from_ns is not None and whole.from_ns <= part.from_ns)
    ends = whole.to_ns is None or (part.to_ns is not None and part.to_ns <= whole.to_ns)
    return whole.of == part.of and begins and ends


def lost_of(session: Session) -> tuple[Lost, ...]:
    """What is missing of a session now, by key and time; reads all of it."""
    seen = Watch()
    for name in session.segments():
        for stored in session.of_segment(name):
            seen.take(stored, name)
    return tuple(seen.lost(session.damage))


def start_ns(session: Session) -> int:
    """Zero of session time: the capture time of the first picture, or else of the first message."""
    firsts = [next(session.packets(camera), None) for camera in session.manifest.cameras]
    times = [one.message.t_ns for one in firsts if one is not None]
    if not times:
        times = [one.message.t_ns for one in [next(session.messages(["keypoints2d"]), None)] if one]
    if not times:
        times = [one.message.t_ns for one in [next(session.messages(), None)] if one]
    return min(times, default=0)


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """``Lost`` as ``--json`` has it."""

    of: str
    camera: str
    """Empty where it is of no camera."""
    from_s: float | None
    """Session time: since the first picture."""
    to_s: float | None
    from_ns: int | None
    to_ns: int | None
    messages: int
    why: str


def missing(lost: Iterable[Lost], zero_ns: int) -> tuple[Missing, ...]:
    """The same with session times and cameras."""

    def seconds(t_ns: int | None) -> float | None:
        return None if t_ns is None else (t_ns - zero_ns) / 1e9

    return tuple(
        Missing(
            of=one.of,
            camera=one.of.partition("/")[2],
            from_s=seconds(one.from_ns),
            to_s=seconds(one.to_ns),
            from_ns=one.from_ns,
            to_ns=one.to_ns,
            messages=one.messages,
            why=one.why,
        )
        for one in lost
    )


def describe(one: Missing) -> str:
    """One line about something missing."""
    topic, _, camera = one.of.partition("/")
    what = _WHAT.get(topic, topic) + (f" of {camera}" if camera else "")
    count = f"{one.messages} " if one.messages else ""
    begin = "the beginning" if one.from_s is None else f"{one.from_s:.3f} s"
    end = "the end" if one.to_s is None else f"{one.to_s:.3f} s"
    return f"missing: {count}{what} from {begin} to {end}: {one.why}"
