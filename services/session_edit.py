"""A part of a session as a session of its own, from which poses and angles can be computed again.

Pictures begin with the key frame before the part. Before its keypoints, poses and angles comes what
it takes to compute them again to the last bit: the checkpoints before, and all that followed them.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from mcap.records import Channel
from mcap.records import Message as Record

from core import wire
from core.errors import SessionError
from core.messages import Checkpoint, JointAngles, Keypoints2D, Packet, Pose3D
from services import missing
from services.session import Session, Stored, open_session
from services.session_format import Edit, Lost, Manifest, Segment
from services.session_recovery import copy_segment
from services.session_rewrite import Keep, copy_rest, finish, fresh_folder, version

Tell = Callable[[str, int, int], None]
Origin = tuple[str, str, int]
"""Key, life and number of a message."""

_ALWAYS = ("event",)
_BY_MOMENT = ("pose3d", "checkpoint", "angles", "angles_checkpoint")
_EVER = -(2**63)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What of a session is wanted: by session time, or by instants of the fusion."""

    from_s: float | None = None
    to_s: float | None = None
    from_instant: int | None = None
    to_instant: int | None = None
    """The first one that is left out."""


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; seconds are those of the source's session time."""

    session: str
    source: str
    from_s: float
    to_s: float
    pictures_from_s: dict[str, float]
    """The key frame that each camera begins with."""
    poses_from_s: float | None
    """From here on the poses can be computed again; None: there are none."""
    angles_from_s: float | None
    messages: int
    missing: tuple[missing.Missing, ...]


@dataclass
class _Plan:
    """What is kept, as the first reading found it."""

    from_ns: int
    to_ns: int
    poses_after_ns: int = _EVER
    """Capture time of the fusion's checkpoint; all that followed is kept."""
    angles_after_ns: int = _EVER
    checkpoints: set[Origin] = field(default_factory=set)
    inputs: set[tuple[str, int]] = field(default_factory=set)
    """(camera, frame) of the keypoints that kept poses took in."""
    last_words: set[Origin] = field(default_factory=set)
    """Of what is said each second the last one before."""
    packets: set[Origin] = field(default_factory=set)
    keys: dict[str, int] = field(default_factory=dict)
    """Capture time of the first packet of each camera."""

    def keeps(self, channel: Channel, record: Record) -> bool:
        """Whether a recorded message belongs to the part."""
        topic, t_ns = channel.topic.split("/", 1)[0], record.publish_time
        origin = channel.topic, channel.metadata.get("life_ns", ""), record.sequence
        if topic in _ALWAYS or origin in self.checkpoints or origin in self.last_words:
            return True
        if topic == "packet":
            return origin in self.packets
        after_ns = self.poses_after_ns
        if topic in ("angles", "angles_checkpoint"):
            after_ns = self.angles_after_ns
        elif topic not in (*_BY_MOMENT, "keypoints2d"):
            after_ns = min(after_ns, self.from_ns - 1)
        within = after_ns < t_ns < self.to_ns
        return within or (topic == "keypoints2d" and self._is_input(channel, record))

    def _is_input(self, channel: Channel, record: Record) -> bool:
        message = wire.decode(channel.topic, record.data)
        return isinstance(message, Keypoints2D) and (message.camera, message.frame) in self.inputs


def trim(source: Path, out: Path, part: Part, tell: Tell) -> Trimmed:
    """Write a part of a session as a session of its own.

    Raises:
        SessionError: no session, nothing in that part, or a folder that is taken or cannot be
            written.
    """
    session = open_session(source)
    zero_ns = missing.start_ns(session)
    from_ns, to_ns = _window(session, part, zero_ns)
    plan = _planned(session, from_ns, to_ns)
    heard = (one.message.t_ns for one in session.messages(["keypoints2d", "pose3d"]))
    if not plan.keys and not any(from_ns <= t_ns < to_ns for t_ns in heard):
        raise SessionError(f"{session.path}: nothing recorded {_words(part)}")
    begin_ns = min([plan.poses_after_ns, plan.from_ns, *plan.keys.values()])
    lost = tuple(
        one
        for one in missing.with_earlier(missing.lost_of(session), session.lost)
        if _overlaps(one, begin_ns, to_ns)
    )
    with fresh_folder(out) as folder:
        manifest = _manifest(session, plan, lost)
        kept = _copied(session, manifest, folder, plan.keeps, tell)
        copy_rest(session.path, folder)
        finish(folder, manifest, kept)
    return _said(session, out, plan, zero_ns, kept, lost)


def _words(part: Part) -> str:
    given = msgspec.structs.asdict(part).items()
    return ", ".join(f"{name} {value:g}" for name, value in given if value is not None)


def _copied(
    session: Session, manifest: Manifest, folder: Path, keep: Keep, tell: Tell
) -> list[Segment]:
    names, kept = session.segments(), list[Segment]()
    for number, name in enumerate(names):
        tell("writing segments", number, len(names))
        segment = copy_segment(session, name, manifest, folder / str(name), keep)
        kept += [] if segment is None else [segment]
    return kept


def _overlaps(lost: Lost, from_ns: int, to_ns: int) -> bool:
    begins = lost.from_ns is None or lost.from_ns < to_ns
    return begins and (lost.to_ns is None or lost.to_ns > from_ns)


