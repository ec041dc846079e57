"""Covariances of keypoints as weights and shapes, and what the fusion makes of them."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import fusion, synthetic, synthetic_trials
from core.cameras import project, undistort
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.synthetic_scenes import Faults
from core.synthetic_trials import Trial
from core.triangulate import robust
from core.whitening import matrices, whitened

RIG = synthetic.ring(4)
UNEVEN = Faults(noise_px=4.0, uneven=0.7, longest=3.0, says_covariance=True)
BRIEF = Trial("brief", duration_s=2.0, faults=UNEVEN)


@settings(deadline=None)
@given(st.tuples(*[st.floats(0.6, 50.0)] * 2), st.floats(-0.95, 0.95))
def test_whitened_errors_are_even_and_as_large_as_the_weight_says(sd_px, correlation):
    long, short = sd_px
    between = correlation * long * short
    found = whitened(np.ones(1), np.array([[long**2, short**2, between]]), 6.0)
    assert found.whitening is not None
    matrix = matrices(found.whitening)[0]
    covariance = np.array([[long**2, between], [between, short**2]])
    even = matrix @ covariance @ matrix
    size_px2 = np.sqrt(np.linalg.det(covariance))
    np.testing.assert_allclose(even, size_px2 * np.eye(2), rtol=1e-6, atol=1e-6 * size_px2)
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    assert found.weight[0] == pytest.approx(6.0 / max(np.sqrt(size_px2), 0.5))


def test_what_has_no_covariance_counts_by_its_confidence():
    unknown, hidden = [np.nan] * 3, [4.0, 4.0, 0.0]
    found = whitened(np.array([0.8, 0.0]), np.array([unknown, hidden]), 6.0)
    assert found.weight.tolist() == [0.8, 0.0]
    assert found.whitening is not None
    assert found.whitening[0].tolist() == [1.0, 1.0, 0.0]


def fused(messages: list[Keypoints2D], config: FusionConfig, frozen_at: int = -1) -> list[Pose3D]:
    state, poses = fusion.FusionState(), list[Pose3D]()
    for number, message in enumerate(messages):
        if number == frozen_at:
            state = fusion.thaw(fusion.freeze(state))
        state, done = fusion.step(state, message, RIG, config)
        poses += done
    return poses


def test_without_covariances_nothing_changes_and_without_their_use_neither():
    silent = synthetic_trials.scene(replace(BRIEF, faults=replace(UNEVEN, says_covariance=False)))[
        1
    ]
    telling = synthetic_trials.scene(BRIEF)[1]
    used, unused = FusionConfig(use_covariance=True), FusionConfig(use_covariance=False)
    plain = fused(silent, unused)
    assert fused(silent, used) == plain
    assert fused(telling, unused) == plain
    assert fused(telling, used) != plain


@pytest.mark.parametrize("alignment", ["grouped", "interpolated"])
def test_a_state_in_between_goes_on_to_the_same_bits(alignment):
    messages = synthetic_trials.scene(BRIEF)[1]
    config = FusionConfig(alignment=alignment, use_covariance=True)
    assert fused(messages, config, frozen_at=101) == fused(messages, config)


def test_the_confidence_stays_what_the_network_said():
    messages = synthetic_trials.scene(BRIEF)[1]
    ours, plain = (
        fused(messages, FusionConfig(use_covariance=use))[-1].persons[0] for use in (True, False)
    )
    np.testing.assert_array_equal(view(ours, "confidence"), view(plain, "confidence"))


@pytest.mark.parametrize("seed", range(2))
def test_uneven_noise_costs_a_fifth_less_where_covariances_tell(seed):
    trial = Trial("uneven", duration_s=4.0, faults=UNEVEN)
    ours, plain = (
        synthetic_trials.run(trial, FusionConfig(use_covariance=use), seed) for use in (True, False)
    )
    print(f"covariance {ours.mean_mm:.1f} mm, confidence {plain.mean_mm:.1f} mm")
    assert ours.mean_mm < 0.8 * plain.mean_mm


def test_some_with_covariance_and_some_without_are_fused_together():
    messages = [
        one if one.camera != "cam02" else _silent(one) for one in synthetic_trials.scene(BRIEF)[1]
    ]
    assert fused(messages, FusionConfig(use_covariance=True))[-1].persons


def _silent(message: Keypoints2D) -> Keypoints2D:
    persons = tuple(msgspec.structs.replace(one, covariance_px2=b"") for one in message.persons)
    return msgspec.structs.replace(message, persons=persons)


def test_the_covariance_of_the_point_is_true():
    """The normalised errors squared of 400 instants average what they should, within 5 %."""
    rng, n = np.random.default_rng(2), 400
    squares = []
    for points_m in synthetic.walk_m(n):
        pixels = project(RIG, points_m)
        root = rng.normal(0.0, 1.0, (*pixels.shape, 2)) * 2 + np.eye(2)
        covariance = root @ np.swapaxes(root, -1, -2) + 0.3 * np.eye(2)
        noise = np.linalg.cholesky(covariance) @ rng.normal(0.0, 1.0, pixels.shape)[..., None]
        ideal_px = undistort(RIG.image_from_cam, RIG.distortion, pixels + noise[..., 0])
        told = whitened(np.ones((4, 26)), covariance[..., [0, 1, 0], [0, 1, 1]], 6.0)
        found = robust(RIG.image_from_world, ideal_px, told.weight, 6.0, whitening=told.whitening)
        error_m = (found.points_m - points_m)[..., None]
        spread = np.linalg.solve(found.covariance_m2, error_m)
        squares.append((error_m * spread).sum(axis=(1, 2)))
    mean = float(np.mean(squares))
    print(f"normalised error squared: {mean:.3f} of 3")
    assert mean == pytest.approx(3.0, rel=0.05)
