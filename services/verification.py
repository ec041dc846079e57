"""Fuse a recording again with the same step, and compare with what was said live, bit for bit.

Each recorded instant names the keypoint messages that went into it, in order, and what the operator
had decided by then; so the inputs of the live run are known, and the step must give the same bytes.
Where the recording has a hole (the recorder was down, lost messages, or its disk was full) what
follows cannot be compared until the fusion's next checkpoint. A hole that the recorder itself
accounts for is counted and excused; any other makes the recording not identical.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from core import wire
from core.messages import Checkpoint, Keypoints2D, PlaceDecision, Pose3D
from services.session import Stored
from services.verdicts import Excuse, RecorderLog, Tally, Verdict, settled

TOPICS = ("keypoints2d", "pose3d", "checkpoint", "health")
FORGET_NS = 60_000_000_000
"""A keypoint message that no instant has named for so long was never taken in."""
FIRST_INSTANT = 0

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Fusion(Generic[S]):
    """The fusion as it ran live: rig and settings are bound in ``step``, which takes what the
    operator had decided."""

    initial: Callable[[], S]
    step: Callable[[S, Keypoints2D, tuple[PlaceDecision, ...]], tuple[S, list[Pose3D]]]
    thaw: Callable[[bytes], S]


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
    excuses: Sequence[Excuse] = (),
) -> Verdict:
    """Follow each life of the fusion through a recording.

    ``messages``: those of ``TOPICS``, as recorded. ``closed``: the recording was ended properly.
    ``final_drops``: what the manifest says was dropped, for each life of the recorder.
    ``excuses``: what an editor of the session says is not there. A life that begins with a
    checkpoint was cut out of a longer recording.
    """
    log, pool = RecorderLog(final_drops, closed, ("keypoints2d", "pose3d"), excuses), _Pool()
    tracks: dict[int, _Track[S]] = {}
    tally = Tally()
    for stored in settled(map(log.watch, messages), Keypoints2D):
        message, life_ns = stored.message, stored.header.life_ns
        track = tracks.get(life_ns) or _Track(fusion.initial())
        match message:
            case Keypoints2D():
                pool.add(message, stored.log_time_ns)
            case Checkpoint() if track.state is None or life_ns not in tracks:
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
        state, produced = _run(state, inputs, pose.decisions, fusion)
        last = produced[-1].instant if produced else pose.instant
    equal = bool(produced) and _comparable(produced[0]) == _comparable(pose)
    return _Track(state, last, produced[1:]), equal


def _run(
    state: S,
    inputs: Iterable[Keypoints2D],
    decisions: tuple[PlaceDecision, ...],
    fusion: Fusion[S],
) -> tuple[S, tuple[Pose3D, ...]]:
    produced: list[Pose3D] = []
    for message in inputs:
        state, poses = fusion.step(state, message, decisions)
        produced += poses
    return state, tuple(produced)


def _comparable(pose: Pose3D) -> bytes:
    """All of an output but when its stages were done."""
    return wire.encode(msgspec.structs.replace(pose, stamps={}))
