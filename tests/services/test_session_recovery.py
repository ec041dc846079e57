"""Cut and damaged sessions made whole: all that is good is kept, nothing wrong is handed out."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import SeekingReader, make_reader

from core.config import RecorderConfig
from core.errors import SessionError
from core.messages import Pose3D
from services.inventory import take_inventory
from services.session import open_session
from services.session_format import MANIFEST
from services.session_recovery import recover
from tests.services import session_builder as builder
from tests.services.session_builder import conversation, packets, retold, told
from tools.recover import recover as command
from tools.verify import verify_session

SPOKEN = builder.walk(60)
SEEN = packets(100)[: len(SPOKEN)]
WALK = [one for pair in zip(SPOKEN, SEEN, strict=True) for one in pair]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    recorder = RecorderConfig(session=str(tmp_path / "session"), segment_s=0.6)
    return builder.record(builder.run_config(tmp_path, recorder), WALK)


def quiet(*_: object) -> None:
    pass


def harmed(folder: Path, place: Path, n: int) -> Iterator[str]:
    """The session with a file cut short, a bit turned over, or a file lost; in turn."""
    generator = np.random.default_rng(7)
    for number in range(n):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        files = sorted(place.glob("*.mcap"))
        for chosen in generator.choice(len(files), 2, replace=False):
            path = files[chosen]
            whole = path.read_bytes()
            at = int(generator.integers(len(whole)))
            turned = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
            path.write_bytes(whole[:at] if number % 2 else turned)
        if number % 5 == 0:
            (place / MANIFEST).unlink()
        if number % 7 == 0:
            sorted(place.glob("*.mcap"))[number % 4].unlink()
        yield f"number {number}"


def assert_indexed(folder: Path) -> int:
    """Every segment is read by the library's own reader through its summary; messages in it."""
    count = 0
    for path in folder.glob("*.mcap"):
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            assert isinstance(reader, SeekingReader)
            summary = reader.get_summary()
            assert summary is not None
            assert summary.statistics is not None
            topics = {one.topic for one in summary.channels.values()} - {"kinelive/checksum"}
            assert topics
            assert {one.name for one in reader.iter_attachments()} >= {MANIFEST, "rig.toml"}
            count += sum(1 for _ in reader.iter_messages(topics=sorted(topics)))
    return count


@pytest.mark.slow
def test_fifty_harmed_sessions_are_recovered(recorded: Path, tmp_path: Path) -> None:
    said = told(WALK)
    for number, where in enumerate(harmed(recorded, tmp_path / "harmed", 50)):
        out = tmp_path / f"out{number}"
        before = retold(open_session(tmp_path / "harmed"))
        done = recover(tmp_path / "harmed", out, quiet)
        session = open_session(out)
        found = retold(session)
        assert found == before, where
        assert found.items() <= said.items(), where
        assert done.messages == len(found) == assert_indexed(out)
        session.check()
        assert session.damage == [], where
        assert done.missing or found == said, where
        verified = verify_session(session)
        assert verified.different == 0, where
        assert verified.identical or not verified.compared, (where, verified.holes)


def test_a_whole_session_is_copied(recorded: Path, tmp_path: Path) -> None:
    done = recover(recorded, None, quiet)
    out = tmp_path / "session-recovered"
    assert done.was_complete
    assert retold(open_session(out)) == told(WALK)
    assert (done.missing, done.closed_anew, done.emptied) == ((), (), ())
    inventory = take_inventory(open_session(out))
    assert inventory.complete
    assert inventory.edits == ("recovered",)


def test_what_a_killed_recorder_left_is_closed(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    with builder.writer_of(run) as writer:
        builder.feed(writer, WALK)
    folder = Path(run.recorder.session)
    done = recover(folder, tmp_path / "out", quiet)
    assert set(done.closed_anew) == {path.name for path in folder.glob("*.mcap")}
    assert assert_indexed(tmp_path / "out") == done.messages > len(WALK) - 12
    verified = verify_session(open_session(tmp_path / "out"))
    assert verified.identical
    assert verified.closed is False
    assert not take_inventory(open_session(tmp_path / "out")).complete


def test_a_lost_segment_is_told_by_camera_and_time(recorded: Path, tmp_path: Path) -> None:
    lost = open_session(recorded)
    (name,) = [one for one in lost.segments() if str(one) == "cam02-001-001.mcap"]
    numbers = [one.header.seq for one in lost.of_segment(name)]
    (recorded / str(name)).unlink()
    done = recover(recorded, tmp_path / "out", quiet)
    (missing,) = done.missing
    assert (missing.of, missing.camera, missing.messages) == ("packet/cam02", "cam02", len(numbers))
    frame_s = builder.FRAME_NS / 1e9
    assert missing.from_s == pytest.approx((numbers[0] - 1) * frame_s)
    assert missing.to_s == pytest.approx((numbers[-1] + 1) * frame_s)
    assert missing.why == "the file is lost"
    again = take_inventory(open_session(tmp_path / "out"))
    assert again.missing == done.missing
    assert not again.complete


def test_a_damaged_stream_is_excused_once_recovered(recorded: Path, tmp_path: Path) -> None:
    path = recorded / "stream-001-001.mcap"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    assert not verify_session(open_session(recorded)).identical
    recover(recorded, tmp_path / "out", quiet)
    verified = verify_session(open_session(tmp_path / "out"))
    assert verified.identical
    assert verified.not_comparable
    assert all("lost before it was recovered" in hole.reason for hole in verified.holes)


def test_a_gap_that_nobody_explains_is_no_excuse(tmp_path: Path) -> None:
    heard = [one for one in WALK if not (isinstance(one.message, Pose3D) and one.header.seq == 25)]
    folder = builder.record(builder.run_config(tmp_path), heard)
    done = recover(folder, tmp_path / "out", quiet)
    assert [(one.of, one.messages) for one in done.missing] == [("pose3d", 1)]
    assert not verify_session(open_session(tmp_path / "out")).identical


def test_nothing_is_written_over(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(SessionError, match="nothing is written over"):
        recover(recorded, tmp_path / "out", quiet)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["mine"]
    assert not list(tmp_path.glob(".out*"))


def test_without_any_manifest_nothing_is_promised(tmp_path: Path) -> None:
    folder = builder.record(builder.run_config(tmp_path), conversation())
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SessionError, match="manifest"):
        recover(folder, tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_is_missing(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded / "cam01-001-001.mcap"
    path.write_bytes(path.read_bytes()[:-3000])
    assert command(recorded, tmp_path / "out", json=True) == 0
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1])
    assert found["missing"][0]["camera"] == "cam01"
    assert "pictures of cam01 from" in said.err
    assert "the file lost its end" in said.err
