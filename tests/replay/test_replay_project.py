"""A Pose2Sim project that holds videos only: through the live chain, and what each command says."""

import json
import shutil
from pathlib import Path

import pytest

from services import models
from services.project_run import project_run
from tests.command import kinelive

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """The published walk as it was published, without keypoints."""
    folder = tmp_path_factory.mktemp("project") / "walk"
    (folder / "calibration").mkdir(parents=True)
    (folder / "videos").mkdir()
    files = models.ensure("demo")
    shutil.copy(files["Config.toml"], folder)
    shutil.copy(files["Calib.qca.txt"], folder / "calibration")
    for number in range(1, 5):
        shutil.copy(files[f"cam0{number}.mp4"], folder / "videos")
    return folder


def test_videos_are_cameras(videos):
    run = project_run(videos, paced=True)
    assert [one.name for one in run.cameras] == ["cam01", "cam02", "cam03", "cam04"]
    assert not any(one.loop or one.lossless for one in run.cameras)
    assert Path(run.calibration).name == "Calib.qca.txt"
    assert all(one.lossless for one in project_run(videos, paced=False).cameras)


def test_inspect_shows_what_there_is(videos):
    done = kinelive("inspect", str(videos), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["videos"] == dict.fromkeys(
        ("cam01.mp4", "cam02.mp4", "cam03.mp4", "cam04.mp4"), pytest.approx(60, abs=0.1)
    )
    assert "no 2D keypoints" in done.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [("process", ("--out", "x")), ("import", ("--out", "x")), ("verify", ())],
)
def test_what_cannot_be_done_says_what_can(videos, command, options):
    done = kinelive(command, str(videos), *options)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert f"`kinelive replay {videos} --out SESSION`" in done.stderr


@pytest.mark.slow
def test_videos_are_replayed_verified_and_processed(videos, tmp_path):
    session, out = str(tmp_path / "session"), str(tmp_path / "out")
    done = kinelive(
        "replay", str(videos), "--speed", "max", "--headless", "--port", "0", "--out", session,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    replayed = json.loads(done.stdout.splitlines()[-1])
    print({name: replayed[name] for name in ("frames_in", "fused", "persons", "drops")})
    assert (replayed["frames_in"], replayed["fused"], replayed["drops"]) == (400, 100, {})
    assert json.loads(kinelive("verify", session, "--json").stdout)["identical"] is True
    done = kinelive("process", session, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    print(summary["quality"]["held_out_camera_px"], summary["notes"])
    assert [one["frames"] for one in summary["persons"]] == [100]
    assert summary["quality"]["held_out_camera_px"]["median"] < 30
