"""The session folder: what was written is what is read, and damage is found, never handed out."""

import json
import shutil
import struct
import zlib
from pathlib import Path

import msgpack
import msgspec
import pytest
from mcap.reader import make_reader
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader

from core.camera_config import RtspConfig
from core.config import RecorderConfig
from core.errors import SessionError
from core.messages import Keypoints2D, Packet
from services.session import open_session
from services.session_format import MANIFEST, SegmentName, parse_name, seal, unseal
from tests.services import session_builder as builder
from tests.services.session_builder import Told, conversation, read_all, retold, told


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Told]:
    heard = conversation()
    return builder.record(builder.run_config(tmp_path), heard), told(heard)


def test_all_bytes_come_back(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    session = open_session(folder)
    assert retold(session) == said
    session.check()
    assert session.damage == []
    assert session.closed


def test_messages_are_typed_and_keep_their_order(recorded: tuple[Path, Told]) -> None:
    session = open_session(recorded[0])
    frames = [
        (m.message.camera, m.message.frame)
        for m in session.messages(["keypoints2d"])
        if isinstance(m.message, Keypoints2D)
    ]
    assert frames == [(name, i) for i in range(40) for name in builder.CAMERAS]
    numbers = [m.message.packet for m in session.packets("cam02") if isinstance(m.message, Packet)]
    assert numbers == list(range(40))
    times = [m.log_time_ns for m in session.messages()]
    assert times == sorted(times)
    assert times[0] >= builder.START_NS


def test_one_key_can_be_asked_for(recorded: tuple[Path, Told]) -> None:
    found = list(open_session(recorded[0]).messages(["keypoints2d/cam03"]))
    assert {one.key for one in found} == {"keypoints2d/cam03"}
    assert len(found) == 40


def test_another_library_reads_the_same(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    with (folder / "cam01-001-000.mcap").open("rb") as file:
        for schema, channel, record in make_reader(file, validate_crcs=True).iter_messages():
            if schema is None:
                assert channel.topic == "kinelive/checksum"
                continue
            assert schema.encoding == "jsonschema"
            assert json.loads(schema.data)["$ref"].endswith("Packet")
            source, life_ns = channel.metadata["source"], int(channel.metadata["life_ns"])
            assert record.data == said[channel.topic, source, life_ns, record.sequence]
            fields = msgpack.unpackb(record.data)
            assert fields["payload"] == builder.packet("cam01", fields["packet"]).payload
            assert record.publish_time == fields["t_ns"]


def test_each_segment_says_what_it_is(recorded: tuple[Path, Told]) -> None:
    with (recorded[0] / "stream-001-000.mcap").open("rb") as file:
        reader = make_reader(file)
        attached = {one.name: one.data for one in reader.iter_attachments()}
        (described,) = reader.iter_metadata()
    assert attached["rig.toml"].decode() == builder.CALIBRATION
    assert unseal(attached[MANIFEST]).cameras == builder.CAMERAS
    assert json.loads(attached["run.json"])["cameras"][0]["name"] == "cam01"
    assert json.loads(attached["layout.json"])["arrays"]["Person3D"]["keypoints_m"] == {
        "dtype": "<f4",
        "shape": ["J", 3],
    }
    assert described.metadata["life"] == "1"


def test_manifest_holds_settings_and_calibration(recorded: tuple[Path, Told]) -> None:
    session = open_session(recorded[0])
    assert session.run.cameras[0].name == "cam01"
    assert session.calibration_text == builder.CALIBRATION
    assert session.manifest.calibration_name == "rig.toml"
    listed = {one.file: one.messages for one in session.manifest.segments if one.closed}
    assert listed == {
        "stream-001-000.mcap": 120,
        "cam01-001-000.mcap": 40,
        "cam02-001-000.mcap": 40,
        "cam03-001-000.mcap": 40,
    }


def test_a_folder_with_one_session_will_do(recorded: tuple[Path, Told], tmp_path: Path) -> None:
    folder = recorded[0]
    assert open_session(tmp_path).path == folder
    shutil.copytree(folder, tmp_path / "second")
    with pytest.raises(SessionError, match="2 sessions; name one of them: second, session"):
        open_session(tmp_path)


def test_what_is_no_session_is_refused_with_a_remedy(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SessionError, match=r"manifest\.json"):
            open_session(path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SessionError):
        open_session(tmp_path / "file")
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(SessionError, match="damaged"):
        open_session(tmp_path)


def test_a_session_of_another_format_says_what_reads_it(recorded: tuple[Path, Told]) -> None:
    path = recorded[0] / MANIFEST
    later = msgspec.structs.replace(unseal(path.read_bytes()), format=99, kinelive="9.9")
    path.write_bytes(seal(later))
    for segment in recorded[0].glob("*.mcap"):
        segment.unlink()
    with pytest.raises(SessionError, match=r"read it with 9\.9"):
        open_session(recorded[0])


def test_segments_rotate_by_time(tmp_path: Path) -> None:
    recorder = RecorderConfig(session=str(tmp_path / "session"), segment_s=0.3)
    heard = conversation()
    folder = builder.record(builder.run_config(tmp_path, recorder), heard)
    assert len(list(folder.glob("stream-001-*.mcap"))) == 4
    session = open_session(folder)
    assert retold(session) == told(heard)
    assert session.damage == []


def test_segments_rotate_by_size(tmp_path: Path) -> None:
    recorder = RecorderConfig(session=str(tmp_path / "session"), segment_mb=0.03)
    heard = conversation()
    folder = builder.record(builder.run_config(tmp_path, recorder), heard)
    assert len(list(folder.glob("cam01-001-*.mcap"))) > 1
    assert retold(open_session(folder)) == told(heard)


def test_a_second_life_touches_nothing_older(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    heard = conversation()
    with builder.writer_of(run) as first:
        builder.feed(first, heard[:100])  # it ends without a word
    folder = Path(run.recorder.session)
    before = {path.name: path.read_bytes() for path in folder.glob("*.mcap")}
    with builder.writer_of(run, life_ns=builder.LIFE_NS + 1) as second:
        second.close(builder.feed(second, heard[100:], start_ns=10**9), 0, {})
    assert {name: (folder / name).read_bytes() for name in before} == before
    session = open_session(folder)
    assert [life.number for life in session.manifest.lives] == [1, 2]
    recorded = read_all(session)
    assert {one.recorder_life for one in recorded} == {1, 2}
    assert retold(session) == told(heard[:96] + heard[100:])  # 96 of the first were flushed


def test_another_run_may_not_go_on_in_the_folder(tmp_path: Path) -> None:
    builder.record(builder.run_config(tmp_path), conversation(2))
    other = msgspec.structs.replace(
        builder.run_config(tmp_path),
        recorder=RecorderConfig(session=str(tmp_path / "session"), segment_s=5),
    )
    with pytest.raises(SessionError, match="name a new folder"):
        builder.writer_of(other)


def test_a_camera_may_not_take_the_streams_name(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    camera = msgspec.structs.replace(run.cameras[0], name="stream")
    with pytest.raises(SessionError, match="stream"):
        builder.writer_of(msgspec.structs.replace(run, cameras=(camera,)))


def test_names_are_taken_apart() -> None:
    name = SegmentName("left-2", 12, 1003)
    assert parse_name(str(name)) == name
    assert str(name) == "left-2-012-1003.mcap"
    assert parse_name("manifest.json") is None


def test_checksums_are_as_documented(recorded: tuple[Path, Told]) -> None:
    """docs/formats.md, followed word by word."""
    whole = (recorded[0] / "stream-001-000.mcap").read_bytes()
    with (recorded[0] / "stream-001-000.mcap").open("rb") as file:
        records = list(StreamReader(file, validate_crcs=True).records)
    channel = next(one for one in records if isinstance(one, Channel))
    assert (channel.topic, channel.id) == ("kinelive/checksum", 1)
    expected_start = 0
    for record in records:
        if isinstance(record, Message) and record.channel_id == 1:
            start, end, crc32 = struct.unpack("<QQI", record.data)
            assert start == expected_start
            assert whole[end : end + 11] == struct.pack("<BQH", 5, 42, 1)
            assert zlib.crc32(whole[start:end]) == crc32
            expected_start = end
    assert expected_start > 0


def test_a_session_keeps_no_password_of_a_camera(tmp_path: Path) -> None:
    run = builder.run_config(tmp_path)
    secret = RtspConfig(url="rtsp://anna:p@ss/word@192.168.1.20:554/stream1")
    first = msgspec.structs.replace(run.cameras[0], driver="rtsp", rtsp=secret)
    run = msgspec.structs.replace(run, cameras=(first, *run.cameras[1:]))
    folder = builder.record(run, builder.packets(3))
    kept = open_session(folder).run.cameras[0].rtsp.url
    assert kept == "rtsp://192.168.1.20:554/stream1"
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"ss/word" not in path.read_bytes(), path
