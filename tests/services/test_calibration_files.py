"""A run's calibration and a project's folder: all that ``kinelive calibrate convert`` reads."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core import calibration, synthetic
from core.cameras import Rig, project
from core.config import CameraConfig, RunConfig
from core.errors import CalibrationError, SessionError
from services import calibration_files, rig
from services.project import open_project
from services.session_life import describe
from services.trials import _files
from tests.services.calibration_reports import models_of
from tests.services.trial_project import trial

KINDS = ("opencv", "easymocap", "opencap", "biocv")
MODELS = models_of(synthetic.ring(4))
NAMES = tuple(one.name for one in MODELS)
POINTS_M = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], (20, 3))


def put(folder: Path, kind: str) -> Path:
    """The ring's cameras in a folder as others keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind != "biocv":
        calibration_files.write(folder, MODELS, kind)
        return folder
    for one in MODELS:
        pose = one.cam_from_world * [1.0, 1.0, 1.0, 1000.0]
        rows = [[one.width_px, one.height_px], *one.image_from_cam, *pose, one.distortion]
        text = "\n".join(" ".join(map(repr, map(float, row))) for row in rows)
        (folder / f"{one.name}.calib").write_text(text)
    return folder


def is_the_ring(found: Rig) -> bool:
    return np.allclose(project(found, POINTS_M), project(Rig.of(MODELS), POINTS_M), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_starts_from_a_folder_and_its_session_says_the_same(tmp_path, kind):
    folder = put(tmp_path / kind, kind)
    cameras = tuple(CameraConfig(name=name) for name in NAMES)
    run = RunConfig(cameras=cameras, calibration=str(folder))
    assert is_the_ring(rig.rig_of(run))
    assert [one.name for one in rig.camera_poses(run)] == list(NAMES)
    manifest = describe(run, "id", folder, 0, 0)
    assert manifest.calibration_name == f"{kind}.toml"
    again = calibration.parse(manifest.calibration_name, manifest.calibration_text)
    assert is_the_ring(Rig.of([again[name] for name in NAMES]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_project_has_it_in_its_folder(tmp_path, kind):
    path = trial(tmp_path / "trial")
    shutil.rmtree(path / "calibration")
    put(path / "calibration", kind)
    (path / "calibration" / "intrinsics" / "int_cam01_img").mkdir(parents=True)
    (path / "calibration" / "intrinsics" / "int_cam01_img" / "a.jpg").write_bytes(b"photo")
    opened = open_project(path)
    assert opened.calibration == path / "calibration"
    assert is_the_ring(opened.rig)
    assert len([one for one in _files(path) if one.is_relative_to(path / "calibration")]) == (
        2 if kind == "easymocap" else 4
    )


def test_a_file_of_text_stays_as_it_is(tmp_path):
    path = tmp_path / "Calib.toml"
    calibration_files.write(path, MODELS, "pose2sim")
    assert calibration_files.as_text(path) == ("Calib.toml", path.read_text())
    pickled = put(tmp_path / "opencap", "opencap") / "cam01" / "cameraIntrinsicsExtrinsics.pickle"
    name, text = calibration_files.as_text(pickled)
    assert list(calibration.parse(name, text)) == ["cameraIntrinsicsExtrinsics"]


def test_a_folder_without_a_calibration_lists_what_is_read(tmp_path):
    run = RunConfig(cameras=(CameraConfig(name="cam01"),), calibration=str(tmp_path))
    with pytest.raises(CalibrationError, match=r"unknown format.*bioCV \.calib"):
        rig.rig_of(run)
    with pytest.raises(SessionError, match="cannot be recorded"):
        describe(run, "id", tmp_path / "nowhere.toml", 0, 0)
