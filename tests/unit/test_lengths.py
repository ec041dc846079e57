"""Segment lengths: learnt robustly, held softly."""

import msgspec
import numpy as np
import pytest

from core import fusion, kalman, lengths, synthetic, synthetic_trials
from core.anatomy import anatomy_of
from core.config import FusionConfig
from core.synthetic_scenes import Faults
from core.synthetic_trials import Trial
from core.triangulate import Triangulated

SEGMENTS = anatomy_of("HALPE_26").segments
TRUE_M = np.linalg.norm(np.diff(synthetic.standing_m()[SEGMENTS], axis=1)[:, 0], axis=1)


def measured(points_m: np.ndarray, n_views: int = 4) -> Triangulated:
    spread = np.tile(np.eye(3) * 1e-4, (26, 1, 1))
    return Triangulated(points_m, spread, np.full(26, n_views), np.zeros((4, 26)))


def learnt(outliers: float) -> lengths.Lengths:
    rng, known = np.random.default_rng(0), None
    for _ in range(400):
        points_m = synthetic.standing_m() + rng.normal(0, 0.005, (26, 3))
        points_m[rng.random(26) < outliers] += 0.5
        known = lengths.learn(known, measured(points_m), SEGMENTS)
    assert known is not None
    return known


@pytest.mark.parametrize("outliers", [0.0, 0.05])
def test_the_lengths_are_learnt_also_among_outliers(outliers):
    known = learnt(outliers)
    np.testing.assert_allclose(known.mean_m, TRUE_M, atol=0.004 if outliers else 0.002)
    assert (known.sd_m < 0.02).all()


def test_two_cameras_and_what_is_missing_teach_nothing():
    points_m = synthetic.standing_m()
    assert lengths.learn(None, measured(points_m, 2), SEGMENTS).count.sum() == 0
    points_m[SEGMENTS[0, 0]] = np.nan
    count = lengths.learn(None, measured(points_m), SEGMENTS).count
    assert count[0] == 0
    assert count.sum() >= 6


def test_both_ends_move_to_the_length_and_the_middle_stays():
    known = learnt(0.0)
    spread = np.tile(np.eye(3) * 4e-4, (26, 1, 1))
    wrong = synthetic.standing_m()
    a, b = SEGMENTS[0]
    wrong[a] += 0.05 * (wrong[a] - wrong[b]) / TRUE_M[0]
    state = kalman.update(kalman.empty(0, 26), wrong, spread, 5.0)
    only = msgspec.structs.replace(known, count=np.where(np.arange(10) == 0, 400.0, 0.0))
    held = lengths.hold(state, only, SEGMENTS)
    length_m = np.linalg.norm(held.points_m[a] - held.points_m[b])
    assert TRUE_M[0] < length_m < TRUE_M[0] + 0.01
    np.testing.assert_allclose(held.points_m[[a, b]].mean(axis=0), wrong[[a, b]].mean(axis=0))
    np.testing.assert_array_equal(held.covariance, state.covariance)


def test_held_lengths_vary_less_and_a_frozen_state_keeps_its_bits():
    trial = Trial("held", duration_s=3.0, faults=Faults(noise_px=3.0))
    rig, messages = synthetic_trials.scene(trial)
    config = FusionConfig(segment_lengths=True)
    whole = synthetic_trials.fuse(rig, messages, config)
    state, poses = fusion.FusionState(), []
    for number, message in enumerate(messages):
        state = fusion.thaw(fusion.freeze(state)) if number % 100 == 0 else state
        state, done = fusion.step(state, message, rig, config)
        poses += done
    assert poses == whole
    free = synthetic_trials.fuse(rig, messages, FusionConfig())
    assert free[:50] == whole[:50]
    assert free[-1] != whole[-1]
