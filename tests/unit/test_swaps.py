import numpy as np
import pytest

from core import swaps, synthetic
from core.anatomy import anatomy_of
from core.cameras import project, undistort
from tests.unit import swaps_reference

HALPE = anatomy_of("HALPE_26")


def scene(n_cameras: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy pixels with left and right exchanged in some cameras: cameras, pixels, weights.

    The first camera sees nothing of the body when the seed is even.
    """
    rng = np.random.default_rng(seed)
    rig = synthetic.ring(n_cameras, seed=seed)
    pixels = undistort(rig.image_from_cam, rig.distortion, project(rig, synthetic.standing_m()))
    pixels = pixels + rng.normal(0, 3.0, pixels.shape)
    weight = rng.uniform(0.3, 1.0, pixels.shape[:2])
    weight[rng.random(weight.shape) < 0.2] = 0.0
    if seed % 2 == 0:
        pixels[0], weight[0] = np.nan, 0.0
    swapped = np.zeros(n_cameras, dtype=bool)
    swapped[1 : (n_cameras - 1) // 2 + 1] = rng.random((n_cameras - 1) // 2) < 0.7
    pixels, weight = (swaps.apply(values, swapped, HALPE) for values in (pixels, weight))
    return rig.image_from_world, pixels, weight


@pytest.mark.parametrize("n_cameras", [3, 4, 6])
@pytest.mark.parametrize("seed", range(6))
def test_the_kernels_are_the_formulas(n_cameras, seed):
    cameras, pixels, weight = scene(n_cameras, seed)
    found = swaps.from_scratch(cameras, pixels, weight, HALPE)
    np.testing.assert_array_equal(found, swaps_reference.from_scratch(cameras, pixels, weight))
    arguments = cameras, synthetic.standing_m() + 0.02, pixels, weight, 0.6
    found = swaps.against_prediction(*arguments, HALPE)
    np.testing.assert_array_equal(found, swaps_reference.against_prediction(*arguments))


def test_the_cost_of_a_body():
    _, pixels, weight = scene(4, 0)
    expected = pixels + 3.0
    expected[2, 5:9] = np.nan
    cost = swaps.body_cost(expected, pixels, weight, HALPE)
    np.testing.assert_allclose(cost, swaps_reference.body_cost(expected, pixels, weight))
    assert cost[0] == np.inf


def test_nobody_in_view_swaps_nothing():
    cameras, pixels, weight = scene(4, 1)
    assert not swaps.from_scratch(cameras, pixels, np.zeros_like(weight), HALPE).any()


def test_apply_exchanges_in_the_flagged_cameras_only():
    _, pixels, weight = scene(4, 1)
    flags = np.array([False, True, False, True])
    for values in (pixels, weight):
        theirs = swaps_reference.apply(values, flags)
        once = swaps.apply(values, flags, HALPE)
        np.testing.assert_array_equal(once, theirs)
        np.testing.assert_array_equal(swaps.apply(once, flags, HALPE), values)
        assert swaps.apply(values, ~flags & flags, HALPE) is values
