"""Cameras from boards, measured points and wands: the truth, and within what is claimed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core import synthetic
from core import synthetic_boards as scenes
from core.calibration import extrinsics, outcome, place, world
from core.calibration.board import Board
from core.calibration.point_files import SCENE
from core.calibration.sights import Sight
from core.cameras import Rig, project
from core.errors import CalibrationError

BOARD = Board(6, 9, 80.0)
SMALL = Board(4, 7, 60.0)
PLAIN = outcome.with_boards(np.eye(3, 4)[None])
STILL = "the board"


def models_of(rig):
    return {one.name: one for one in synthetic.models(rig)}


def judged(sights, rig, solve=PLAIN, frame=None, lenses=None):
    fitted = solve(sights, lenses or rig)
    there = frame(fitted) if frame else world.like(rig, sized=solve is outcome.with_balls)
    return fitted, outcome.outcome(fitted, there, models_of(lenses or rig), (), solve)


def off(done, rig):
    """Worst camera: mm and degrees."""
    there = Rig.of(done.models)
    return 1e3 * place.moved_m(rig, there).max(), place.turned_deg(rig, there).max()


def say(what, done, rig, **more):
    mm, deg = off(done, rig)
    sd_mm = max(np.linalg.norm(one.known.position_sd_mm) for one in done.cameras.values())
    sd_deg = max(np.linalg.norm(one.known.orientation_sd_deg) for one in done.cameras.values())
    extra = "".join(f", {name} {value}" for name, value in more.items())
    print(f"{what}: worst camera {mm:.2f} mm {deg:.4f} deg, claimed {sd_mm:.2f} mm "
          f"{sd_deg:.4f} deg, rms {done.rms_px:.3f} px{extra}")  # fmt: skip
    return mm, deg


def late(board, poses, sd_m, seed=1):
    there = poses.copy()
    there[:, :, 3] += np.random.default_rng(seed).normal(0, sd_m, (len(poses), 3))
    return there


@pytest.mark.parametrize(("n_cameras", "n_shown"), [(4, 200), (5, 200), (6, 140), (8, 140)])
def test_a_board_that_is_carried_about(n_cameras, n_shown):
    rig = synthetic.ring(n_cameras)
    sights = scenes.sights(rig, BOARD, scenes.shown(BOARD, n_shown, seed=n_cameras))
    fitted, done = judged(sights, rig)
    mm, deg = say(f"{n_cameras} cameras, board shown {n_shown} times", done, rig,
                  common=done.n_bodies, sights=len(fitted.used))  # fmt: skip
    assert done.is_good
    assert done.verdict.warnings == ()
    assert mm < 1.0
    assert deg < 0.02
    assert done.rms_px == pytest.approx(0.2 * np.sqrt(2), rel=0.05)


def test_a_small_board_and_few_views():
    """The figures of what is too little are told, and the claim covers them."""
    rig = synthetic.ring(4)
    _, done = judged(scenes.sights(rig, SMALL, scenes.shown(SMALL, 60)), rig)
    mm, deg = say("4 cameras, 4x7 of 60 mm shown 60 times", done, rig, common=done.n_bodies)
    assert 0.5 < mm < 5
    assert deg < 0.1


@pytest.mark.parametrize("world_is", ["the board", "one camera", "all cameras"])
def test_the_truth_is_within_what_is_claimed(world_is):
    rig = synthetic.ring(5)
    squares = []
    for seed in range(12):
        poses = np.concatenate([scenes.lying()[None], scenes.shown(BOARD, 40, seed)])
        fitted = PLAIN(scenes.sights(rig, BOARD, poses, seed=seed), rig)
        frame = {
            "the board": lambda f: world.on_body(f, "000", lying=True),
            "one camera": lambda _: world.on_camera("cam01"),
            "all cameras": lambda _: world.like(rig, sized=False),
        }[world_is](fitted)
        true = rig if world_is == "the board" else frame.put(rig)
        steps, known = world.steps(frame.put(fitted.scene.rig), true), world.known(fitted, frame)
        for step, one in list(zip(steps, known.values(), strict=True))[1:]:
            squares.append(step @ np.linalg.solve(one.covariance, step) / 6)
    print(f"{world_is}: squared error over claimed variance, mean {np.mean(squares):.2f}")
    assert 0.7 < np.mean(squares) < 1.35


@pytest.mark.parametrize("board", [BOARD, SMALL], ids=["6x9 of 80 mm", "4x7 of 60 mm"])
def test_one_board_that_lies_still(board):
    rig = synthetic.ring(4, 3.0)
    seen = scenes.sights(rig, board, scenes.lying()[None])
    sights = [replace(one, body=STILL) for one in seen]
    _, done = judged(sights, rig, frame=lambda f: world.on_body(f, STILL, lying=True))
    mm, deg = say(f"static {board} of {board.square_mm:g} mm at 3 m", done, rig)
    assert done.is_good
    claimed = max(np.linalg.norm(one.known.position_sd_mm) for one in done.cameras.values())
    assert mm < 3 * claimed < 60
    assert deg < 0.5


def measured(rig, n=12, noise_px=0.5, seed=1):
    rng = np.random.default_rng(seed)
    points_m = rng.uniform([-1.5, -1.5, 0], [1.5, 1.5, 1.5], (n, 3))
    pixels = project(rig, points_m) + rng.normal(0, noise_px, (len(rig.names), n, 2))
    return [
        Sight(name, SCENE, f"p{number}", points_m[[number]], pixels[camera, [number]])
        for camera, name in enumerate(rig.names)
        for number in range(n)
    ]


def on_scene(fitted):
    return world.on_body(fitted, SCENE, lying=False)


def test_measured_points():
    rig = synthetic.ring(4)
    sights = measured(rig)
    sights[5] = replace(sights[5], seen_px=sights[5].seen_px + 40)
    fitted, done = judged(sights, rig, frame=on_scene)
    mm, deg = say("12 measured points, 0.5 px", done, rig)
    assert [one.sight.picture for one in fitted.judged if not one.used] == ["p5"]
    assert mm < 8
    assert deg < 0.12
    board = scenes.sights(rig, BOARD, scenes.shown(BOARD, 120))
    _, both = judged([*measured(rig), *board], rig, frame=on_scene)
    mm, _ = say("12 measured points and a board", both, rig)
    assert mm < 3 * max(np.linalg.norm(one.known.position_sd_mm) for one in both.cameras.values())
    assert np.linalg.norm(both.cameras["cam01"].known.orientation_sd_deg) < 0.5 * np.linalg.norm(
        done.cameras["cam01"].known.orientation_sd_deg
    )


def waved(rig, places_m, n=300, noise_px=0.2, seed=0):
    rng = np.random.default_rng(seed)
    local_m = np.column_stack([places_m, np.zeros((len(places_m), 2))])
    out = []
    for number in range(n):
        turn = Rotation.from_rotvec(rng.uniform(-2, 2, 3)).as_matrix()
        points_m = local_m @ turn.T + rng.uniform([-1, -1, 0.3], [1, 1, 1.8])
        for camera, pixels in zip(rig.names, project(rig, points_m), strict=True):
            if ((pixels > 0) & (pixels < [1920, 1080])).all():
                seen_px = pixels + rng.normal(0, noise_px, pixels.shape)
                out.append(Sight(camera, f"{number}", f"{number}", local_m, seen_px))
    return out


@pytest.mark.parametrize(
    ("n_cameras", "places_mm"), [(4, [0, 200, 500]), (8, [0, 200, 500]), (4, [0, 400]), (4, [0])]
)
def test_a_wand_or_a_ball(n_cameras, places_mm):
    rig = synthetic.ring(n_cameras)
    sights = waved(rig, 1e-3 * np.array(places_mm, dtype=float))
    solve = outcome.with_balls
    frame = world.like(rig, sized=len(places_mm) == 1)
    _, done = judged(sights, rig, solve, frame=lambda _: frame)
    mm, deg = say(f"{n_cameras} cameras, balls at {places_mm} mm", done, rig)
    assert done.is_good
    assert done.verdict.warnings == ()
    assert mm < 1.5
    assert deg < 0.02


@pytest.mark.parametrize("board", [Board(6, 8, 80.0), Board(6, 6, 80.0)], ids=str)
def test_boards_that_look_the_same_when_turned(board):
    rig = synthetic.ring(4)
    rng = np.random.default_rng(0)
    sights = []
    for one in scenes.sights(rig, board, scenes.shown(board, 120)):
        grid = one.seen_px.reshape(board.rows, board.columns, 2)
        turned = np.rot90(grid, int(rng.choice(board.turns))).reshape(-1, 2)
        sights.append(replace(one, seen_px=turned.copy()))
    _, done = judged(sights, rig, outcome.with_boards(board.quarter_turns))
    assert done.is_good
    assert off(done, rig)[0] < 2.0


def test_cameras_that_are_not_connected():
    rig = synthetic.ring(4)
    sights = scenes.sights(rig, BOARD, scenes.shown(BOARD, 80))
    apart = [
        replace(one, body=one.body + ("a" if one.camera in ("cam01", "cam02") else "b"))
        for one in sights
    ]
    with pytest.raises(CalibrationError, match=r"cam01 with cam02; cam03 with cam04.*Show the boa"):
        PLAIN(apart, rig)


def test_views_that_are_wrong_are_left_out_and_named():
    rig = synthetic.ring(5)
    sights = scenes.sights(rig, BOARD, scenes.shown(BOARD, 100))
    rng = np.random.default_rng(0)
    wrong = set()
    common = [
        number for number, one in enumerate(sights)
        if sum(one.body == other.body for other in sights) > 2
    ]  # fmt: skip
    for number in common[::15]:
        seen_px = sights[number].seen_px + rng.normal(0, 3, sights[number].seen_px.shape)
        sights[number] = replace(sights[number], seen_px=seen_px)
        wrong.add((sights[number].camera, sights[number].body))
    fitted, done = judged(sights, rig)
    left_out = {(j.sight.camera, j.sight.body) for j in fitted.judged if "px off" in j.why}
    assert wrong <= left_out
    assert len(left_out) <= len(wrong) + 2
    assert done.is_good
    assert off(done, rig)[0] < 2.0


def test_a_camera_that_is_late_is_named():
    rig = synthetic.ring(5)
    poses = scenes.shown(BOARD, 160)
    sights = [one for one in scenes.sights(rig, BOARD, poses) if one.camera != "cam02"]
    after = scenes.sights(rig, BOARD, late(BOARD, poses, 0.02))
    sights += [one for one in after if one.camera == "cam02"]
    _, done = judged(sights, rig)
    assert not done.is_good
    assert done.verdict.problems[0].startswith("cam02 does not agree with the others")
    assert "kinelive sync" in done.verdict.problems[0]
    assert "cam04" not in done.verdict.problems[0]


def test_cameras_that_are_all_out_of_step():
    rig = synthetic.ring(4)
    poses = scenes.shown(BOARD, 120)
    sights = []
    for number, name in enumerate(rig.names):
        seen = scenes.sights(rig, BOARD, late(BOARD, poses, 0.02, seed=number))
        sights += [one for one in seen if one.camera == name]
    _, done = judged(sights, rig)
    assert not done.is_good
    assert "not synchronous" in done.verdict.problems[0]


def zoomed(rig, factors):
    image = rig.image_from_cam.copy()
    image[:, :2, :2] *= np.array(factors)[:, None, None]
    return replace(rig, image_from_cam=image, image_from_world=image @ rig.cam_from_world)


@pytest.mark.parametrize("factors", [(1, 1.05, 1, 0.97), (1, 1.3, 1, 0.9)])
def test_lenses_of_exchanged_cameras(factors):
    rig = zoomed(synthetic.ring(4), factors)
    sights = scenes.sights(rig, BOARD, scenes.shown(BOARD, 100))
    order = [0, 3, 2, 1]
    wrong = replace(rig, image_from_cam=rig.image_from_cam[order], distortion=rig.distortion[order])
    _, done = judged(sights, rig, lenses=wrong)
    assert not done.is_good
    assert "cam02 with cam04's, cam04 with cam02's fits" in done.verdict.problems[0]
    assert judged(sights, rig)[1].is_good


def test_a_lens_of_another_zoom_is_doubted():
    rig = synthetic.ring(4)
    sights = scenes.sights(zoomed(rig, (1, 1, 1.1, 1)), BOARD, scenes.shown(BOARD, 100))
    _, done = judged(sights, rig)
    says = [*done.verdict.problems, *done.verdict.warnings]
    assert any("cam03" in one for one in says)


def test_a_length_in_another_unit_is_noticed():
    rig = synthetic.ring(4)
    sights = scenes.sights(rig, BOARD, scenes.shown(BOARD, 100))
    for factor, far in ((0.1, "0.4"), (10.0, "4")):
        scaled = [replace(one, local_m=factor * one.local_m) for one in sights]
        fitted = PLAIN(scaled, rig)
        done = outcome.outcome(fitted, world.on_camera("cam01"), models_of(rig), (), PLAIN)
        assert "--square-mm" in done.verdict.warnings[0]
        assert f"the cameras stand {far}" in done.verdict.warnings[0]


def test_worlds_are_what_they_are_said_to_be():
    rig = synthetic.ring(4)
    poses = np.concatenate([scenes.lying()[None], scenes.shown(BOARD, 120)])
    fitted = PLAIN(scenes.sights(rig, BOARD, poses, noise_px=0.0), rig)
    found = fitted.scene.rig
    lying = world.on_body(fitted, "000", lying=True).put(found)
    assert place.moved_m(rig, lying).max() < 1e-5
    kept = world.like(place.part(rig, [1, 3]), sized=False).put(found)
    assert place.moved_m(rig, kept).max() < 1e-5
    up = rig.cam_from_world[2, :, 2]
    first = world.on_camera("cam03", up).put(found)
    assert np.linalg.norm(place.centre_m(first.cam_from_world)[2]) < 1e-9
    heights_m = place.centre_m(rig.cam_from_world)[:, 2]
    there_m = place.centre_m(first.cam_from_world)[:, 2]
    np.testing.assert_allclose(there_m - there_m[2], heights_m - heights_m[2], atol=1e-5)
    forward = first.cam_from_world[2, 2]
    assert forward[1] > 0.9
    assert abs(forward[0]) < 1e-9
    level = world.on_camera("cam01").put(found)
    np.testing.assert_allclose(level.cam_from_world[0, :, :3], world._LEVEL.T, atol=1e-9)
    turned = world.turned_up(world.on_camera("cam01"), "cam03", up).put(found)
    there_m = place.centre_m(turned.cam_from_world)[:, 2]
    np.testing.assert_allclose(there_m - there_m[2], heights_m - heights_m[2], atol=1e-5)
    with pytest.raises(CalibrationError, match="was not used"):
        world.on_body(fitted, "nothing", lying=True)


def test_what_a_report_needs_is_there():
    rig = synthetic.ring(4)
    _, done = judged(scenes.sights(rig, BOARD, scenes.shown(BOARD, 60)), rig)
    one = done.cameras["cam01"]
    assert {judged.used for judged in one.judged} == {True, False}
    for view in one.judged:
        assert view.sight.seen_px.shape == view.reprojected_px.shape == (54, 2)
        assert view.used == (view.why == "")
        assert view.why in ("", extrinsics.ALONE)
        if view.used:
            assert view.rms_px < 1
