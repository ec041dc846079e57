import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core import synthetic
from core.cameras import project, undistort
from core.triangulate import linear, reproject, robust

RIG = synthetic.ring(4)
PLACE = strategies.tuples(*[strategies.floats(-0.8, 0.8)] * 3)


def ideal_px(points_m):
    return undistort(RIG.image_from_cam, RIG.distortion, project(RIG, points_m))


@given(PLACE)
def test_triangulate_undoes_project(place):
    point = np.array([place]) + np.array([0.0, 0.0, 1.0])
    pixels, weight = ideal_px(point), np.full((4, 1), 0.9)
    np.testing.assert_allclose(linear(RIG.image_from_world, pixels, weight), point, atol=1e-6)
    found = robust(RIG.image_from_world, pixels, weight, 12.0, 6.0)
    np.testing.assert_allclose(found.points_m, point, atol=1e-8)
    assert found.n_views.tolist() == [4]


def test_reproject_is_projection_without_a_lens():
    points = synthetic.standing_m()
    np.testing.assert_allclose(reproject(RIG.image_from_world, points), ideal_px(points), atol=1e-6)


@pytest.mark.parametrize("views", [0, 1])
def test_fewer_than_two_views_give_nothing(views):
    pixels, weight = ideal_px(synthetic.standing_m()), np.zeros((4, 26))
    weight[:views] = 0.9
    found = robust(RIG.image_from_world, pixels, weight, 12.0, 6.0)
    assert np.isnan(found.points_m).all()
    assert (found.covariance_m2[:, 0, 0] > 1e5).all()
    assert np.isnan(linear(RIG.image_from_world, pixels, weight)).all()


def test_nan_pixels_with_weight_zero_do_no_harm():
    truth = synthetic.standing_m()
    pixels, weight = ideal_px(truth), np.full((4, 26), 0.9)
    pixels[0], weight[0] = np.nan, 0.0
    found = robust(RIG.image_from_world, pixels, weight, 12.0, 6.0)
    np.testing.assert_allclose(found.points_m, truth, atol=1e-8)


def test_one_camera_far_off_is_weighed_down():
    truth = synthetic.standing_m()
    pixels, weight = ideal_px(truth), np.full((4, 26), 0.9)
    pixels[2] += 80.0
    plain = linear(RIG.image_from_world, pixels, weight)
    found = robust(RIG.image_from_world, pixels, weight, 12.0, 6.0)
    error = np.linalg.norm(found.points_m - truth, axis=1)
    assert error.max() < 0.01
    assert error.mean() < 0.1 * np.linalg.norm(plain - truth, axis=1).mean()


def test_two_cameras_one_behind_the_other_say_so_in_their_covariance():
    pixels = ideal_px(synthetic.standing_m())
    opposite, square = np.zeros((4, 26)), np.zeros((4, 26))
    opposite[[0, 2]] = square[[0, 1]] = 0.9
    along = robust(RIG.image_from_world, pixels, opposite, 12.0, 6.0).covariance_m2
    across = robust(RIG.image_from_world, pixels, square, 12.0, 6.0).covariance_m2
    assert np.median(np.trace(along, axis1=1, axis2=2)) > 3 * np.median(
        np.trace(across, axis1=1, axis2=2)
    )


@settings(max_examples=3, deadline=None)
@given(strategies.integers(0, 100))
def test_the_covariance_is_that_of_the_errors(seed):
    """Noise of the stated size: errors squared over covariance average to their number."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(synthetic.standing_m(), 40, axis=0)
    pixels = ideal_px(truth)
    pixels = pixels + rng.normal(0.0, 3.0, pixels.shape)
    found = robust(RIG.image_from_world, pixels, np.ones((4, len(truth))), 1e6, 3.0)
    error = found.points_m - truth
    squared = np.einsum("ni,nij,nj->n", error, np.linalg.inv(found.covariance_m2), error)
    assert 1.8 < squared.mean() < 3.3  # 3 if the variance of weight 1 were known, less as it grows
