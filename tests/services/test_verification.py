"""Fusing a recording again: identical where it can be, honest where it cannot."""

from pathlib import Path

import msgspec
import pytest

from core import wire
from core.config import RecorderConfig
from core.errors import SessionError
from core.fusion import FusionState
from core.messages import Keypoints2D, Pose3D
from services.bus import Received
from services.session import Session, Stored, open_session
from services.verification import Fusion, compare
from tests.services import session_builder as builder
from tools.verify import verify, verify_session

N_FRAMES = 60
WALK = builder.walk(N_FRAMES)
POSES = [one for one in WALK if isinstance(one.message, Pose3D)]


def recorded(tmp_path: Path, heard: list[Received]) -> Session:
    return open_session(builder.record(builder.run_config(tmp_path), heard))


def without(heard: list[Received], key: str, *seqs: int) -> list[Received]:
    return [one for one in heard if one.key != key or one.header.seq not in seqs]


def test_a_recording_is_identical(tmp_path: Path) -> None:
    result = verify_session(recorded(tmp_path, WALK))
    assert result.identical
    assert result.compared == len(POSES) >= N_FRAMES - 2
    assert (result.different, result.not_comparable, result.damaged) == (0, 0, False)


def test_json_is_the_last_line_and_the_exit_code_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = recorded(tmp_path, WALK).path
    assert verify(folder, json=True) == 0
    told = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert told["identical"] is True
    assert told["compared"] == len(POSES)
    assert told["different"] == 0
    assert verify(folder) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("identical")
    assert verify(tmp_path / "nothing", json=True) != 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_one_other_bit_is_a_difference(tmp_path: Path) -> None:
    place = WALK.index(POSES[20])
    pose = POSES[20].message
    assert isinstance(pose, Pose3D)
    (person,) = pose.persons
    raw = bytearray(person.keypoints_m)
    raw[0] ^= 1
    bent = msgspec.structs.replace(
        pose, persons=(msgspec.structs.replace(person, keypoints_m=bytes(raw)),)
    )
    heard = [*WALK]
    heard[place] = POSES[20]._replace(message=bent, raw=wire.encode(bent))
    result = verify_session(recorded(tmp_path, heard))
    assert not result.identical
    assert result.different == 1
    assert result.first_different == (builder.LIFE_NS, pose.instant)
    assert verify(tmp_path) != 0


def test_stamps_do_not_count(tmp_path: Path) -> None:
    heard = [*WALK]
    for one in POSES:
        late = msgspec.structs.replace(one.message, stamps={"fused": 1})
        heard[heard.index(one)] = one._replace(message=late, raw=wire.encode(late))
    assert verify_session(recorded(tmp_path, heard)).identical


