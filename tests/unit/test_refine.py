"""Extrinsics from people: knocked cameras come back."""

import numpy as np
import pytest

from core import synthetic
from core.calibration.refine import refine
from core.cameras import project
from core.synthetic_scenes import miscalibrated

TRUE = synthetic.ring(4)


def walk(noise_px: float = 0.0, n: int = 120):
    points = synthetic.walk_m(n)[::6].reshape(-1, 3)
    pixels = project(TRUE, points)
    return points, pixels + np.random.default_rng(3).normal(0, noise_px, pixels.shape)


def from_first(rig):
    """Each camera's pose as the first one sees it: that one is held."""
    pose = rig.cam_from_world[0]
    world_from_first = np.column_stack([pose[:, :3].T, -pose[:, :3].T @ pose[:, 3]])
    return rig.cam_from_world @ np.vstack([world_from_first, [0, 0, 0, 1]])


def test_cameras_that_agree_stay():
    _, pixels = walk()
    done = refine(TRUE, pixels, np.ones(pixels.shape[:2]))
    assert done.turned_deg.max() < 1e-4
    assert done.moved_m.max() < 1e-5


def test_knocked_cameras_come_back():
    knocked = miscalibrated(TRUE, 1.5, 0.02, seed=1)
    _, pixels = walk(1.0)
    done = refine(knocked, pixels, np.ones(pixels.shape[:2]))
    assert done.before_px > 5
    assert done.after_px < 2
    ours, truth = from_first(done.rig), from_first(TRUE)
    scale = _baseline(TRUE) / _baseline(done.rig)
    np.testing.assert_allclose(ours[:, :, :3], truth[:, :, :3], atol=3e-3)
    np.testing.assert_allclose(ours[:, :, 3] * scale, truth[:, :, 3], atol=0.02)


def _baseline(rig):
    centres = [-p[:, :3].T @ p[:, 3] for p in rig.cam_from_world[:2]]
    return np.linalg.norm(centres[0] - centres[1])


def test_scale_and_first_camera_are_held():
    knocked = miscalibrated(TRUE, 1.5, 0.02, seed=2)
    _, pixels = walk(1.0)
    done = refine(knocked, pixels, np.ones(pixels.shape[:2]))
    np.testing.assert_allclose(done.rig.cam_from_world[0], knocked.cam_from_world[0])
    assert _baseline(done.rig) == pytest.approx(_baseline(knocked))


def test_outliers_and_gaps_do_no_harm():
    knocked = miscalibrated(TRUE, 1.5, 0.02, seed=1)
    _, pixels = walk(1.0)
    rng = np.random.default_rng(0)
    pixels[rng.random(pixels.shape[:2]) < 0.1] = np.nan
    wrong = rng.random(pixels.shape[:2]) < 0.02
    pixels[wrong] += 200
    done = refine(knocked, pixels, np.ones(pixels.shape[:2]))
    assert done.after_px < 3


def test_too_few_points_are_an_error():
    _, pixels = walk()
    with pytest.raises(ValueError, match="too few"):
        refine(TRUE, pixels[:, :5], np.ones((4, 5)))
