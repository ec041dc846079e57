import numpy as np
import pytest
from hypothesis import given, settings, strategies
from scipy.stats import chi2

from core import synthetic
from core.cameras import project, undistort
from core.triangulate import linear, reproject, robust
from core.whitening import whitened
from tests.unit import triangulate_reference

RIG = synthetic.ring(4)
PLACE = strategies.tuples(*[strategies.floats(-0.8, 0.8)] * 3)


def ideal_px(points_m):
    return undistort(RIG.image_from_cam, RIG.distortion, project(RIG, points_m))


@settings(deadline=None)  # the first call may compile
@given(PLACE)
def test_triangulate_undoes_project(place):
    point = np.array([place]) + np.array([0.0, 0.0, 1.0])
    pixels, weight = ideal_px(point), np.full((4, 1), 0.9)
    np.testing.assert_allclose(linear(RIG.image_from_world, pixels, weight), point, atol=1e-6)
    found = robust(RIG.image_from_world, pixels, weight, 6.0, 2.0)
    np.testing.assert_allclose(found.points_m, point, atol=1e-8)
    assert found.n_views.tolist() == [4]


def test_reproject_is_projection_without_a_lens():
    points = synthetic.standing_m()
    np.testing.assert_allclose(reproject(RIG.image_from_world, points), ideal_px(points), atol=1e-6)


@pytest.mark.parametrize("views", [0, 1])
def test_fewer_than_two_views_give_nothing(views):
    pixels, weight = ideal_px(synthetic.standing_m()), np.zeros((4, 26))
    weight[:views] = 0.9
    found = robust(RIG.image_from_world, pixels, weight, 6.0, 2.0)
    assert np.isnan(found.points_m).all()
    assert (found.covariance_m2[:, 0, 0] > 1e5).all()
    assert np.isnan(linear(RIG.image_from_world, pixels, weight)).all()


def test_nan_pixels_with_weight_zero_do_no_harm():
    truth = synthetic.standing_m()
    pixels, weight = ideal_px(truth), np.full((4, 26), 0.9)
    pixels[0], weight[0] = np.nan, 0.0
    found = robust(RIG.image_from_world, pixels, weight, 6.0, 2.0)
    np.testing.assert_allclose(found.points_m, truth, atol=1e-8)


def test_one_camera_far_off_is_weighed_down():
    truth = synthetic.standing_m()
    pixels, weight = ideal_px(truth), np.full((4, 26), 0.9)
    pixels[2] += 80.0
    plain = linear(RIG.image_from_world, pixels, weight)
    found = robust(RIG.image_from_world, pixels, weight, 6.0, 2.0)
    error = np.linalg.norm(found.points_m - truth, axis=1)
    assert error.max() < 0.01
    assert error.mean() < 0.1 * np.linalg.norm(plain - truth, axis=1).mean()


def test_two_cameras_one_behind_the_other_say_so_in_their_covariance():
    pixels = ideal_px(synthetic.standing_m())
    opposite, square = np.zeros((4, 26)), np.zeros((4, 26))
    opposite[[0, 2]] = square[[0, 1]] = 0.9
    along = robust(RIG.image_from_world, pixels, opposite, 6.0, 2.0).covariance_m2
    across = robust(RIG.image_from_world, pixels, square, 6.0, 2.0).covariance_m2
    assert np.median(np.trace(along, axis1=1, axis2=2)) > 3 * np.median(
        np.trace(across, axis1=1, axis2=2)
    )


@pytest.mark.parametrize("n_cameras", [2, 3, 4, 8])
@pytest.mark.parametrize("sd_px", [(3.0,), (3.0, 9.0)])
def test_the_covariance_is_that_of_the_errors(n_cameras, sd_px):
    """Normalised error squared over 10,400 points: 3 on average, 95 % below chi-squared's mark."""
    rig, rng = synthetic.ring(n_cameras), np.random.default_rng(1)
    truth = np.repeat(synthetic.standing_m(), 400, axis=0)
    sds = np.resize(sd_px, n_cameras)
    pixels = undistort(rig.image_from_cam, rig.distortion, project(rig, truth))
    pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * sds[:, None, None]
    found = robust(rig.image_from_world, pixels, np.ones(pixels.shape[:2]), sds)
    error = found.points_m - truth
    squared = np.einsum("ni,nij,nj->n", error, np.linalg.inv(found.covariance_m2), error)
    below = float((squared < chi2.ppf(0.95, 3)).mean())
    print(f"{n_cameras} cameras, sd {sd_px}: mean {squared.mean():.2f}, {below:.1%} below")
    assert 2.95 < squared.mean() < 3.15
    assert 0.94 < below < 0.965


