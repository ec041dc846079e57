"""Joint angles computed again: identical where they can be, honest where they cannot."""

import threading
from functools import cache
from pathlib import Path

import msgspec
import pytest

from core import wire
from core.config import CameraConfig, RunConfig
from core.errors import ModelError
from core.kinematics.settings import KinematicsConfig
from core.messages import JointAngles, Message, Pose3D, SizeRequest, Subjects
from services import body_models
from services.bus import Received
from services.kinematics import KinematicsLoop, has_angles
from services.session import Session, open_session
from services.session_edit import Part, trim
from services.session_format import BODY_MODEL
from tests.services import session_builder as builder
from tools.body_models import prepared
from tools.verify import verify, verify_session

WALK = builder.walk(60)
POSES = [one for one in WALK if isinstance(one.message, Pose3D)]
PIN_AFTER = 45
FREEZE_AFTER, MEASURE_AFTER = 22, 35


@cache
def config() -> KinematicsConfig:
    wanted = KinematicsConfig(scale_after_frames=6, checkpoint_instants=10)
    run = RunConfig(cameras=(CameraConfig(name="cam"),), calibration="none", kinematics=wanted)
    return prepared(run, progress=print).kinematics


class Listed:
    """A source that gives one batch a call."""

    def __init__(self, batches: list[list[Received]]) -> None:
        self._batches = batches

    def drain(self, timeout_ms: int) -> list[Received]:
        del timeout_ms
        return self._batches.pop(0) if self._batches else []


class Clock:
    def now_ns(self) -> int:
        return builder.START_NS


def computed(
    batches: list[list[Received]], *, most_waiting: int = 30, life_ns: int = builder.LIFE_NS
) -> tuple[list[Received], KinematicsLoop]:
    """What the real loop says of poses that come in such batches."""
    speaker, said = builder.Speaker("kinematics", life_ns), list[Received]()

    def publish(topic: str, message: Message) -> None:
        said.append(speaker.say(topic, message))

    body = body_models.body_of(config(), Path(config().packed))
    loop = KinematicsLoop(
        Listed(batches), publish, body, config(), Clock(), most_waiting=most_waiting
    )
    stop = threading.Event()
    loop.run(stop, lambda: None if loop.source._batches else stop.set())  # pyright: ignore[reportAttributeAccessIssue]
    return said, loop


@cache
def heard() -> tuple[Received, ...]:
    """The walk, and its angles; the body is frozen, and measured again, and the person pinned."""
    monitor, batches = builder.Speaker("monitor"), [[one] for one in POSES]
    freeze, measure = SizeRequest(1, "freeze", 3), SizeRequest(1, "measure", 4)
    said = {
        PIN_AFTER: Subjects(t_ns=builder.START_NS, ids=(1, 7), size_requests=(measure,)),
        MEASURE_AFTER: Subjects(t_ns=builder.START_NS, ids=(), size_requests=(measure,)),
        FREEZE_AFTER: Subjects(t_ns=builder.START_NS, ids=(), size_requests=(freeze,)),
        0: Subjects(t_ns=builder.START_NS, ids=()),
    }
    for after, message in said.items():
        batches.insert(after, [monitor.say("subjects", message)])
    return (*WALK, *computed(batches)[0])


def recorded(tmp_path: Path, said: list[Received]) -> Session:
    run = msgspec.structs.replace(builder.run_config(tmp_path), kinematics=config())
    return open_session(builder.record(run, said))


def without(key: str, *seqs: int) -> list[Received]:
    return [one for one in heard() if one.key != key or one.header.seq not in seqs]


def test_poses_and_angles_are_identical(tmp_path):
    angles = [one.message for one in heard() if isinstance(one.message, JointAngles)]
    assert has_angles(angles[-1])
    assert angles[-1].subjects == (1, 7)
    result = verify_session(recorded(tmp_path, [*heard()]))
    assert result.identical
    assert result.kinematics is not None
    assert result.kinematics.compared == len(angles) == len(POSES)
    assert result.compared == 2 * len(POSES)


@pytest.mark.parametrize("field", ["value", "sd", "rate", "observed"])
def test_one_other_bit_of_an_angle_is_a_difference(tmp_path, field):
    said = [*heard()]
    place = next(i for i, one in enumerate(said) if one.key == "angles" and one.header.seq == 40)
    message = said[place].message
    assert isinstance(message, JointAngles)
    raw = bytearray(getattr(message.persons[0], field))
    raw[0] ^= 1
    other = msgspec.structs.replace(message.persons[0], **{field: bytes(raw)})
    bent = msgspec.structs.replace(message, persons=(other,))
    said[place] = said[place]._replace(message=bent, raw=wire.encode(bent))
    result = verify_session(recorded(tmp_path, said))
    assert not result.identical
    assert result.different == 1
    assert result.kinematics is not None
    assert result.kinematics.different == 1
    assert result.first_different == (builder.LIFE_NS, message.instant)
    assert verify(tmp_path) == 1


