"""``kinelive calibrate convert`` as a user types it."""

import json

import numpy as np
import pytest

from core.cameras import Rig, project
from services import calibration_files, models
from tests.command import kinelive


def test_the_demos_calibration_goes_round(tmp_path):
    source = models.ensure("demo")["Calib.qca.txt"]
    before = Rig.of(list(calibration_files.read(source).values()))
    points_m = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], (20, 3))
    last = source
    for target in ("Calib.toml", "opencv", "easymocap", "opencap", "Calib.qca.txt"):
        kind = () if "." in target else ("--to", target)
        done = kinelive("calibrate", "convert", str(last), str(tmp_path / target), *kind, "--json")
        assert done.returncode == 0, done.stderr
        assert list(json.loads(done.stdout)["cameras"]) == ["cam01", "cam02", "cam03", "cam04"]
        last = tmp_path / target
        after = Rig.of(list(calibration_files.read(last).values()))
        np.testing.assert_allclose(project(after, points_m), project(before, points_m), atol=1e-6)


def test_the_report_shows_the_cameras_in_the_room(tmp_path):
    source = models.ensure("demo")["Calib.qca.txt"]
    page = tmp_path / "page.html"
    out = (str(source), str(tmp_path / "Calib.toml"))
    done = kinelive("calibrate", "convert", *out, "--report", str(page), "--json")
    assert done.returncode == 0, done.stderr
    assert "whether they are right was not measured" in page.read_text()
    wrong = kinelive("calibrate", "convert", *out, "--report", str(tmp_path / "page.pdf"))
    assert wrong.returncode == 2
    assert "a name.html, or a folder for calibration.html" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.toml", "out.toml"), "nowhere.toml: cannot be read"),
        (("README.md", "out.toml"), "unknown format; these are read: Pose2Sim"),
        (("README.md", "out"), "say with --to"),
    ],
)
def test_mistakes_are_explained(arguments, says):
    done = kinelive("calibrate", "convert", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
