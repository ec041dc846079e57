"""A real small session in the formats of others: nothing is changed, all has one clock."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from mcap.reader import make_reader

from core import mot, trc
from core.errors import ConfigError, SessionError
from core.messages import Packet, Pose3D, view
from core.skeletons import HALPE_26
from services.export import NO_RERUN, Request, export
from services.face_blur import Disc, Heads, head_of
from services.project import open_project
from services.session import open_session
from services.session_edit import Part, trim
from services.synthetic_footage import Footage
from tests.services import footage_session
from tests.services.footage_session import N_FRAMES, RATE_HZ, json_of
from tools.export import export as command

Recorded = tuple[Path, Footage]
NAMES = ("cam01", "cam02", "cam03", "cam04")


def quiet(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return footage_session.write(tmp_path_factory.mktemp("recorded"))


def packets_of(path: Path) -> list[tuple[int, bytes]]:
    """Time, us, and bytes of each packet of a video, in decoding order."""
    with av.open(str(path), "r") as file:
        (stream,) = file.streams.video
        assert stream.time_base == Fraction(1, 1_000_000)
        return [(one.pts or 0, bytes(one)) for one in file.demux(stream) if one.size]


def pictures_of(path: Path) -> dict[int, np.ndarray]:
    with av.open(str(path), "r") as file:
        return {one.pts or 0: one.to_ndarray(format="bgr24") for one in file.decode(video=0)}


def recorded_packets(folder: Path, camera: str) -> list[Packet]:
    said = [one.message for one in open_session(folder).packets(camera)]
    return [one for one in said if isinstance(one, Packet)]


def test_videos_hold_the_recorded_packets(recorded: Recorded, tmp_path: Path) -> None:
    said = export(recorded[0], tmp_path / "out", Request(targets=("mp4",)), quiet, force=False)
    assert [one["file"] for one in said["files"]["mp4"]] == [f"videos/{n}.mp4" for n in NAMES]
    for camera in NAMES:
        packets = recorded_packets(recorded[0], camera)
        found = packets_of(tmp_path / "out" / "videos" / f"{camera}.mp4")
        assert [raw for _, raw in found] == [one.payload for one in packets]
        times = [round((one.t_ns - footage_session.START_NS) / 1000) for one in packets]
        assert [at for at, _ in found] == times
        assert len(pictures_of(tmp_path / "out" / "videos" / f"{camera}.mp4")) == N_FRAMES
        rows = (tmp_path / "out" / "videos" / f"{camera}.frames.csv").read_text().splitlines()
        assert len(rows) == 1 + N_FRAMES
        assert rows[2].split(",")[3] == str(footage_session.t_ns(1))
    assert said["notes"] == []


def probed(path: Path) -> dict[str, str]:
    """What ffprobe says of the video after it has decoded all of it; what it complains of fails."""
    wanted = "stream=codec_name,nb_frames,nb_read_frames,duration,width,height"
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", wanted, "-of", "json", path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    (stream,) = json.loads(done.stdout)["streams"]
    return stream


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe: Debian's package ffmpeg")
def test_ffprobe_finds_what_was_recorded(recorded: Recorded, tmp_path: Path) -> None:
    export(recorded[0], tmp_path / "out", Request(targets=("mp4",)), quiet, force=False)
    for camera in NAMES:
        path = tmp_path / "out" / "videos" / f"{camera}.mp4"
        found = probed(path)
        print(camera, found)
        with av.open(str(path), "r") as file:
            (stream,) = file.streams.video
            assert found["codec_name"] == stream.codec_context.name
            assert (found["width"], found["height"]) == (stream.width, stream.height)
            assert int(found["nb_frames"]) == stream.frames == N_FRAMES
            assert stream.duration is not None
            seconds = float(stream.duration * Fraction(1, 1_000_000))
        assert int(found["nb_read_frames"]) == len(pictures_of(path)) == N_FRAMES
        assert float(found["duration"]) == pytest.approx(seconds, abs=2e-6)
        assert seconds == pytest.approx(N_FRAMES / RATE_HZ, abs=1e-4)


def test_a_gap_is_told_and_its_frames_keep_their_times(recorded: Recorded, tmp_path: Path) -> None:
    shutil.copytree(recorded[0], tmp_path / "walk")
    path = tmp_path / "walk" / "cam02-001-000.mcap"
    whole = bytearray(path.read_bytes())
    whole[whole.index(recorded_packets(recorded[0], "cam02")[20].payload) + 9] ^= 1
    path.write_bytes(whole)
    said = export(
        tmp_path / "walk", tmp_path / "out", Request(targets=("mp4",)), quiet, force=False
    )
    (first, *_) = [one for one in said["missing"] if one["camera"] == "cam02"]
    assert first["from_s"] <= 20 / RATE_HZ <= first["to_s"]
    found = packets_of(tmp_path / "out" / "videos" / "cam02.mp4")
    assert 15 < len(found) <= 20  # one key frame a video: nothing behind the gap can be decoded
    assert len(packets_of(tmp_path / "out" / "videos" / "cam01.mp4")) == N_FRAMES


def test_keypoints_have_the_numbers_of_their_times(recorded: Recorded, tmp_path: Path) -> None:
    folder, footage = recorded
    request = Request(targets=("pose2sim", "openpose"))
    said = export(folder, tmp_path / "out", request, quiet, force=False)
    assert said["files"]["openpose"]["rate_hz"] == RATE_HZ
    project = open_project(tmp_path / "out" / "pose2sim" / "walk-07")
    assert project.rate_hz == RATE_HZ
    assert list(project.frames) == list(range(N_FRAMES))
    assert project.rig.names == NAMES
    for place, camera in enumerate(NAMES):
        for frame in (0, 17, N_FRAMES - 1):
            (person,) = project.people(camera, frame)
            truth = footage.points_px[place, frame, 0].astype("<f4")
            np.testing.assert_array_equal(person[:, :2], truth)
        videos = tmp_path / "out" / "pose2sim" / "walk-07" / "videos"
        assert len(packets_of(videos / f"{camera}.mp4")) == N_FRAMES


def test_points_and_angles_read_back(recorded: Recorded, tmp_path: Path) -> None:
    folder = recorded[0]
    said = export(folder, tmp_path / "out", Request(targets=("trc", "csv")), quiet, force=False)
    seconds = pytest.approx(3 / RATE_HZ)
    assert [(one["seconds"], one["text"]) for one in said["marks"]] == [(seconds, "heel strike")]
    assert set(said["files"]["trc"]) == {"walk-07_P1.trc", "walk-07_P1.mot"}
    table = trc.parse((tmp_path / "out" / "walk-07_P1.trc").read_text())
    poses = [one.message for one in open_session(folder).messages(["pose3d"])]
    shown = {
        round((one.t_ns - footage_session.START_NS) * RATE_HZ / 1e9): view(
            one.persons[0], "keypoints_m"
        )
        for one in poses
        if isinstance(one, Pose3D) and one.persons
    }
    assert len(table.frames) == len(shown) > N_FRAMES - 5
    for row, frame in enumerate(table.frames.tolist()):
        expected = trc.from_world(shown[frame][HALPE_26.marker_places].astype(float))
        np.testing.assert_array_equal(table.points_m[row], expected)
        assert table.times_s[row] == pytest.approx(frame / RATE_HZ)
    motion = mot.parse((tmp_path / "out" / "walk-07_P1.mot").read_text())
    assert motion.columns == footage_session.COORDINATES
    first = 5  # the first instant that was tracked
    expected = np.rad2deg(np.float32(0.1 + 0.01 * first)), np.float32(0.2 + 0.01 * first)
    assert motion.values[0, 1:] == pytest.approx(expected)
    rows = (tmp_path / "out" / "walk-07_points.csv").read_text().splitlines()
    assert rows[0].startswith("time_s,t_ns,instant,person,Nose_x_m,")
    assert len(rows) == 1 + len(shown)
    rows = (tmp_path / "out" / "walk-07_P1_angles.csv").read_text().splitlines()
    assert rows[0].startswith("time_s,t_ns,status,knee_angle_r_deg,knee_angle_r_sd_deg,")
    assert ",measuring,,0" not in rows[1]


def test_the_foxglove_file_is_indexed_and_its_video_decodes(
    recorded: Recorded, tmp_path: Path
) -> None:
    said = export(recorded[0], tmp_path / "out", Request(targets=("foxglove",)), quiet, force=False)
    with (tmp_path / "out" / "walk-07.foxglove.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.chunk_indexes
        assert summary.statistics.message_count == said["files"]["foxglove"]["messages"]
        topics = {one.topic for one in summary.channels.values()}
        assert topics == {
            "/tf", "/skeletons", "/keypoints", "/angles/1",
            *(f"/{n}/{what}" for n in NAMES for what in ("video", "calibration")),
        }  # fmt: skip
        raw = [one.data for _, _, one in reader.iter_messages(topics=["/cam03/video"])]
    assert len(raw) == N_FRAMES
    starts = [one.index(b"\0\0\0\1") for one in raw]
    decoder = av.CodecContext.create("h264", "r")
    n_pictures = 0
    for one, start in zip(raw, starts, strict=True):
        end = one.rindex(b"h264") - 2  # the last field: format
        n_pictures += len(decoder.decode(av.Packet(one[start:end])))
    assert n_pictures + len(decoder.decode(None)) == N_FRAMES


def test_faces_are_hidden_and_the_rest_is_not(recorded: Recorded, tmp_path: Path) -> None:
    folder, footage = recorded
    request = Request(targets=("mp4",), blur_faces=True, pseudonym="P07")
    said = export(folder, tmp_path / "out", request, quiet, force=False)
    assert said["faces_hidden"]
    assert said["session"] == "P07"
    assert "walk-07" not in (tmp_path / "out" / "export.json").read_text()
    found = pictures_of(tmp_path / "out" / "videos" / "cam01.mp4")
    before = pictures_of(footage.videos[0])
    assert len(found) == len(before) == N_FRAMES
    feet = [HALPE_26.index(name) for name in ("LBigToe", "RHeel")]
    for frame, (old, new) in enumerate(zip(before.values(), found.values(), strict=True)):
        points = footage.points_px[0, frame, 0]
        head = around(points[HALPE_26.index("Nose")], 12)
        assert np.ptp(new[head].reshape(-1, 3), axis=0).max() < 120
        for foot in feet:
            place = around(points[foot], 4)
            apart = np.abs(new[place].astype(int) - old[place].astype(int)).mean()
            assert apart < 20


def around(point: np.ndarray, half: int) -> tuple[slice, slice]:
    x, y = (max(half, int(value)) for value in point)
    return slice(y - half, y + half), slice(x - half, x + half)


def test_where_no_head_was_found_it_is_where_it_was() -> None:
    first, second = Disc(10.0, 10.0, 5.0, 1), Disc(50.0, 10.0, 5.0, 2)
    heads = Heads([0, 10**9], [(first,), (second,)])
    assert list(heads.at(10**8)) == [first, second._replace(radius_px=8.0)]
    assert list(heads.at(10**9)) == [second, first._replace(radius_px=8.0)]
    assert list(heads.at(4 * 10**9)) == []


def test_a_head_without_a_face_is_above_the_shoulders() -> None:
    points = np.full((len(HALPE_26.names), 2), np.nan)
    points[HALPE_26.index("LShoulder")] = 120.0, 200.0
    points[HALPE_26.index("RShoulder")] = 80.0, 200.0
    disc = head_of(footage_session.keypoints("cam01", 0, points).persons[0], HALPE_26)
    assert disc is not None
    assert disc.x_px == 100.0
    assert disc.y_px + disc.radius_px > 200.0 > disc.y_px


def test_a_part_is_exported_from_where_it_begins(recorded: Recorded, tmp_path: Path) -> None:
    trim(recorded[0], tmp_path / "part", Part(from_s=0.5, to_s=1.0), quiet)
    request = Request(targets=("mp4", "trc"))
    export(tmp_path / "part", tmp_path / "out", request, quiet, force=False)
    table = trc.parse((tmp_path / "out" / "part_P1.trc").read_text())
    assert table.times_s[0] == pytest.approx(0.5)
    assert table.times_s[-1] < 1.0


def test_an_export_is_replaced_only_when_forced(recorded: Recorded, tmp_path: Path) -> None:
    request, out = Request(targets=("trc",)), tmp_path / "out"
    export(recorded[0], out, request, quiet, force=False)
    with pytest.raises(ConfigError, match="--force"):
        export(recorded[0], out, request, quiet, force=False)
    export(recorded[0], out, Request(targets=("csv",)), quiet, force=True)
    assert not list(out.glob("*.trc"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no export"):
        export(recorded[0], tmp_path / "mine", request, quiet, force=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine", "out"]


def test_what_cannot_be_exported_says_why(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(recorded[0], tmp_path / "walk")
    for path in (tmp_path / "walk").glob("cam*.mcap"):
        path.unlink()
    with pytest.raises(SessionError, match="no camera packets"):
        export(tmp_path / "walk", tmp_path / "out", Request(targets=("mp4",)), quiet, force=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="uvx") as caught:
        export(recorded[0], tmp_path / "out", Request(targets=("rrd",)), quiet, force=False)
    assert str(caught.value) == NO_RERUN
    outside = Request(targets=("csv",), pseudonym="../P07")
    with pytest.raises(ConfigError, match="pseudonym"):
        export(recorded[0], tmp_path / "out", outside, quiet, force=False)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_and_tells(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(recorded[0], tmp_path / "out", to=("csv",), json=True) == 0
    assert '"csv":["walk-07_points.csv"' in capsys.readouterr().out.splitlines()[-1]
    assert json_of(tmp_path / "out" / "export.json")["zero_ns"] == footage_session.START_NS
    with pytest.raises(ConfigError, match="--to"):
        command(recorded[0], tmp_path / "again")
