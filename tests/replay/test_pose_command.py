"""``kinelive pose`` on the first pictures of the published walk, as a user types it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from capture.whole_video import open_whole, pictures
from core import openpose
from core.config import PoseConfig
from core.messages import view
from services import models
from services.following import Follower, View
from services.pose_backends import open_backend
from services.project import open_project
from tests.command import ROOT, kinelive
from tests.services.synthetic_run import until

pytestmark = pytest.mark.timeout(240)
N_PICTURES = 6
CAMERAS = ("cam01", "cam03")


def beginning(source: Path, target: Path, n_packets: int) -> None:
    """The first packets of a video, as they are."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(whole.streams.video[0])):
            if number == n_packets:
                break
            packet.stream = stream
            part.mux(packet)


def project_in(folder: Path, n_packets: int) -> Path:
    files = models.ensure("demo")
    for name in ("videos", "calibration"):
        (folder / name).mkdir(parents=True)
    shutil.copy(files["Config.toml"], folder)
    shutil.copy(files["Calib.qca.txt"], folder / "calibration")
    for camera in CAMERAS:
        beginning(files[f"{camera}.mp4"], folder / "videos" / f"{camera}.mp4", n_packets)
    return folder


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Path:
    models.ensure("blazepose")
    return project_in(tmp_path_factory.mktemp("pose") / "walk", N_PICTURES)


@pytest.fixture(scope="module")
def done(walk) -> subprocess.CompletedProcess[str]:
    """Of a project's folder, both of its videos at the same time, drawn too."""
    overlay = str(walk / "drawn")
    return kinelive("pose", str(walk), "--jobs", "2", "--overlay", overlay, "--json")


def test_what_it_says(walk, done):
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["model"] == "blazepose_full"
    by_name = {Path(one["video"]).stem: one for one in said["videos"]}
    assert by_name.keys() == set(CAMERAS)
    for camera, one in by_name.items():
        assert one["folder"] == str(walk / "pose" / f"{camera}_json")
        assert one["overlay"] == str(walk / "drawn" / f"{camera}_pose.mp4")
        assert one["pictures"] == one["with_people"] == N_PICTURES
        assert one["people"] >= 1
        assert (one["error"], one["damaged"]) == (None, 0)
        assert one["fps"] > 0


def test_a_project_is_read_back_with_the_same_numbers(walk, done):
    project = open_project(walk)
    assert project.rig.names == CAMERAS
    assert project.config.skeleton.name == "HALPE_26"
    assert project.frames == range(N_PICTURES)
    messages = {(one.camera, one.frame): one for one in project.messages()}
    config = PoseConfig()
    follower = Follower(open_backend(config), config, ("cam03",), {})
    for one in pictures(open_whole(walk / "videos" / "cam03.mp4")):
        (people,) = follower.follow([View("cam03", one.t_ns, one.pixels)], None)
        read = messages["cam03", one.number].persons
        assert len(read) == len(people) >= 1
        for person, (_, found) in zip(read, people, strict=True):
            known = found.confidence > 0
            expected = np.where(known[:, None], found.points_px - 0.5, np.nan)
            np.testing.assert_array_equal(view(person, "keypoints_px"), expected.astype("<f4"))
            np.testing.assert_array_equal(view(person, "confidence"), found.confidence.astype("f4"))
    assert project.unreadable == []


def test_the_person_stands_where_she_is(walk, done):
    (person, *_) = openpose.parse((walk / "pose" / "cam01_json" / "cam01_000000.json").read_bytes())
    assert person.shape == (26, 3)
    with av.open(str(walk / "videos" / "cam01.mp4")) as video:
        width, height = (video.streams.video[0].width, video.streams.video[0].height)
    sure = person[person[:, 2] > 0.5, :2]
    assert len(sure) > 15
    assert ((sure > 0) & (sure < [width, height])).all()
    assert np.ptp(sure[:, 1]) > 0.2 * height


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_overlay_is_decoded_again(walk, done, camera):
    with (
        av.open(str(walk / "videos" / f"{camera}.mp4")) as plain,
        av.open(str(walk / "drawn" / f"{camera}_pose.mp4")) as drawn,
    ):
        assert drawn.streams.video[0].codec_context.pix_fmt == "yuv420p"
        pairs = list(zip(plain.decode(video=0), drawn.decode(video=0), strict=True))
    assert len(pairs) == N_PICTURES
    for a, b in pairs:
        assert a.time == b.time
        assert (b.width, b.height) == (a.width + a.width % 2, a.height + a.height % 2)
        before, after = (one.to_ndarray(format="bgr24").astype(int) for one in (a, b))
        changed = np.abs(after[: a.height, : a.width] - before).max(axis=-1) > 60
        assert 0.0005 < changed.mean() < 0.1


def test_nothing_is_written_over_unless_asked(walk, done):
    before = (walk / "pose" / "cam01_json").stat().st_mtime_ns
    video = str(walk / "videos" / "cam01.mp4")
    again = kinelive("pose", video)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert (walk / "pose" / "cam01_json").stat().st_mtime_ns == before
    again = kinelive("pose", video, "--overwrite")
    assert again.returncode == 0, again.stderr
    assert f"{N_PICTURES} pictures" in again.stdout
    assert "fps on " in again.stdout
    assert (walk / "pose" / "cam01_json").stat().st_mtime_ns != before
    assert sorted(one.name for one in (walk / "pose").iterdir()) == ["cam01_json", "cam03_json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.mp4",), "no such video"),
        (("{videos}/cam01.mp4", "{videos}/cam01.mp4", "--out", "x"), "two videos"),
        (
            ("{videos}/cam01.mp4", "{videos}/cam03.mp4", "--out", "x", "--overlay", "x.mp4"),
            "folder",
        ),
        (("{videos}/cam01.mp4", "--out", "x", "--max-people", "0"), "max_people"),
        (("{videos}/cam01.mp4", "--out", "x", "--model", "best"), "blazepose_heavy"),
        (("{videos}/cam01.mp4", "--out", "x", "--model", "custom"), "of a run"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(walk, arguments, said):
    done = kinelive("pose", *(one.format(videos=walk / "videos") for one in arguments))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_of_two_videos_one_is_broken(walk, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    video = str(walk / "videos" / "cam01.mp4")
    done = kinelive("pose", str(tmp_path / "text.mp4"), video, "--out", str(tmp_path / "pose"))
    assert done.returncode == 2
    assert "text.mp4: cannot be opened as video" in done.stderr
    assert [one.name for one in (tmp_path / "pose").iterdir()] == ["cam01_json"]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_no_half_folder(tmp_path, jobs):
    folder = project_in(tmp_path / "walk", 100)
    command = [sys.executable, "-m", "tools.cli", "pose", str(folder), "--jobs", jobs]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        until(lambda: any((folder / "pose").glob(".cam0*/*.json")), 120.0)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert not any((folder / "pose").glob(".*"))
    for left in (folder / "pose").glob("*"):  # done before the signal came
        assert len(list(left.iterdir())) == 100
