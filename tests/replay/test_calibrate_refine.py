"""``kinelive calibrate refine`` on the published balancing trial, as a user types it."""

import json

import numpy as np
import pytest

from core import segments
from core.calibration import people, scratch
from core.cameras import select
from services import calibration_files, recordings
from tests.command import kinelive
from tests.services.trial_project import everybody, trial


def run(source, out, *options):
    done = kinelive("calibrate", "refine", str(source), "--out", str(out), "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return trial(tmp_path_factory.mktemp("refine") / "trial")


def height_m(source, calibration) -> float:
    loaded = recordings.load(source).recording
    rig = select(calibration_files.read(calibration), loaded.rig.names, "")
    views = people.views_of(loaded)
    return segments.height_m(
        scratch.triangulated(rig, views.points_px, views.likelihood), loaded.skeleton
    )


def test_the_trials_cameras_agree_better_where_they_were_not_fitted(project, tmp_path):
    page = tmp_path / "page.html"
    said = run(project, tmp_path / "Calib.toml", "--report", str(page))
    assert "Better than before" in page.read_text()
    held_out = said["held_out_camera_px"]
    assert 20 < held_out["before"]["all"] < 26
    assert held_out["after"]["all"] < 14
    assert all(held_out["after"][name] < held_out["before"][name] for name in held_out["before"])
    assert (said["fitted_instants"], said["scored_instants"]) == (50, 50)
    assert max(said["shift_m"].values()) < 0.1
    assert max(said["shift_deg"].values()) < 1.5
    before = height_m(project, project / "calibration" / "Calib_qca.toml")
    assert height_m(project, tmp_path / "Calib.toml") == pytest.approx(before, rel=0.015)


def test_refined_again_there_is_nothing_to_gain(project, tmp_path):
    once = run(project, tmp_path / "once.toml")["held_out_camera_px"]["after"]["all"]
    there = trial(tmp_path / "again")
    (there / "calibration" / "Calib_qca.toml").unlink()
    (tmp_path / "once.toml").rename(there / "calibration" / "Calib.toml")
    out = tmp_path / "twice.toml"
    done = kinelive("calibrate", "refine", str(there), "--out", str(out), "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (0 if said["accepted"] else 1)
    assert said["held_out_camera_px"]["before"]["all"] == pytest.approx(once)
    assert said["held_out_camera_px"]["after"]["all"] == pytest.approx(once, rel=0.01)
    assert out.exists() == said["accepted"]


def test_from_nothing_with_a_height(project, tmp_path):
    out = tmp_path / "Calib.toml"
    said = run(
        project, out, "--initial", "none", "--scale", "height=1.75", "--report", str(tmp_path)
    )
    assert "Cameras from nothing" in (tmp_path / "calibration.html").read_text()
    assert said["held_out_camera_px"]["before"] is None
    assert said["held_out_camera_px"]["after"]["all"] < 14
    assert height_m(project, out) == pytest.approx(1.75, rel=0.005)
    rig = select(calibration_files.read(out), ("cam01", "cam02", "cam03", "cam04"), "")
    assert np.isfinite(rig.image_from_world).all()


def test_a_session_and_several_people(tmp_path):
    source = everybody(tmp_path / "everybody")
    session = tmp_path / "session"
    assert kinelive("import", str(source), "--out", str(session)).returncode == 0
    said = run(session, tmp_path / "Calib.toml")
    assert said["held_out_camera_px"]["after"]["all"] < said["held_out_camera_px"]["before"]["all"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--scale", "height=175"), "a height in metres"),
        (("--initial", "none"), "from nothing the size is not known"),
        (("--scale", "baseline=cam01-cam09=2"), "two of cam01"),
    ],
)
def test_mistakes_are_explained(project, tmp_path, options, says):
    out = tmp_path / "Calib.toml"
    done = kinelive("calibrate", "refine", str(project), "--out", str(out), *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert not out.exists()