def test_of_two_explanations_the_expected_one_is_found():
    """Two cameras see the body where it is, two see somebody half a metre away."""
    truth = synthetic.standing_m()
    pixels, weight = ideal_px(truth), np.full((4, 26), 0.9)
    pixels[2:] = ideal_px(truth + [0.5, 0.0, 0.0])[2:]
    for expected in (truth, truth + [0.5, 0.0, 0.0]):
        led = robust(RIG.image_from_world, pixels, weight, 3.0, start_m=expected + 0.03)
        assert np.linalg.norm(led.points_m - expected, axis=1).max() < 0.02


def scene(n_cameras: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy pixels, a fifth not seen, some far off: cameras, pixels, weights."""
    rng = np.random.default_rng(seed)
    rig = synthetic.ring(n_cameras, seed=seed)
    pixels = undistort(rig.image_from_cam, rig.distortion, project(rig, synthetic.standing_m()))
    pixels = pixels + rng.normal(0, 3.0, pixels.shape)
    pixels[rng.random(pixels.shape[:2]) < 0.05] += 60.0
    weight = rng.uniform(0.3, 1.0, pixels.shape[:2])
    unseen = rng.random(weight.shape) < 0.3
    pixels[unseen], weight[unseen] = np.nan, 0.0
    return rig.image_from_world, pixels, weight


def uneven_shapes(shape, seed):
    root = np.random.default_rng(seed).normal(0.0, 1.0, (*shape, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(2)
    of_each = covariance[..., [0, 1, 0], [0, 1, 1]]
    return whitened(np.ones(shape), of_each, 6.0).whitening


def test_an_even_shape_changes_no_bit():
    cameras, pixels, weight = scene(4, 0)
    even = np.tile([1.0, 1.0, 0.0], (4, 26, 1))
    shaped = robust(cameras, pixels, weight, 6.0, 2.0, whitening=even)
    for ours, theirs in zip(shaped, robust(cameras, pixels, weight, 6.0, 2.0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n_cameras", [2, 3, 4, 8])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shaped", [False, True])
def test_the_kernels_are_the_formulas(n_cameras, seed, shaped):
    cameras, pixels, weight = scene(n_cameras, seed)
    shape = uneven_shapes(weight.shape, seed) if shaped else None
    ours = robust(cameras, pixels, weight, 6.0, 2.0, whitening=shape)
    sds, nowhere = np.full(n_cameras, 6.0), np.full((26, 3), np.nan)
    theirs = triangulate_reference.robust(cameras, pixels, weight, sds, 2.0, nowhere, shape)
    known = np.isfinite(theirs.points_m[:, 0])
    np.testing.assert_allclose(ours.points_m, theirs.points_m, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.covariance_m2, theirs.covariance_m2, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ours.n_views, theirs.n_views)
    np.testing.assert_allclose(ours.error_px[:, known], theirs.error_px[:, known], atol=1e-8)
    assert np.isnan(ours.error_px[:, ~known]).all()
    plain = triangulate_reference.linear(cameras, pixels, weight)
    np.testing.assert_allclose(linear(cameras, pixels, weight), plain, rtol=0, atol=1e-9)


def test_two_cameras_in_the_same_place_give_nothing():
    same = np.stack([RIG.image_from_world[0]] * 2)
    pixels = np.stack([ideal_px(synthetic.standing_m())[0]] * 2)
    found = robust(same, pixels, np.ones((2, 26)), 6.0)
    spread = np.trace(found.covariance_m2, axis1=1, axis2=2)
    assert (np.isnan(found.points_m[:, 0]) | (spread > 1.0)).all()


def test_arrays_of_any_kind_give_the_same_bits():
    cameras, pixels, weight = scene(4, 0)
    plain = robust(cameras, pixels, weight, 6.0, 2.0)
    weight.flags.writeable = False
    turned = np.asfortranarray(pixels)
    for ours, theirs in zip(robust(cameras, turned, weight, 6, 2.0), plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)
