"""What inspect counts: messages, gaps, drops, damage."""

import shutil
from pathlib import Path

import msgspec
import pytest

from core import wire
from core.config import RecorderConfig
from services.bus import Received
from services.inventory import take_inventory
from services.session import open_session
from tests.services import session_builder as builder
from tools.inspect import inspect


def recorded(tmp_path: Path, heard: list[Received]) -> Path:
    return builder.record(builder.run_config(tmp_path), heard)


def test_topics_are_counted(tmp_path: Path) -> None:
    inventory = take_inventory(open_session(recorded(tmp_path, builder.walk(40))))
    counts = {key: topic.count for key, topic in inventory.topics.items()}
    assert counts["keypoints2d/cam02"] == 40
    assert counts["pose3d"] >= 38
    assert inventory.cameras == builder.CAMERAS
    assert inventory.complete
    assert (inventory.gaps, inventory.drops) == (0, 0)
    assert inventory.duration_s == pytest.approx(0.005 * (sum(counts.values()) - 1))
    topic = inventory.topics["keypoints2d/cam01"]
    assert topic.rate_hz == pytest.approx(39 / topic.duration_s)


def test_missing_numbers_are_gaps(tmp_path: Path) -> None:
    heard = builder.packets(20)
    inventory = take_inventory(
        open_session(recorded(tmp_path, [one for one in heard if one.header.seq not in (3, 4, 9)]))
    )
    assert inventory.gaps_by_topic == {f"packet/{name}": 3 for name in builder.CAMERAS}
    assert inventory.gaps == 9
    assert inventory.complete  # all that was recorded is there; gaps are told apart


def test_what_the_recorder_counted_as_lost_is_no_gap(tmp_path: Path) -> None:
    heard = [one for one in builder.packets(20) if one.header.seq not in (3, 4, 9)]
    ear, other = builder.Speaker("recorder"), builder.Speaker("monitor")
    heard += [
        ear.say("health", builder.health("recorder", 0, {"lost packet/cam01": 1})),
        ear.say("health", builder.health("recorder", 0, {"lost packet/cam01": 2})),
        other.say("health", builder.health("monitor", 0, {"lost packet/cam02": 3})),
    ]
    inventory = take_inventory(open_session(recorded(tmp_path, heard)))
    expected = {"packet/cam01": 1, "packet/cam02": 3, "packet/cam03": 3}
    assert inventory.gaps_by_topic == expected
    assert inventory.drops_by_reason == {"lost packet/cam01": 2, "lost packet/cam02": 3}
    assert inventory.drops == 5


def test_drops_are_those_of_every_life(tmp_path: Path) -> None:
    first = builder.Speaker("pose.0", 1)
    second = builder.Speaker("pose.0", 2)
    heard = [
        first.say("health", builder.health("pose.0", 0, {"late": 2})),
        first.say("health", builder.health("pose.0", 0, {"late": 5})),
        second.say("health", builder.health("pose.0", 0, {"late": 1, "malformed": 1})),
    ]
    inventory = take_inventory(open_session(recorded(tmp_path, heard)))
    assert inventory.drops_by_reason == {"late": 6, "malformed": 1}


def test_packets_missing_between_two_lives_of_a_camera_are_gaps(tmp_path: Path) -> None:
    lives = builder.Speaker("camera.cam01", 1), builder.Speaker("camera.cam01", 2)
    numbers = (range(10), range(15, 20))
    heard = [
        life.say("packet", builder.packet("cam01", number))
        for life, some in zip(lives, numbers, strict=True)
        for number in some
    ]
    inventory = take_inventory(open_session(recorded(tmp_path, heard)))
    assert inventory.gaps_by_topic == {"packet/cam01": 5}


def test_inspect_prints_json_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded(tmp_path, builder.walk(10) + builder.packets(10))
    assert inspect(folder, json=True) == 0
    told = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert told["topics"]["packet/cam01"]["count"] == 10
    assert told["cameras"] == list(builder.CAMERAS)
    assert told["complete"] is True
    assert told["gaps"] == told["drops"] == 0
    assert told["drops_by_reason"] == told["gaps_by_topic"] == {}


def test_inspect_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = builder.walk(10)
    heard.append(builder.Speaker("x").say("health", builder.health("x", 0, {"[late]": 3})))
    folder = recorded(tmp_path, heard)
    path = folder / "stream-001-000.mcap"
    path.write_bytes(path.read_bytes()[:-100])
    assert inspect(folder) == 0
    shown = capsys.readouterr().out
    assert "keypoints2d/cam01" in shown
    assert "[late]" in shown
    assert "end: stream-001-000.mcap bytes" in shown
    assert "not complete (damaged)" in shown


def test_inspect_tells_who_was_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = RecorderConfig(
        session=str(tmp_path / "session"), subject="P07", trial="gait [1]", notes="left knee taped"
    )
    folder = builder.record(builder.run_config(tmp_path, recorder), builder.walk(5))
    assert inspect(folder, json=True) == 0
    said = capsys.readouterr()
    told = msgspec.json.decode(said.out.splitlines()[-1])
    assert (told["subject"], told["trial"], told["notes"]) == (
        "P07", "gait [1]", "left knee taped"
    )  # fmt: skip
    lines = said.err.splitlines()
    assert {"subject: P07", "trial: gait [1]", "notes: left knee taped"} <= set(lines)
    assert inspect(recorded(tmp_path / "nameless", builder.walk(5))) == 0
    assert "subject" not in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [True, False])
def test_inspect_refuses_what_is_no_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert inspect(tmp_path / "nowhere", json=as_json) != 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_a_crashed_session_is_not_complete(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    with builder.writer_of(run) as writer:
        builder.feed(writer, builder.packets(20))
    folder = Path(run.recorder.session)
    inventory = take_inventory(open_session(folder))
    assert not inventory.complete
    assert inventory.damage == ()
    shutil.rmtree(folder)


def test_cameras_tell_where_their_times_are_from_and_what_was_lost(tmp_path: Path) -> None:
    heard = builder.packets(20)
    timed = [
        one._replace(
            message=msgspec.structs.replace(
                one.message,
                time_origin="hardware" if one.header.seq > 4 else "host",
                time_uncertainty_ns=200_000 if one.header.seq > 4 else 30_000_000,
            )
        )
        for one in heard
    ]
    timed = [one._replace(raw=wire.encode(one.message)) for one in timed]
    drops = {"network: incomplete": 3, "decimated": 9}
    lives = [
        builder.Speaker("camera.cam01", life).say(
            "health", builder.health("camera.cam01", 0, drops)
        )
        for life in (1, 2)
    ]
    facts = take_inventory(open_session(recorded(tmp_path, timed + lives))).camera_facts
    assert facts["cam01"].time_origins == {"host": 5, "hardware": 15}
    assert facts["cam01"].time_uncertainty_ms == pytest.approx(0.2)
    assert facts["cam01"].losses == {"network: incomplete": 6}
    assert facts["cam02"].losses == {}
    assert facts["cam02"].frames == 20
