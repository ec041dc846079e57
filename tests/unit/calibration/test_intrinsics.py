"""Lenses from boards: the truth within its own standard deviations, wrong views found, named."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.calibration import board as boards
from core.calibration import choice
from core.calibration.board import Board, View
from core.calibration.intrinsics import NAMES, board_places_m, calibrate
from core.errors import CalibrationError, ConfigError
from tests.unit.calibration import boards as scenes

PLAIN = Board(4, 7, 60.0)
CHARUCO = Board(6, 4, 40.0, "DICT_4X4_50", 30.0)
TRUTH = np.array([*scenes.MATRIX[[0, 1, 0, 1], [0, 1, 2, 2]], *scenes.LENS[:4]])


def numbers(found):
    return np.array([*found.image_from_cam[[0, 1, 0, 1], [0, 1, 2, 2]], *found.distortion[:4]])


def test_the_truth_is_within_what_is_claimed():
    ratios = []
    for seed in range(8):
        found = calibrate(scenes.views(PLAIN, 15, 0.1, seed), scenes.SIZE_PX, PLAIN)
        assert found.rms_px == pytest.approx(0.1 * np.sqrt(2), rel=0.15)
        assert found.says == ""
        ratios.append((numbers(found) - TRUTH) / [found.sd[name] for name in NAMES])
    spread = np.sqrt(np.mean(np.square(ratios)))
    assert 0.6 < spread < 1.5


@pytest.mark.parametrize("n", [6, 20])
def test_a_wrong_view_is_found_and_named(n):
    views = scenes.views(PLAIN, n, 0.1)
    rng = np.random.default_rng(0)
    wrong = views[2].corners_px + rng.normal(0, 2.0, views[2].corners_px.shape)
    views[2] = View("bad.png", views[2].places, wrong)
    found = calibrate(views, scenes.SIZE_PX, PLAIN)
    assert [one.name for one in found.rejected] == ["bad.png"]
    assert "takes no part" in found.rejected[0].why
    assert found.rms_px < 0.2


def test_several_wrong_views():
    views = scenes.views(PLAIN, 15, 0.1)
    for number in (1, 5, 9):
        shuffled = views[number].corners_px[::-1].copy()
        shuffled[:3] += 30
        views[number] = View(views[number].name, views[number].places, shuffled)
    found = calibrate(views, scenes.SIZE_PX, PLAIN)
    assert sorted(one.name for one in found.rejected) == ["01.png", "05.png", "09.png"]


def test_honest_views_stay():
    for seed in range(4):
        assert not calibrate(scenes.views(PLAIN, 10, 0.3, seed), scenes.SIZE_PX, PLAIN).rejected


def test_too_few_or_too_equal_views_are_told():
    with pytest.raises(CalibrationError, match="found in 3 pictures, 4 are needed"):
        calibrate(scenes.views(PLAIN, 3), scenes.SIZE_PX, PLAIN)
    one = scenes.views(PLAIN, 1, 0.0)[0].corners_px
    rng = np.random.default_rng(0)
    same = [View(str(n), np.arange(28), one + rng.normal(0, 0.3, one.shape)) for n in range(5)]
    assert "tilt the board" in calibrate(same, scenes.SIZE_PX, PLAIN).says


@pytest.mark.parametrize("board", [PLAIN, CHARUCO], ids=["plain", "charuco"])
def test_corners_are_found_where_they_are(board):
    import cv2

    for turn, shift in scenes.poses(4, board, seed=3):
        grey = scenes.picture(board, turn, shift)
        found = boards.find(grey, board, "one")
        assert found is not None
        truth = np.asarray(cv2.projectPoints(board.corners_m, turn, shift, scenes.MATRIX, None)[0])
        truth = truth[found.places, 0]
        if not board.dictionary and np.linalg.norm(truth[0] - found.corners_px[0]) > 20:
            truth = truth[::-1]  # a plain board may be counted from its other end
        assert np.abs(found.corners_px - truth).max() < 0.35
        rough = boards.is_seen(grey, board)
        assert rough is not None
        boards.require_whole(grey, board)


def test_another_board_is_told():
    grey = scenes.picture(PLAIN, *scenes.poses(1, PLAIN, seed=3)[0])
    several = [scenes.picture(PLAIN, *pose) for pose in scenes.poses(4, PLAIN, seed=3)]
    with pytest.raises(CalibrationError, match="has 4x7 inner corners, not 5x8"):
        boards.require_no_other(several, Board(5, 8, 60))
    with pytest.raises(CalibrationError, match="inner corners, not 3x6"):
        boards.require_whole(grey, Board(3, 6, 60))
    boards.require_no_other(several, Board(7, 4, 60))
    boards.require_no_other(several, CHARUCO)
    assert boards.find(np.full((480, 640), 128, dtype=np.uint8), PLAIN, "wall") is None


def test_a_mirrored_picture_is_told():
    grey = scenes.picture(CHARUCO, *scenes.poses(1, CHARUCO, seed=3)[0])
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    assert boards.find(mirrored, CHARUCO, "one") is None
    with pytest.raises(CalibrationError, match="mirrored"):
        boards.require_not_mirrored(mirrored, CHARUCO)
    boards.require_not_mirrored(grey, CHARUCO)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("4", 60, ""), "--board 4: inner corners"),
        (("2x7", 60, ""), "at least 3x3"),
        (("4x7", 0.06, ""), "--square-mm 0.06: the side of a square in mm"),
        (("4x7", 60, "DICT_9X9:40"), "no such markers; these are: DICT_4X4_100"),
        (("4x7", 60, "DICT_4X4_50"), "DICTIONARY:MM"),
        (("4x7", 60, "DICT_4X4_50:70"), "smaller than the 60 mm"),
    ],
)
def test_a_board_that_is_none(arguments, says):
    with pytest.raises(ConfigError, match=says):
        boards.board_of(*arguments)


def test_a_board_as_it_is_said():
    assert boards.board_of(" 6X4", 40, "4x4_50:30") == CHARUCO
    assert CHARUCO.corners_m.shape == (24, 3)


def test_sharp_and_varied_pictures_are_chosen():
    shown = scenes.views(PLAIN, 50, 0.0)
    still = [choice.Candidate(n, shown[0].corners_px + 0.1 * n, 1.0 + 0.01 * n) for n in range(20)]
    moving = [choice.Candidate(20 + n, view.corners_px, 1.0) for n, view in enumerate(shown)]
    blurred = [choice.Candidate(70 + n, view.corners_px, 0.2) for n, view in enumerate(shown[:20])]
    chosen = choice.choose([*still, *moving, *blurred], scenes.SIZE_PX)
    assert sum(number < 20 for number in chosen) <= 2
    assert all(number < 70 for number in chosen)
    assert 15 < len(chosen) <= choice.MOST_VIEWS
    assert choice.choose([], scenes.SIZE_PX) == []


def test_boards_stand_where_they_stood():
    found = calibrate(scenes.views(PLAIN, 12, 0.0), scenes.SIZE_PX, PLAIN)
    for (turn, shift), place in zip(
        scenes.poses(12, PLAIN), board_places_m(found, PLAIN), strict=True
    ):
        truth = PLAIN.corners_m @ Rotation.from_rotvec(turn).as_matrix().T + shift
        np.testing.assert_allclose(place, truth, atol=2e-3)


def test_blur_is_less_sharp():
    import cv2

    grey = scenes.picture(PLAIN, *scenes.poses(1, PLAIN, seed=3)[0])
    corners_px = boards.is_seen(grey, PLAIN)
    assert corners_px is not None
    blurred = np.asarray(cv2.GaussianBlur(grey, (0, 0), 3.0), dtype=np.uint8)
    assert choice.sharpness(blurred, corners_px) < 0.5 * choice.sharpness(grey, corners_px)