def _window(session: Session, part: Part, zero_ns: int) -> tuple[int, int]:
    """First capture time of the part, and the first one behind it."""
    instants = {part.from_instant, part.to_instant} - {None}
    times: dict[int, int] = {}
    if instants:
        for stored in session.messages(["pose3d"]):
            pose = stored.message
            if isinstance(pose, Pose3D) and pose.instant in instants:
                times.setdefault(pose.instant, pose.t_ns)
    absent = sorted(one for one in instants if one is not None and one not in times)
    if absent:
        raise SessionError(f"{session.path}: no instant {absent[0]} in it; `kinelive inspect` it")
    from_ns, to_ns = _EVER, 2**63 - 1
    if part.from_s is not None:
        from_ns = zero_ns + round(part.from_s * 1e9)
    if part.to_s is not None:
        to_ns = zero_ns + round(part.to_s * 1e9)
    from_ns = times.get(-1 if part.from_instant is None else part.from_instant, from_ns)
    to_ns = times.get(-1 if part.to_instant is None else part.to_instant, to_ns)
    if from_ns >= to_ns:
        raise SessionError(f"{_words(part)}: the end must come after the beginning")
    return from_ns, to_ns


def _planned(session: Session, from_ns: int, to_ns: int) -> _Plan:
    plan = _Plan(from_ns, to_ns)
    said = list(session.messages(_BY_MOMENT))
    angles = [one for one in said if isinstance(one.message, JointAngles)]
    if angles:
        plan.angles_after_ns = _take_checkpoint(plan, said, "angles_checkpoint", from_ns)
    poses_from_ns = min(from_ns, plan.angles_after_ns + 1) if angles else from_ns
    plan.poses_after_ns = _take_checkpoint(plan, said, "checkpoint", poses_from_ns)
    for stored in said:
        pose = stored.message
        if isinstance(pose, Pose3D) and plan.poses_after_ns < pose.t_ns < to_ns:
            plan.inputs.update(pose.consumed)
    _take_last_words(plan, session)
    for camera in session.manifest.cameras:
        _take_packets(plan, session, camera)
    return plan


def _origin(stored: Stored) -> Origin:
    return stored.key, str(stored.header.life_ns), stored.header.seq


def _take_checkpoint(plan: _Plan, said: list[Stored], topic: str, before_ns: int) -> int:
    """Keep the last checkpoint before a time; its own time, or that before all, without one."""
    found = [
        one
        for one in said
        if one.key == topic and isinstance(one.message, Checkpoint) and one.message.t_ns < before_ns
    ]
    if not found:
        return _EVER
    plan.checkpoints.add(_origin(found[-1]))
    return found[-1].message.t_ns


def _take_last_words(plan: _Plan, session: Session) -> None:
    """Keep what each process said last before the part: how cameras are decoded, drops so far."""
    begin_ns = min(plan.from_ns, plan.poses_after_ns + 1)
    last: dict[tuple[str, int], Stored] = {}
    for stored in session.messages(["camera", "health", "subjects"]):
        speaker = stored.key + stored.header.source, stored.header.life_ns
        if stored.message.t_ns < begin_ns or (stored.key[:6] == "camera" and speaker not in last):
            last[speaker] = stored
    plan.last_words.update(_origin(one) for one in last.values())


def _take_packets(plan: _Plan, session: Session, camera: str) -> None:
    """From the key frame before the part to its last picture, in decoding order."""
    seen = [
        (_origin(one), one.message.t_ns, one.message.keyframe)
        for one in session.packets(camera)
        if isinstance(one.message, Packet)
    ]
    last = max((i for i, (_, t_ns, _) in enumerate(seen) if t_ns < plan.to_ns), default=-1)
    keys = [i for i, (_, t_ns, is_key) in enumerate(seen) if is_key and i <= last]
    before = [i for i in keys if seen[i][1] <= plan.from_ns]
    first = before[-1] if before else next(iter(keys), last + 1)
    kept = seen[first : last + 1]
    if any(t_ns >= plan.from_ns for _, t_ns, _ in kept):
        plan.packets.update(origin for origin, *_ in kept)
        plan.keys[camera] = kept[0][1]


def _manifest(session: Session, plan: _Plan, lost: tuple[Lost, ...]) -> Manifest:
    """Of the part: a session of its own, with the counts of what was dropped left to the source."""
    manifest = session.manifest
    edit = Edit(
        kind="trimmed",
        kinelive=version(),
        sessions=(manifest.session,),
        lost=lost,
        from_ns=None if plan.from_ns == _EVER else plan.from_ns,
        to_ns=None if plan.to_ns == 2**63 - 1 else plan.to_ns,
    )
    earlier = tuple(msgspec.structs.replace(one, lost=()) for one in manifest.edits)
    lives = tuple(
        msgspec.structs.replace(one, drops={}, heard_s=0.0, marks=0) for one in manifest.lives
    )
    return msgspec.structs.replace(
        manifest,
        session=uuid.uuid4().hex,
        lives=lives,
        edits=(*earlier, edit),
        segments=(),
        elsewhere=(),
    )


def _said(
    session: Session,
    out: Path,
    plan: _Plan,
    zero_ns: int,
    kept: list[Segment],
    lost: tuple[Lost, ...],
) -> Trimmed:
    done = open_session(out)

    def first_s(topic: str) -> float | None:
        first = next(done.messages([topic]), None)
        return None if first is None else (first.message.t_ns - zero_ns) / 1e9

    ends = [one.message.t_ns for one in done.messages()]
    to_ns = plan.to_ns if plan.to_ns < 2**63 - 1 else max(ends, default=zero_ns)
    return Trimmed(
        session=str(out),
        source=str(session.path),
        from_s=0.0 if plan.from_ns == _EVER else (plan.from_ns - zero_ns) / 1e9,
        to_s=(to_ns - zero_ns) / 1e9,
        pictures_from_s={name: (t_ns - zero_ns) / 1e9 for name, t_ns in plan.keys.items()},
        poses_from_s=first_s("pose3d"),
        angles_from_s=first_s("angles"),
        messages=sum(one.messages for one in kept),
        missing=missing.missing(lost, zero_ns),
    )
