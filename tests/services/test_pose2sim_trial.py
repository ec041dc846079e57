"""The camera search against what Pose2Sim made of its own trial (BODY_25B, 4 cameras, 1.7 s)."""

import json
from pathlib import Path

import numpy as np
import pytest

from core import calibration
from core.cameras import Rig
from core.triangulate_pose2sim import Search, search
from services import models
from tools.pose2sim_plain import reference_search

# Places in BODY_25B of the markers, in the order of the .trc.
MARKERS = [12, 14, 16, 22, 23, 24, 11, 13, 15, 19, 20, 21, 17, 18, 0, 6, 8, 10, 5, 7, 9]
N_FRAMES = 100


def keypoints(folder: Path) -> np.ndarray:
    """(T, C, 21, 3) px, px, likelihood; NaN where the person was not found."""
    out = np.full((N_FRAMES, 4, 25, 3), np.nan)
    for camera in range(4):
        for frame in range(N_FRAMES):
            name = f"cam{camera + 1}_json/cam{camera + 1:02d}.{frame:04d}.json"
            people = json.loads((folder / name).read_text())["people"]
            if people and people[0]["pose_keypoints_2d"]:
                out[frame, camera] = np.reshape(people[0]["pose_keypoints_2d"], (-1, 3))[:25]
    return out[:, :, MARKERS]


def markers_m(trc: Path) -> np.ndarray:
    """Markers (T, 21, 3) in the axes of the calibration: the file has (Y, Z, X)."""
    rows = [line.split("\t")[2:65] for line in trc.read_text().splitlines()[5:] if line.strip()]
    return np.array(rows, dtype=float).reshape(-1, 21, 3)[:, :, [2, 0, 1]]


@pytest.fixture(scope="module")
def trial() -> tuple[np.ndarray, np.ndarray, Path]:
    """Keypoints, cameras (C, 3, 4), and the points Pose2Sim found."""
    files = models.ensure("trial")
    cameras = calibration.parse("Calib_qca.toml", files["Calib_qca.toml"].read_text())
    rig = Rig.of(list(cameras.values()))
    return keypoints(files["pose-2d-tracked"]), rig.image_from_world, files["Demo_0-100.trc"]


def found(trial: tuple[np.ndarray, np.ndarray, Path]) -> Search:
    points, cameras, _ = trial
    return search(points[..., :2], points[..., 2], cameras)


def test_the_points_are_pose2sims(trial):
    """All but 10 of 2100, which an older version of Pose2Sim chose other cameras for."""
    distance_mm = 1e3 * np.linalg.norm(found(trial).points_m - markers_m(trial[2]), axis=-1)
    same = distance_mm < 1e-6
    print(f"{same.sum()} of {same.size} points equal to {distance_mm[same].max():.1e} mm")
    assert same.sum() >= 2084


def test_the_plain_search_says_the_same(trial):
    points, cameras, _ = trial
    ours, plain = found(trial), reference_search(points[:20, ..., :2], points[:20, ..., 2], cameras)
    np.testing.assert_allclose(ours.points_m[:20], plain.points_m, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(ours.excluded[:20], plain.excluded)
    np.testing.assert_array_equal(ours.used[:20], plain.used)
