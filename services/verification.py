"""Fuse a recording again with the same step, and compare with what was said live, bit for bit.

Each recorded instant names the keypoint messages that went into it, in order; so the arrival order
of the live run is known, and the step must give the same bytes. Where the recording has a hole
(the recorder was down, lost messages, or its disk was full) what follows cannot be compared until
the fusion's next checkpoint. A hole that the recorder itself accounts for is counted and excused;
any other makes the recording not identical.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from core import wire
from core.messages import Checkpoint, Health, Keypoints2D, Pose3D
from services.session import Stored
from services.session_format import RECORDER

TOPICS = ("keypoints2d", "pose3d", "checkpoint", "health")
SETTLE_NS = 2_000_000_000
"""Messages of different writers are recorded out of order by less than this."""
FORGET_NS = 60_000_000_000
"""A keypoint message that no instant has named for so long was never taken in."""
END_OF_TIME_NS = 2**63
FIRST_INSTANT = 0

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Fusion(Generic[S]):
    """The fusion as it ran live: rig and settings are bound in ``step``."""

    initial: Callable[[], S]
    step: Callable[[S, Keypoints2D], tuple[S, list[Pose3D]]]
    thaw: Callable[[bytes], S]


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded instants that could not be computed again."""

    life_ns: int
    """Life of the fusion."""
    first_instant: int
    outputs: int
    from_ns: int
    """When the first of them was recorded, rig clock."""
    reason: str = ""
    """What the recorder says of that time; empty: nothing, so it should not be."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of the comparison."""

    compared: int
    different: int
    not_comparable: int
    holes: tuple[Hole, ...]
    first_different: tuple[int, int] | None
    """(life, instant) of the first output that differs."""

    @property
    def identical(self) -> bool:
        """All that can be compared is equal, and the recorder accounts for the rest."""
        explained = all(hole.reason for hole in self.holes)
        return self.compared > 0 and self.different == 0 and explained


@dataclass(frozen=True, slots=True)
class _Track(Generic[S]):
    """How far one life of the fusion has been followed."""

    state: S | None
    """None in a hole."""
    last: int = FIRST_INSTANT - 1
    produced: tuple[Pose3D, ...] = ()
    """Computed, their recorded counterparts not yet seen."""


