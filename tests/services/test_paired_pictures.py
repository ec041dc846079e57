"""Pictures of several cameras that belong together, and what is wrong with them."""

import cv2
import numpy as np
import pytest

from core.calibration.board import Board
from core.cameras import CameraModel
from core.errors import CalibrationError
from services import paired_pictures, photo_pairs
from services.board_pictures import Source
from tests.unit.calibration import boards as scenes

CHARUCO = Board(6, 4, 40.0, "DICT_4X4_50", 30.0)
MODELS = {
    name: CameraModel(name, *scenes.SIZE_PX, scenes.MATRIX, np.zeros(5), np.eye(3, 4))
    for name in ("cam1", "cam2")
}


def silent(*_):
    return None


def photos(folder, board, mirrored=()):
    for name in MODELS:
        (folder / name).mkdir()
        for number, pose in enumerate(scenes.poses(3, board, seed=3)):
            picture = scenes.picture(board, *pose)
            picture = picture[:, ::-1] if name in mirrored else picture
            cv2.imwrite(str(folder / name / f"{number}.png"), np.ascontiguousarray(picture))
    return paired_pictures.sources(folder)


def test_a_mirrored_camera_is_told_by_a_charuco_board(tmp_path):
    found = photos(tmp_path, CHARUCO, mirrored=("cam2",))
    with pytest.raises(CalibrationError, match="cam2: the pictures are mirrored"):
        paired_pictures.boards_in(found, CHARUCO, MODELS, silent, still=False)


def test_a_charuco_board_in_photos_of_one_number(tmp_path):
    found = paired_pictures.boards_in(photos(tmp_path, CHARUCO), CHARUCO, MODELS, silent,
                                      still=False)  # fmt: skip
    assert {one.body for one in found.sights} <= {"0", "1", "2"}
    assert {one.camera for one in found.sights} == {"cam1", "cam2"}
    assert found.paired_by == "photos with the same last number in their names"


def test_a_camera_that_never_saw_the_board_is_named(tmp_path):
    board = Board(4, 7, 60.0)
    found = photos(tmp_path, board)
    for path in found[1].files:
        cv2.imwrite(str(path), np.full(scenes.SIZE_PX[::-1], 120, dtype=np.uint8))
    with pytest.raises(CalibrationError, match=r"cam2: the board is found in none.*cam1 saw it"):
        paired_pictures.boards_in(found, board, MODELS, silent, still=False)


def source(folder, name, *files):
    return Source(name, tuple(folder / one for one in files))


def test_photos_are_paired_by_number_or_by_order(tmp_path):
    by_number = [source(tmp_path, "a", "x_1.png", "x_03.png"), source(tmp_path, "b", "y3.png")]
    assert photo_pairs.pairing(by_number).bodies == {"a": ["1", "3"], "b": ["3"]}
    by_order = [source(tmp_path, "a", "7.png", "9.png"), source(tmp_path, "b", "107.png", "99.png")]
    assert photo_pairs.pairing(by_order).bodies == {"a": ["1", "2"], "b": ["1", "2"]}
    assert "by their order" in photo_pairs.pairing(by_order).says
    neither = [source(tmp_path, "a", "7.png"), source(tmp_path, "b", "107.png", "99.png")]
    with pytest.raises(CalibrationError, match=r"counts differ \(a 1, b 2\)"):
        photo_pairs.pairing(neither)
    assert photo_pairs.still(by_order).bodies["a"] == ["the board", "the board"]
