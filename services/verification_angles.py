"""Compute the joint angles of a recording again from its poses, and compare them bit for bit.

The recorded angles say in which order the kinematics took the poses, of whom angles were asked, and
whose body was to be frozen or measured anew; poses that it dropped have none. Where a recorded
message is missing, what follows cannot be compared until the kinematics' next checkpoint.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from core import wire
from core.messages import Checkpoint, JointAngles, Pose3D, SizeRequest
from services.session import Stored
from services.verdicts import Excuse, RecorderLog, Tally, Verdict, settled

TOPICS = ("pose3d", "angles", "angles_checkpoint", "health")
FORGET_NS = 60_000_000_000
"""A pose that no angles have named for so long was dropped."""

S = TypeVar("S")
Moment = tuple[int, int]
"""Capture time and instant."""


@dataclass(frozen=True, slots=True)
class Kinematics(Generic[S]):
    """The kinematics as it ran live: body model and settings are bound in ``step``, which takes the
    subjects and the size requests."""

    initial: Callable[[], S]
    step: Callable[[S, Pose3D, tuple[int, ...], tuple[SizeRequest, ...]], tuple[S, JointAngles]]
    thaw: Callable[[bytes], S]


@dataclass(frozen=True, slots=True)
class _Track(Generic[S]):
    """How far one life of the kinematics has been followed."""

    state: S | None
    """None in a hole."""
    next_seq: int | None = 0
    """None: whichever; the recording begins with a checkpoint."""
    last: Moment = (-1, -1)


class _Poses:
    """Poses that no angles have named yet."""

    def __init__(self) -> None:
        self._waiting: dict[Moment, tuple[int, Pose3D]] = {}

    def add(self, pose: Pose3D, now_ns: int) -> None:
        self._waiting[pose.t_ns, pose.instant] = now_ns, pose
        while True:
            oldest = next(iter(self._waiting))
            if self._waiting[oldest][0] >= now_ns - FORGET_NS:
                return
            del self._waiting[oldest]

    def take(self, moment: Moment) -> Pose3D | None:
        found = self._waiting.pop(moment, None)
        return None if found is None else found[1]


def compare(
    messages: Iterable[Stored],
    kinematics: Kinematics[S],
    *,
    closed: bool,
    final_drops: Mapping[int, Mapping[str, int]],
    excuses: Sequence[Excuse] = (),
) -> Verdict:
    """Follow each life of the kinematics through a recording; see ``services.verification``."""
    log, poses = RecorderLog(final_drops, closed, ("pose3d", "angles"), excuses), _Poses()
    tracks: dict[int, _Track[S]] = {}
    tally = Tally()
    for stored in settled(map(log.watch, messages), Pose3D):
        message, life_ns = stored.message, stored.header.life_ns
        track = tracks.get(life_ns) or _Track(kinematics.initial())
        match message:
            case Pose3D():
                poses.add(message, stored.log_time_ns)
            case JointAngles():
                tracks[life_ns], equal = _follow(track, stored, message, poses, kinematics)
                tally.count(stored, message.instant, equal, new_hole=track.state is not None)
            case Checkpoint() if life_ns not in tracks:  # cut out of a longer recording
                moment = message.t_ns, message.instant
                tracks[life_ns] = _Track(kinematics.thaw(message.state), None, moment)
            case Checkpoint() if track.state is None:
                if track.last == (message.t_ns, message.instant):
                    thawed = kinematics.thaw(message.state)
                    tracks[life_ns] = _Track(thawed, track.next_seq, track.last)
            case _:
                pass
    return tally.verdict(log)


def _follow(
    track: _Track[S], stored: Stored, angles: JointAngles, poses: _Poses, kinematics: Kinematics[S]
) -> tuple[_Track[S], bool | None]:
    """Compute one recorded instant; whether it is equal, None where that cannot be said."""
    seq, moment = stored.header.seq, (angles.t_ns, angles.instant)
    pose = poses.take(moment)
    follows = track.next_seq is None or seq == track.next_seq
    if track.state is None or pose is None or not follows:
        return _Track(None, seq + 1, moment), None
    state, found = kinematics.step(track.state, pose, angles.subjects, angles.size_requests)
    return _Track(state, seq + 1, moment), _comparable(found) == _comparable(angles)


def _comparable(angles: JointAngles) -> bytes:
    """All of an output but when its stages were done."""
    return wire.encode(msgspec.structs.replace(angles, stamps={}))