def test_lost_angles_end_the_comparison_until_a_checkpoint(tmp_path):
    result = verify_session(recorded(tmp_path, without("angles", 33)))
    assert result.kinematics is not None
    assert result.kinematics.not_comparable == 7  # 34 to 40, after which the state was said
    assert result.kinematics.different == 0
    assert not result.identical  # nobody accounts for the loss
    assert [hole.reason for hole in result.holes] == [""]


def test_a_body_was_frozen_and_measured_again_in_that_walk():
    angles = [one.message for one in heard() if isinstance(one.message, JointAngles)]
    sizes = [one.persons[0].size for one in angles]
    assert sizes[FREEZE_AFTER - 1].state == "measuring"
    frozen = {one.state for one in sizes[FREEZE_AFTER:MEASURE_AFTER]}
    assert frozen == {"frozen on request"}
    assert sizes[MEASURE_AFTER].model_frames == 0
    assert has_angles(angles[-1])


def test_angles_that_forget_what_was_asked_are_different(tmp_path):
    said = [
        one._replace(message=silent, raw=wire.encode(silent))
        if isinstance(one.message, JointAngles)
        and (silent := msgspec.structs.replace(one.message, size_requests=()))
        else one
        for one in heard()
    ]
    result = verify_session(recorded(tmp_path, said))
    assert result.kinematics is not None
    assert result.kinematics.different >= len(POSES) - FREEZE_AFTER


def test_what_is_asked_in_the_first_message_was_answered_by_an_earlier_life():
    old = Subjects(t_ns=0, ids=(), size_requests=(SizeRequest(1, "freeze", 3),))
    monitor = builder.Speaker("monitor")
    batches = [*([one] for one in POSES[:20]), [monitor.say("subjects", old)], [POSES[20]]]
    said, loop = computed(batches)
    last = next(one.message for one in reversed(said) if isinstance(one.message, JointAngles))
    assert last.persons[0].size.state == "measuring"
    assert loop.size_requests == ()
    new = msgspec.structs.replace(old, size_requests=(SizeRequest(1, "freeze", 4),))
    loop.take(new)
    assert loop.size_requests == new.size_requests


def test_a_part_begins_with_the_checkpoint_of_the_angles(tmp_path):
    whole = recorded(tmp_path, [*heard()])
    trim(whole.path, tmp_path / "part", Part(from_instant=38, to_instant=55), lambda *_: None)
    part = open_session(tmp_path / "part")
    kept = [one.message for one in part.messages(["angles"])]
    instants = [one.instant for one in kept if isinstance(one, JointAngles)]
    assert instants == list(range(31, 55))  # from the checkpoint of instant 30 on
    result = verify_session(part)
    assert result.identical
    assert result.kinematics is not None
    assert (result.kinematics.compared, result.kinematics.not_comparable) == (len(kept), 0)


def test_a_lost_checkpoint_costs_nothing(tmp_path):
    assert verify_session(recorded(tmp_path, without("angles_checkpoint", 2))).identical


def test_a_kinematics_that_was_started_again_is_followed(tmp_path):
    first, _ = computed([[one] for one in POSES[:20]])
    second, _ = computed([[one] for one in POSES[25:]], life_ns=builder.LIFE_NS + 1)
    result = verify_session(recorded(tmp_path, [*WALK, *first, *second]))
    assert result.identical
    assert result.kinematics is not None
    assert result.kinematics.compared == len(POSES) - 5


def test_poses_that_wait_too_long_are_dropped_and_the_rest_is_identical(tmp_path):
    said, loop = computed([POSES], most_waiting=10)
    assert loop.counts["instants"] == 10
    assert loop.drops["poses too late"] == len(POSES) - 10
    result = verify_session(recorded(tmp_path, [*WALK, *said]))
    assert result.identical
    assert result.kinematics is not None
    assert result.kinematics.compared == 10
    assert computed([POSES], most_waiting=0)[1].counts["instants"] == len(POSES)


def test_a_body_model_that_is_not_the_recorded_one_is_refused(tmp_path, capsys):
    session = recorded(tmp_path, [*heard()])
    path = session.path / BODY_MODEL
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="not the one of this run"):
        verify_session(session)
    assert verify(session.path) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_sessions_without_kinematics_have_no_such_part(tmp_path):
    session = open_session(builder.record(builder.run_config(tmp_path), WALK))
    result = verify_session(session)
    assert result.identical
    assert result.kinematics is None
    assert not (session.path / BODY_MODEL).exists()
