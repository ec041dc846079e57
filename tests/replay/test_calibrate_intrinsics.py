"""``kinelive calibrate intrinsics`` on the published board pictures, as a user types it."""

import json
import shutil

import cv2
import numpy as np
import pytest

from core.calibration.board import Board
from services import calibration_files, models
from tests.command import kinelive
from tests.unit.calibration import boards as scenes

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
BOARD = ("--board", "4x7", "--square-mm", "60")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intrinsics")
    for name, path in models.ensure("demo").items():
        if name.endswith("_int.jpg"):
            place = folder / f"int_{name[:5]}_img"
            place.mkdir(exist_ok=True)
            shutil.copy(path, place)
    return folder


def run(*arguments):
    return kinelive("calibrate", "intrinsics", *map(str, arguments))


def test_all_four_cameras_without_a_hand(photos, tmp_path):
    out, report = tmp_path / "Calib.toml", tmp_path / "report"
    done = run(photos, *BOARD, "--json", "--out", out, "--report", report)
    assert done.returncode == 0, done.stderr
    cameras = json.loads(done.stdout.splitlines()[-1])["cameras"]
    assert tuple(cameras) == CAMERAS
    assert all(one["rms_px"] < 0.25 for one in cameras.values())
    rejected = {one["name"]: one["why"] for one in cameras["cam04"]["views_rejected"]}
    assert "takes no part" in rejected["cam04_07_int.jpg"]
    assert rejected["cam04_04_int.jpg"] == "the board was not found in it"
    page = (report / "calibration.html").read_text()
    assert "acceptable: It can be used, and it could be better. Pictures used: cam01 7" in page
    assert len(page) < 1_000_000
    assert "cannot be told from a plain checkerboard" in " ".join(done.stderr.split())
    for one in cameras.values():
        assert len(one["views_used"]) + len(one["views_rejected"]) == 7
        assert 0 < one["sd"]["fx"] < 5
    qualisys = calibration_files.read(models.ensure("demo")["Calib.qca.txt"])
    for name, model in calibration_files.read(out).items():
        theirs = qualisys[name]
        np.testing.assert_allclose(
            model.image_from_cam[0, 0], theirs.image_from_cam[0, 0], rtol=5e-3
        )
        np.testing.assert_allclose(model.distortion[:2], theirs.distortion[:2], atol=0.05)


def test_a_video_is_looked_through(tmp_path):
    board = Board(4, 7, 60.0)
    there = scenes.poses(12, board, seed=5)
    writer = cv2.VideoWriter(
        str(tmp_path / "cam1.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 30, scenes.SIZE_PX, True
    )
    for turn, shift in there:
        for _ in range(2):
            writer.write(cv2.cvtColor(scenes.picture(board, turn, shift), cv2.COLOR_GRAY2BGR))
    writer.release()
    done = run(tmp_path, *BOARD, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["cameras"]["cam1"]
    assert found["rms_px"] < 0.4
    assert found["matrix"][0][0] == pytest.approx(scenes.MATRIX[0, 0], rel=0.02)
    assert 6 <= len(found["views_used"]) <= 12


def test_mistakes_are_explained(photos, tmp_path):
    (tmp_path / "cam05").mkdir()
    wall = tmp_path / "walls" / "cam1"
    wall.mkdir(parents=True)
    cv2.imwrite(str(wall / "a.png"), np.full((400, 600), 128, dtype=np.uint8))
    (wall / "b.png").write_bytes(b"no picture")
    cases = [
        (
            (photos, "--board", "5x8", "--square-mm", "60"),
            "cam01: the board in the pictures has 4x7",
        ),
        ((photos, "--board", "4x7", "--square-mm", "0.06"), "the side of a square in mm"),
        ((photos, *BOARD, "--cameras", "cam01,cam07"), "no pictures of cam07; found cam01, cam02"),
        ((tmp_path, *BOARD), "cam05: photos or one video are expected in it"),
        ((tmp_path / "walls", *BOARD), "cam1: no board of 4x7 inner corners in 1 pictures"),
        ((tmp_path / "nowhere", *BOARD), "no such folder"),
    ]
    for arguments, says in cases:
        done = run(*arguments)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
