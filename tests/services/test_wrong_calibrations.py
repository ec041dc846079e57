"""Wrong inputs to calibration: each has words of its own, which these tests print (``-s``)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import calibration, fusion, synthetic, synthetic_scenes
from core.calibration import board as boards
from core.calibration import exchange
from core.calibration.board import Board
from core.cameras import Rig
from core.cameras import project as projected
from core.config import CameraConfig, FusionConfig, RunConfig
from core.errors import CalibrationError, ConfigError, KineliveError
from services import rig
from services.fusion import QualityWatch
from services.project import open_project
from services.supervisor import Supervisor
from tests.services.trial_project import TRIAL_CONFIG, calibration_of, project_of
from tests.unit.calibration import boards as scenes
from tests.unit.test_watch_time import RIG, walking
from tools.calibrate_convert import convert
from tools.calibrate_refine import refine
from tools.calibrate_report_board import MIRRORED
from tools.process_run import process_folder
from tools.sync import sync

EXCHANGED = r"cam02 and cam03 look exchanged: a camera left out is \d+ px off, and \d px with"
CHARUCO = Board(6, 4, 40.0, "DICT_4X4_50", 30.0)
OFF = ["kinematics.enabled=false"]


def said(error: pytest.ExceptionInfo[KineliveError]) -> str:
    print(f"\n  {error.value}")
    return str(error.value)


def seen(board: Board) -> list[np.ndarray]:
    return [scenes.picture(board, *pose) for pose in scenes.poses(4, board, seed=3)]


def test_a_board_of_another_size():
    pictures, asked = seen(Board(5, 7, 60.0)), Board(4, 7, 60.0)
    for check in (
        lambda: boards.require_whole(pictures[0], asked),
        lambda: boards.require_no_other(pictures, asked),
    ):
        with pytest.raises(CalibrationError, match="5x7 inner corners, not 4x7; count") as error:
            check()
        said(error)


def test_a_mirrored_board():
    mirrored = np.ascontiguousarray(seen(CHARUCO)[0][:, ::-1])
    with pytest.raises(CalibrationError, match="mirrored; switch that off") as error:
        boards.require_not_mirrored(mirrored, CHARUCO)
    said(error)
    plain = Board(4, 7, 60.0)
    flipped = np.ascontiguousarray(seen(plain)[0][:, ::-1])
    assert boards.find(flipped, plain, "one") is not None  # nothing tells
    assert "cannot be told from a plain checkerboard" in MIRRORED
    print(f"\n  {MIRRORED}")


def test_metres_for_millimetres_and_the_other_way_round(tmp_path):
    with pytest.raises(ConfigError, match=r"the side of a square in mm.*0.06 m are 60 mm") as error:
        boards.board_of("4x7", 0.06)
    said(error)
    turned = RIG.cam_from_world * [1.0, 1.0, 1.0, 1000.0]
    path = tmp_path / "Calib.toml"
    path.write_text(calibration_of(replace(RIG, cam_from_world=turned)))
    run = RunConfig(cameras=(CameraConfig(name="cam01"),), calibration=str(path))
    for read in (
        lambda: calibration.parse(path.name, path.read_text()),
        lambda: rig.rig_of(run),
        lambda: convert(path, tmp_path / "out.toml"),
    ):
        with pytest.raises(CalibrationError, match=r"m apart.*millimetres.*--unit mm") as error:
            read()
        said(error)
    assert convert(path, tmp_path / "out.toml", unit="mm") == 0
    assert list(calibration.parse("out.toml", (tmp_path / "out.toml").read_text())) == [*RIG.names]


def project(folder: Path, calibrated: Rig) -> Path:
    config = TRIAL_CONFIG.replace("BODY_25B", "HALPE_26").replace("60", "30")
    return project_of(folder, calibrated, walking(3), config)


def test_files_of_two_cameras_exchanged(tmp_path):
    wrong = project(tmp_path / "wrong", exchange.exchanged(RIG, 1, 2))
    with pytest.raises(CalibrationError, match=EXCHANGED) as error:
        refine(wrong, tmp_path / "Calib.toml")
    said(error)
    assert not (tmp_path / "Calib.toml").exists()
    notes = process_folder(wrong, tmp_path / "out", OFF)["notes"]
    told = [one for one in notes if "look exchanged" in one]
    assert len(told) == 1
    print(f"\n  {told[0]}")
    right = process_folder(project(tmp_path / "right", RIG), tmp_path / "right-out", OFF)
    assert not any("exchanged" in one for one in right["notes"])


@pytest.mark.parametrize("is_wrong", [True, False])
def test_two_cameras_exchanged_live(is_wrong):
    calibrated, config = exchange.exchanged(RIG, 1, 2) if is_wrong else RIG, FusionConfig()
    state, watch, words = fusion.FusionState(), QualityWatch(calibrated, config), []
    for message in walking(7):
        watch.remember(message)
        state, poses = fusion.step(state, message, calibrated, config)
        words += [word for pose in poses if (word := watch.look(pose, calibrated)) is not None]
    told = {one.camera: one.says for one in words[-1].cameras if "exchanged" in one.says}
    assert set(told) == ({"cam02", "cam03"} if is_wrong else set())
    print(*told.values(), sep="\n  ")


def test_a_knocked_camera_is_not_taken_for_an_exchange():
    knocked = synthetic_scenes.miscalibrated(RIG, 4.0, 0.1, seed=1)
    points_px = projected(RIG, synthetic.walk_m(50)).reshape(len(RIG.names), -1, 2)
    sure = np.where(np.isfinite(points_px).all(axis=-1), 0.9, 0.0)
    assert exchange.find(knocked, points_px, sure, 0.3, 1920) is None


def test_one_camera_without_a_calibration(tmp_path):
    three = Rig.of(list(calibration.parse("c.toml", calibration_of(RIG)).values())[:3])
    path = project(tmp_path / "project", RIG)
    (path / "calibration" / "Calib.toml").write_text(calibration_of(three))
    for run_it in (
        lambda: process_folder(path, tmp_path / "out"),
        lambda: refine(path, tmp_path / "Calib.toml"),
        lambda: sync(path, method="epipolar"),
    ):
        with pytest.raises(CalibrationError, match="no calibration of cam04: calibrate") as error:
            run_it()
        said(error)
    cameras = tuple(CameraConfig(name=name) for name in RIG.names)
    run = RunConfig(cameras=cameras, calibration=str(path / "calibration" / "Calib.toml"))
    with pytest.raises(CalibrationError, match="no calibration for cam04; it has cam01") as error:
        Supervisor(run).__enter__()
    said(error)
    with pytest.raises(CalibrationError):
        open_project(path)
