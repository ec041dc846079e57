import numpy as np
import pytest

from core import synthetic
from core.cameras import project
from core.triangulate_pose2sim import search
from tools.pose2sim_plain import reference_search


def scene(n_cameras: int, seed: int, n_frames: int = 6) -> tuple[np.ndarray, ...]:
    """Walker with noise, outliers of all sizes, weak and missing keypoints."""
    rng = np.random.default_rng(seed)
    rig = synthetic.ring(n_cameras, seed=seed)
    pixels = np.moveaxis(project(rig, synthetic.walk_m(n_frames)), 0, 1)  # (T, C, J, 2)
    pixels = pixels + rng.normal(0, 2.0, pixels.shape)
    far_off = rng.random(pixels.shape[:3]) < 0.25
    pixels[far_off] += rng.normal(0, 60.0, (far_off.sum(), 2))
    likelihood = rng.uniform(0.2, 1.0, pixels.shape[:3])
    missing = rng.random(likelihood.shape) < 0.1
    pixels[missing], likelihood[missing] = np.nan, np.nan
    likelihood[rng.random(likelihood.shape) < 0.02] = 0.0
    return pixels, likelihood, rig.image_from_world


@pytest.mark.parametrize("n_cameras", [2, 3, 4, 5])
@pytest.mark.parametrize("min_cameras", [2, 3])
def test_it_is_the_plain_search(n_cameras, min_cameras):
    for seed in range(2):
        ours = search(*scene(n_cameras, seed), min_cameras=min_cameras)
        plain = reference_search(*scene(n_cameras, seed), min_cameras=min_cameras)
        np.testing.assert_allclose(ours.points_m, plain.points_m, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours.error_px, plain.error_px, rtol=0, atol=1e-7)
        np.testing.assert_array_equal(ours.excluded, plain.excluded)
        np.testing.assert_array_equal(ours.used, plain.used)


def test_the_books_agree():
    pixels, likelihood, cameras = scene(5, 3)
    found = search(pixels, likelihood, cameras, max_error_px=10.0)
    n_used, known = found.used.sum(axis=1), np.isfinite(found.error_px)
    assert known.any()
    assert not known.all()
    np.testing.assert_array_equal(known, np.isfinite(found.points_m).all(axis=-1))
    np.testing.assert_array_equal(n_used[known], 5 - found.excluded[known])
    assert (n_used[~known] == 0).all()
    assert (found.error_px[known] <= 10.0).all()
    assert not (found.used & ~(likelihood >= 0.3)).any()


def test_the_one_camera_that_is_wrong_is_left_out():
    truth, rig = synthetic.walk_m(4), synthetic.ring(4)
    pixels = np.moveaxis(project(rig, truth), 0, 1)
    pixels[:, 2] += 200.0
    found = search(pixels, np.full(pixels.shape[:3], 0.9), rig.image_from_world)
    assert not found.used[:, 2].any()
    assert (found.excluded == 1).all()


def test_nothing_seen_gives_nothing():
    pixels, likelihood, cameras = scene(4, 0)
    found = search(np.full_like(pixels, np.nan), likelihood * np.nan, cameras)
    assert np.isnan(found.points_m).all()
    assert np.isnan(found.error_px).all()
    assert (found.excluded == 4).all()
    assert not found.used.any()


def test_one_camera_is_not_enough():
    pixels, likelihood, cameras = scene(4, 0)
    with pytest.raises(ValueError, match="needs at least 2"):
        search(pixels, likelihood, cameras, min_cameras=1)