class _Pool:
    """Keypoint messages that no instant has named yet."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], deque[Keypoints2D]] = {}
        self._arrivals: deque[tuple[int, Keypoints2D]] = deque()

    def add(self, message: Keypoints2D, now_ns: int) -> None:
        self._waiting.setdefault((message.camera, message.frame), deque()).append(message)
        self._arrivals.append((now_ns, message))
        while self._arrivals[0][0] < now_ns - FORGET_NS:
            _, old = self._arrivals.popleft()
            self._drop(old)

    def take(self, consumed: Iterable[tuple[str, int]]) -> list[Keypoints2D] | None:
        """The named messages in that order; None where one is missing."""
        keys = list(consumed)
        if any(key not in self._waiting for key in keys):
            return None
        taken = [self._waiting[key][0] for key in keys]
        for message in taken:
            self._drop(message)
        return taken

    def _drop(self, message: Keypoints2D) -> None:
        key = (message.camera, message.frame)
        waiting = self._waiting.get(key)
        if waiting and waiting[0] is message:
            waiting.popleft()
            if not waiting:
                del self._waiting[key]


def compare(
    messages: Iterable[Stored],
    fusion: Fusion[S],
    *,
    closed: bool,
    final_drops: Mapping[int, Mapping[str, int]],
) -> Verdict:
    """Follow each life of the fusion through a recording.

    ``messages``: those of ``TOPICS``, as recorded. ``closed``: the recording was ended properly.
    ``final_drops``: what the manifest says was dropped, for each life of the recorder.
    """
    log, pool = _RecorderLog(final_drops, closed), _Pool()
    tracks: dict[int, _Track[S]] = {}
    tally = _Tally()
    for stored in _settled(map(log.watch, messages)):
        message, life_ns = stored.message, stored.header.life_ns
        track = tracks.get(life_ns) or _Track(fusion.initial())
        match message:
            case Keypoints2D():
                pool.add(message, stored.log_time_ns)
            case Checkpoint() if track.state is None:
                tracks[life_ns] = _Track(fusion.thaw(message.state), message.instant)
            case Pose3D():
                tracks[life_ns], equal = _follow(track, message, pool, fusion)
                tally.count(stored, message.instant, equal, new_hole=track.state is not None)
            case _:
                pass
    return tally.verdict(log)


def _follow(
    track: _Track[S], pose: Pose3D, pool: _Pool, fusion: Fusion[S]
) -> tuple[_Track[S], bool | None]:
    """Compute one recorded instant; whether it is equal, None where that cannot be said."""
    produced = tuple(one for one in track.produced if one.instant >= pose.instant)
    state, last = track.state, track.last
    if not produced:
        inputs = pool.take(pose.consumed)
        if state is None or inputs is None or pose.instant != last + 1:
            return _Track(None, pose.instant), None
        state, produced = _run(state, inputs, fusion)
        last = produced[-1].instant if produced else pose.instant
    equal = bool(produced) and _comparable(produced[0]) == _comparable(pose)
    return _Track(state, last, produced[1:]), equal


def _run(
    state: S, inputs: Iterable[Keypoints2D], fusion: Fusion[S]
) -> tuple[S, tuple[Pose3D, ...]]:
    produced: list[Pose3D] = []
    for message in inputs:
        state, poses = fusion.step(state, message)
        produced += poses
    return state, tuple(produced)


def _comparable(pose: Pose3D) -> bytes:
    """All of an output but when its stages were done."""
    return wire.encode(msgspec.structs.replace(pose, stamps={}))


def _settled(messages: Iterable[Stored]) -> Iterator[Stored]:
    """Hold back all but keypoints, so that an instant comes after all that went into it."""
    held: deque[Stored] = deque()
    for stored in messages:
        while held and held[0].log_time_ns < stored.log_time_ns - SETTLE_NS:
            yield held.popleft()
        if isinstance(stored.message, Keypoints2D):
            yield stored
        elif not isinstance(stored.message, Health):
            held.append(stored)
    yield from held


class _Tally:
    """Counts the answers and gathers neighbouring ones that could not be given into holes."""

    def __init__(self) -> None:
        self._compared = 0
        self._different: list[tuple[int, int]] = []
        self._holes: list[Hole] = []

    def count(self, stored: Stored, instant: int, equal: bool | None, *, new_hole: bool) -> None:
        life_ns = stored.header.life_ns
        if equal is not None:
            self._compared += 1
            self._different += [] if equal else [(life_ns, instant)]
        elif new_hole:
            hole = Hole(
                life_ns=life_ns, first_instant=instant, outputs=1, from_ns=stored.log_time_ns
            )
            self._holes.append(hole)
        else:
            last = max(i for i, hole in enumerate(self._holes) if hole.life_ns == life_ns)
            hole = self._holes[last]
            self._holes[last] = msgspec.structs.replace(hole, outputs=hole.outputs + 1)

    def verdict(self, log: "_RecorderLog") -> Verdict:
        holes = (
            msgspec.structs.replace(hole, reason=log.says_at(hole.from_ns)) for hole in self._holes
        )
        return Verdict(
            compared=self._compared,
            different=len(self._different),
            not_comparable=sum(hole.outputs for hole in self._holes),
            holes=tuple(holes),
            first_different=self._different[0] if self._different else None,
        )


class _RecorderLog:
    """When the recorder was down or lost messages that matter here, by its own account."""

    def __init__(self, final_drops: Mapping[int, Mapping[str, int]], closed: bool) -> None:
        self._final_drops, self._closed = final_drops, closed
        self._spans: list[tuple[int, int, str]] = []
        self._last_ns, self._health_ns = 0, 0
        self._life, self._lost = 0, 0

    def watch(self, stored: Stored) -> Stored:
        """Take notice of a message on its way."""
        now_ns, message = stored.log_time_ns, stored.message
        if now_ns < self._last_ns:  # a replay has set the clock back
            self._health_ns = now_ns
        if stored.recorder_life != self._life:
            if self._life:
                self._spans.append((self._last_ns, now_ns, "the recorder was started again"))
            self._life, self._lost, self._health_ns = stored.recorder_life, 0, now_ns
        if isinstance(message, Health) and stored.header.source == RECORDER:
            self._lost_until(now_ns, _lost(message.drops))
            self._health_ns = now_ns
        self._last_ns = now_ns
        return stored

    def says_at(self, t_ns: int) -> str:
        """What the recorder says of a time, once all has been watched; empty: nothing."""
        self._lost_until(END_OF_TIME_NS, _lost(self._final_drops.get(self._life, {})))
        end = [] if self._closed else [(self._last_ns, END_OF_TIME_NS, "the recording was cut")]
        says = (
            reason
            for from_ns, to_ns, reason in (*self._spans, *end)
            if from_ns - SETTLE_NS <= t_ns <= to_ns + SETTLE_NS
        )
        return next(says, "")

    def _lost_until(self, now_ns: int, lost: int) -> None:
        if lost > self._lost:
            self._spans.append((self._health_ns, now_ns, "the recorder lost messages"))
            self._lost = lost


def _lost(drops: Mapping[str, int]) -> int:
    """Dropped messages that the fusion may have said or heard."""
    mattered = ("disk_full", "disk_error", "lost keypoints2d", "lost pose3d")
    return sum(n for reason, n in drops.items() if reason.split("/", 1)[0] in mattered)