def test_the_order_of_recording_does_not_matter(tmp_path: Path) -> None:
    words = [one for one in WALK if one.key.startswith("keypoints2d")]
    poses = [one for one in WALK if not one.key.startswith("keypoints2d")]
    mixed: list[Received] = []
    for i in range(0, len(words), 30):  # each pose comes before all that went into it
        mixed += poses[i // 3 : i // 3 + 10] + words[i : i + 30]
    mixed += poses[len(words) // 3 :]
    assert verify_session(recorded(tmp_path, mixed)).identical


def test_nothing_fused_is_not_identical(tmp_path: Path) -> None:
    words = [one for one in WALK if one.key.startswith("keypoints2d")]
    result = verify_session(recorded(tmp_path, words))
    assert (result.identical, result.compared) == (False, 0)


def test_a_hole_nobody_accounts_for_is_not_identical(tmp_path: Path) -> None:
    result = verify_session(recorded(tmp_path, without(WALK, "keypoints2d/cam02", 13)))
    assert not result.identical
    assert result.different == 0
    (hole,) = result.holes
    assert (hole.first_instant, hole.outputs) == (13, 8)  # until the checkpoint after 20
    assert hole.reason == ""
    assert result.compared == len(POSES) - 8


def test_a_lost_instant_ends_the_comparison_until_a_checkpoint(tmp_path: Path) -> None:
    result = verify_session(recorded(tmp_path, without(WALK, "pose3d", 25)))
    (hole,) = result.holes
    assert (hole.first_instant, hole.outputs) == (26, 5)
    assert result.different == 0


def test_a_loss_that_the_recorder_counted_is_excused(tmp_path: Path) -> None:
    speaker = builder.Speaker("recorder")
    place = WALK.index(POSES[13])
    before = speaker.say("health", builder.health("recorder", 0, {}))
    after = speaker.say("health", builder.health("recorder", 0, {"lost keypoints2d/cam02": 1}))
    heard = [*WALK[: place - 20], before, *WALK[place - 20 : place + 20], after]
    heard += WALK[place + 20 :]
    result = verify_session(recorded(tmp_path, without(heard, "keypoints2d/cam02", 13)))
    assert result.identical
    assert result.not_comparable == 8
    assert result.holes[0].reason == "the recorder lost messages"


def test_a_loss_at_another_time_is_not_excused(tmp_path: Path) -> None:
    speaker = builder.Speaker("recorder")
    walk = builder.walk(400)
    heard = [
        *walk[:20],
        speaker.say("health", builder.health("recorder", 0, {"lost pose3d": 1})),
        *walk[20:],
        speaker.say("health", builder.health("recorder", 0, {"lost pose3d": 1})),
    ]
    result = verify_session(recorded(tmp_path, without(heard, "keypoints2d/cam02", 300)))
    assert not result.identical


def test_what_a_restarted_recorder_missed_is_excused(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    with builder.writer_of(run) as first:
        builder.feed(first, WALK[:90])
    with builder.writer_of(run, life_ns=builder.LIFE_NS + 1) as second:
        second.close(builder.feed(second, WALK[120:], start_ns=600_000_000), 0, {})
    result = verify_session(open_session(Path(run.recorder.session)))
    assert result.identical
    assert 0 < result.not_comparable <= 10
    assert result.holes[0].reason == "the recorder was started again"
    recorded_poses = [one for one in WALK[:84] + WALK[120:] if one in POSES]
    assert result.compared == len(recorded_poses) - result.not_comparable


def test_what_a_full_disk_cost_is_excused(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "session"), min_free_gb=1.0)
    run = builder.run_config(tmp_path, config)
    free_bytes = [builder.PLENTY_BYTES]
    with builder.writer_of(run, free_bytes=lambda: free_bytes[0]) as writer:
        now_ns = builder.feed(writer, WALK[:96])
        free_bytes[0] = 0
        now_ns = builder.feed(writer, WALK[96:120], start_ns=now_ns - builder.START_NS)
        free_bytes[0] = builder.PLENTY_BYTES
        now_ns = builder.feed(writer, WALK[120:], start_ns=now_ns - builder.START_NS)
        writer.close(now_ns, 0, {})
    result = verify_session(open_session(Path(run.recorder.session)))
    assert result.identical
    assert result.not_comparable > 0
    assert {hole.reason for hole in result.holes} == {"the recorder lost messages"}


def test_the_end_of_a_crash_is_excused(tmp_path: Path) -> None:
    heard = [*WALK]
    heard.remove(next(one for one in reversed(WALK) if one.key == "keypoints2d/cam01"))
    run = builder.run_config(tmp_path)
    with builder.writer_of(run) as writer:
        now_ns = builder.feed(writer, heard)
        writer.flush(now_ns)
    result = verify_session(open_session(Path(run.recorder.session)))
    assert (result.identical, result.closed) == (True, False)
    assert result.not_comparable == 1
    assert result.holes[0].reason == "the recording was cut"


def test_each_life_of_the_fusion_begins_anew(tmp_path: Path) -> None:
    heard = WALK + builder.walk(30, builder.LIFE_NS + 5, first=N_FRAMES)
    result = verify_session(recorded(tmp_path, heard))
    assert result.identical
    assert result.compared == sum(one.key == "pose3d" for one in heard)


def test_damage_is_never_identical(tmp_path: Path) -> None:
    folder = recorded(tmp_path, WALK + builder.packets(50)).path
    path = folder / "cam01-001-000.mcap"  # not even read for the comparison
    whole = bytearray(path.read_bytes())
    whole[whole.index(builder.packet("cam01", 25).payload)] ^= 1
    path.write_bytes(whole)
    result = verify_session(open_session(folder))
    assert (result.identical, result.damaged, result.different) == (False, True, 0)
    assert verify(folder, json=True) != 0


def test_a_cut_tail_is_no_damage(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    with builder.writer_of(run) as writer:
        builder.feed(writer, WALK)
    with (Path(run.recorder.session) / "stream-001-000.mcap").open("ab") as file:
        file.write(bytes(100))  # what a crash left of the next interval
    result = verify_session(open_session(Path(run.recorder.session)))
    assert (result.identical, result.damaged) == (True, False)
    assert [one.kind for one in result.damage] == ["cut"]


class Pairs(msgspec.Struct, frozen=True):
    """A fusion that gives out two instants with every second message."""

    count: int = 0
    instants: int = 0
    consumed: tuple[tuple[str, int], ...] = ()


def pairs(state: Pairs, keypoints: Keypoints2D, *_: object) -> tuple[Pairs, list[Pose3D]]:
    consumed = (*state.consumed, (keypoints.camera, keypoints.frame))
    if state.count % 2 == 0:
        return Pairs(state.count + 1, state.instants, consumed), []
    poses = [
        Pose3D(
            t_ns=keypoints.t_ns,
            instant=state.instants + i,
            skeleton="HALPE_26",
            cameras=(),
            frames=(),
            consumed=() if i else consumed,
            derived=state.count,
        )
        for i in range(2)
    ]
    return Pairs(state.count + 1, state.instants + 2), poses


PAIRS = Fusion(Pairs, pairs, lambda raw: msgspec.json.decode(raw, type=Pairs))


def stored(heard: list[Received]) -> list[Stored]:
    return [
        Stored(one.key, one.header, one.message, one.raw, builder.START_NS + i, 1)
        for i, one in enumerate(heard)
    ]


def pairs_heard(n: int) -> list[Received]:
    state, heard = Pairs(), list[Received]()
    pose, fuser = builder.Speaker("pose.0"), builder.Speaker("fusion")
    for frame in range(n):
        one = pose.say("keypoints2d", builder.keypoints("cam01", frame))
        assert isinstance(one.message, Keypoints2D)
        state, poses = pairs(state, one.message)
        heard += [one, *(fuser.say("pose3d", each) for each in poses)]
    return heard


def test_several_instants_of_one_step_are_compared() -> None:
    verdict = compare(stored(pairs_heard(20)), PAIRS, closed=True, final_drops={})
    assert (verdict.identical, verdict.compared) == (True, 20)


def test_an_instant_lost_that_can_be_computed_costs_nothing_more() -> None:
    heard = without(pairs_heard(20), "pose3d", 7)  # the second of its step
    verdict = compare(stored(heard), PAIRS, closed=True, final_drops={})
    assert (verdict.compared, verdict.different, verdict.not_comparable) == (19, 0, 0)


def test_the_real_step_is_the_one_that_is_called(tmp_path: Path) -> None:
    session = recorded(tmp_path, WALK)
    wrong = Fusion(FusionState, lambda state, *_: (state, []), lambda _: FusionState())
    verdict = compare(session.messages(), wrong, closed=True, final_drops={})
    assert (verdict.compared, verdict.different) == (len(POSES), len(POSES))
    with pytest.raises(SessionError):
        open_session(tmp_path / "rig.toml")
