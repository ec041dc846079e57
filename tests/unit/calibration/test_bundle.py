"""The bundle adjustment: its derivatives, the same solution as a dense one, the truth."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core import synthetic
from core.calibration import bundle, kernels, place
from core.cameras import project
from core.jit import plain
from core.synthetic_scenes import miscalibrated

TRUE = synthetic.ring(4)
KNOCKED = miscalibrated(TRUE, 1.5, 0.03, seed=1)
FOCAL = 0.02


def pixels(n=300, noise_px=1.0, rig=TRUE):
    points_m = synthetic.walk_m(4 * n)[::4].reshape(-1, 3)[::26]
    points_m = points_m + np.random.default_rng(1).uniform(-0.7, 0.7, points_m.shape)
    seen = project(rig, points_m)
    return points_m, seen + np.random.default_rng(0).normal(0, noise_px, seen.shape)


def arrays(rig):
    return rig.cam_from_world, rig.distortion, rig.image_from_cam


@pytest.mark.parametrize("n_unknown", [6, 7])
def test_gradient_is_that_of_the_cost(n_unknown):
    points_m, seen = pixels(8)
    seen, weight = np.ascontiguousarray(seen.swapaxes(0, 1)), np.full((8, 4), 0.7)
    args = points_m, seen, weight, 5.0
    parts = kernels.equations(*arrays(KNOCKED), *args, n_unknown)
    step = 1e-6
    for c in range(4):
        for i in range(n_unknown):
            change = np.zeros((4, n_unknown))
            change[c, i] = step
            there, back = (bundle.moved(KNOCKED, sign * change) for sign in (1, -1))
            slope = kernels.cost(*arrays(there), *args) - kernels.cost(*arrays(back), *args)
            assert parts[1][c, i] == pytest.approx(slope / (2 * step), rel=1e-4, abs=1e-2)
    for j in range(3):
        change = np.zeros((8, 3))
        change[2, j] = step
        slope = [
            kernels.cost(*arrays(KNOCKED), points_m + sign * change, *args[1:]) for sign in (1, -1)
        ]
        expected = (slope[0] - slope[1]) / (2 * step)
        assert parts[3][2, j] == pytest.approx(expected, rel=1e-4, abs=1e-2)


def test_taking_the_points_out_changes_nothing():
    points_m, seen = pixels(20)
    seen, weight = np.ascontiguousarray(seen.swapaxes(0, 1)), np.ones((20, 4))
    weight[3, 1] = weight[7, 0] = weight[7, 2] = 0.0
    u_cc, u_c, v_pp, v_p, w_cp = kernels.equations(*arrays(KNOCKED), points_m, seen, weight, 5.0, 6)
    damping = 1e-2
    full = np.zeros((24 + 60, 24 + 60))
    for c in range(4):
        full[6 * c : 6 * c + 6, 6 * c : 6 * c + 6] = u_cc[c]
    for n in range(20):
        at = slice(24 + 3 * n, 27 + 3 * n)
        full[at, at] = v_pp[n]
        full[:24, at] = w_cp[n].reshape(24, 3)
        full[at, :24] = w_cp[n].reshape(24, 3).T
    full[np.diag_indices(84)] *= 1 + damping
    dense = np.linalg.solve(full, -np.concatenate([u_c.ravel(), v_p.ravel()]))
    system, right, inverse = kernels.reduced(u_cc, u_c, v_pp, v_p, w_cp, damping)
    cameras = np.linalg.solve(system, right)
    np.testing.assert_allclose(cameras, dense[:24], rtol=1e-6, atol=1e-12)
    steps = kernels.point_steps(inverse, v_p, w_cp, plain(cameras.reshape(4, 6)))
    np.testing.assert_allclose(steps.ravel(), dense[24:], rtol=1e-6, atol=1e-12)


def test_knocked_cameras_come_back():
    _, seen = pixels(400, 0.0)
    done = bundle.adjust(KNOCKED, seen, np.ones(seen.shape[:2]))
    same = place.put_like(done.rig, TRUE)
    assert place.moved_m(TRUE, same).max() < 1e-5
    assert place.turned_deg(TRUE, same).max() < 1e-4


def test_a_wrong_focal_length_is_found():
    wrong = bundle.moved(KNOCKED, np.column_stack([np.zeros((4, 6)), [FOCAL, 0, -FOCAL, 0]]))
    _, seen = pixels(600, 0.2)
    done = bundle.adjust(wrong, seen, np.ones(seen.shape[:2]), focal=True)
    ratio = done.rig.image_from_cam[:, 0, 0] / TRUE.image_from_cam[:, 0, 0]
    np.testing.assert_allclose(ratio, 1, atol=3e-3)


def test_outliers_gaps_and_points_of_one_camera():
    _, seen = pixels(400, 1.0)
    rng = np.random.default_rng(5)
    seen[rng.random(seen.shape[:2]) < 0.2] = np.nan
    wrong = rng.random(seen.shape[:2]) < 0.03
    seen[wrong] += 150
    seen[1:, 0] = np.nan
    before = seen.copy()
    done = bundle.adjust(KNOCKED, seen, np.ones(seen.shape[:2]))
    np.testing.assert_array_equal(seen, before)
    assert np.isnan(done.points_m[0]).all()
    assert place.moved_m(TRUE, place.put_like(done.rig, TRUE)).max() < 0.01


def test_too_few_points_are_an_error():
    _, seen = pixels(10)
    with pytest.raises(ValueError, match="too few"):
        bundle.adjust(KNOCKED, seen, np.ones(seen.shape[:2]))


@settings(deadline=None, max_examples=20)
@given(
    turn=strategies.tuples(*[strategies.floats(-3, 3)] * 3),
    shift=strategies.tuples(*[strategies.floats(-9, 9)] * 3),
    scale=strategies.floats(0.1, 10),
)
def test_another_world_is_the_same_picture(turn, shift, scale):
    rotation = bundle.Rotation.from_rotvec(turn).as_matrix()
    change = place.Similarity(scale, rotation, np.array(shift))
    points_m, _ = pixels(10)
    there = change.of_rig(TRUE)
    np.testing.assert_allclose(
        project(there, change.of_points(points_m)), project(TRUE, points_m), atol=1e-6
    )
    back = place.put_like(there, TRUE)
    assert place.moved_m(TRUE, back).max() < 1e-9
    assert place.turned_deg(TRUE, back).max() < 1e-6


def test_what_is_held_is_held():
    back = place.put_like(place.scaled(KNOCKED, 3.0), TRUE)
    ours, theirs = (place.centre_m(one.cam_from_world) for one in (back, TRUE))
    np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=1e-12)
    spread = [np.linalg.norm(one - one.mean(axis=0)) for one in (ours, theirs)]
    assert spread[0] == pytest.approx(spread[1])
