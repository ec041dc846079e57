"""Worlds as they are asked for on the command line."""

import numpy as np
import pytest

from core import synthetic
from core import synthetic_boards as scenes
from core.calibration import outcome, place, pose2sim
from core.calibration.board import Board
from core.calibration.checks import centre_m
from core.errors import CalibrationError, ConfigError, KineliveError
from services import calibration_world
from services.calibration_world import Asked
from tests.services.trial_project import project_of

BOARD = Board(6, 9, 80.0)
RIG = synthetic.ring(4)


@pytest.fixture(scope="module")
def fitted():
    poses = np.concatenate([scenes.lying()[None], scenes.shown(BOARD, 80)])
    sights = scenes.sights(RIG, BOARD, poses, noise_px=0.0)
    return outcome.with_boards(np.eye(3, 4)[None])(sights, RIG)


def put(asked, fitted):
    calibration_world.require_sensible(asked)
    return calibration_world.frame(asked, fitted).frame.put(fitted.scene.rig)


@pytest.mark.parametrize("view", ["000", "0", "000.png"])
def test_a_view_on_the_floor_by_any_of_its_names(fitted, view):
    there = put(Asked(floor_view=view), fitted)
    assert place.moved_m(RIG, there).max() < 1e-5


def test_the_first_camera_and_up(fitted):
    placed = calibration_world.frame(Asked(), fitted)
    assert "taken as level" in placed.warning
    up = ",".join(str(value) for value in RIG.cam_from_world[1, :, 2])
    for world in ("", "first-camera"):
        there = put(Asked(world=world, up=f"cam02={up}"), fitted)
        heights_m = [centre_m(one.cam_from_world)[:, 2] for one in (RIG, there)]
        np.testing.assert_allclose(heights_m[1], heights_m[0] - heights_m[0][0], atol=1e-5)


def test_where_the_cameras_were(fitted, tmp_path):
    path = tmp_path / "Calib.toml"
    path.write_text(pose2sim.write(synthetic.models(RIG)[:3]))
    assert place.moved_m(RIG, put(Asked(world=f"keep={path}"), fitted)).max() < 1e-5
    path.write_text(pose2sim.write(synthetic.models(RIG)[:1]))
    with pytest.raises(CalibrationError, match="two at least of cam01, cam02"):
        put(Asked(world=f"keep={path}"), fitted)


def test_a_distance_gives_a_ball_its_size(fitted):
    there = put(Asked(scale="baseline=cam01-cam03=2.5", has_boards=False, is_sized=False), fitted)
    places_m = centre_m(there.cam_from_world)
    assert np.linalg.norm(places_m[0] - places_m[2]) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked(world="floor"), "--world floor: board, first-camera, points, keep="),
        (Asked(world="keep"), "--world keep"),
        (Asked(world="board", has_boards=False), "need a board that lies on the floor"),
        (Asked(world="points", floor_view="1"), "leave one of them out"),
        (Asked(world="board", up="cam01=0,-1,0"), "--up goes with"),
        (Asked(up="0,-1,0"), "CAMERA=X,Y,Z"),
        (Asked(up="cam01=0,0,0"), "CAMERA=X,Y,Z"),
        (Asked(up="cam09=0,-1,0"), "no camera cam09"),
        (Asked(scale="baseline=a-b=2"), "have a size of their own"),
        (Asked(scale="height=1.8", is_sized=False), "of a ball baseline"),
        (Asked(is_sized=False), "a single ball tells no size"),
        (Asked(world="board"), r"--floor-view \(not given\): the view in which"),
        (Asked(floor_view="999"), "--floor-view 999: the view in which"),
        (Asked(world="points"), "no measured points are given"),
    ],
)
def test_what_cannot_be_honoured(fitted, asked, says):
    with pytest.raises(ConfigError, match=says):
        put(asked, fitted)


def test_under_a_person_who_stands(fitted, tmp_path):
    standing_m = np.repeat(synthetic.standing_m()[None], 40, axis=0)
    messages = synthetic.seen(RIG, standing_m, noise_px=1.0)
    config = '[project]\nframe_rate = 60\n[pose]\npose_model = "HALPE_26"\n'
    project = project_of(tmp_path / "walk", RIG, messages, config)
    there = put(Asked(world=f"person={project}"), fitted)
    same = place.put_like(there, RIG, scaled=False)
    assert place.moved_m(RIG, same).max() < 1e-4
    heights_m = [centre_m(one.cam_from_world)[:, 2] for one in (RIG, there)]
    np.testing.assert_allclose(heights_m[1], heights_m[0], atol=0.03)


def test_nobody_to_stand_there(fitted, tmp_path):
    with pytest.raises(KineliveError):
        put(Asked(world=f"person={tmp_path}"), fitted)
