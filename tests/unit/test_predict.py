"""Predictions and their error, measured when their time has come."""

import numpy as np
import pytest

from core import fusion, kalman, predict, synthetic
from core.config import FusionConfig
from core.messages import Pose3D, view
from core.predict import Promises

RIG = synthetic.ring(4)
WALK_M = synthetic.walk_m(480)
NS = 1_000_000_000


def walked(config: FusionConfig, period_ns: int = NS // 60) -> list[Pose3D]:
    state, poses = fusion.FusionState(), []
    messages = synthetic.seen(RIG, WALK_M, noise_px=2.0, period_ns=period_ns)
    for message in messages:
        state, done = fusion.step(state, message, RIG, config)
        poses += done
    return poses


def standing(velocity_m_s: float) -> kalman.KeypointFilter:
    spread = np.broadcast_to(np.eye(3) * 1e-4, (26, 3, 3))
    state = kalman.update(kalman.empty(0, 26), synthetic.standing_m(), spread, 5.0)
    state.mean[:, 3] = velocity_m_s
    return state


def test_it_goes_on_as_it_went_and_knows_less_and_less():
    soon, late = (predict.ahead(standing(1.0), t_ns, 10.0) for t_ns in (NS // 50, NS // 10))
    moved_m = late.points_m - synthetic.standing_m()
    np.testing.assert_allclose(moved_m, np.tile([0.1, 0, 0], (26, 1)), atol=1e-12)
    assert (late.covariance_m2[:, 0, 0] > soon.covariance_m2[:, 0, 0]).all()


def test_nothing_is_predicted_for_long():
    assert np.isfinite(predict.ahead(standing(1.0), 150_000_000, 10.0).points_m).all()
    assert np.isnan(predict.ahead(standing(1.0), 151_000_000, 10.0).points_m).all()


@pytest.mark.parametrize("model", ["constant_velocity", "constant_acceleration"])
@pytest.mark.parametrize("frames", [2, 3, 6])
def test_the_measured_error_is_the_error(model, frames):
    """What is published against the truth that nobody knows live; measuring has its own 8 mm."""
    ahead_ms = frames * 1000 / 60
    config = FusionConfig(motion_model=model, predict_ms=ahead_ms)
    poses, state = walked(config), Promises()
    for pose in poses:
        state = predict.step(state, pose)
    (said,) = predict.report(state)
    predicted_m = np.stack([view(pose.persons[0], "predicted_m") for pose in poses])
    rest = predicted_m[120:-frames] - WALK_M[120 + frames : len(poses)]
    true_mm = 1e3 * float(np.sqrt((rest**2).sum(axis=-1).mean()))
    print(
        f"{model}, {ahead_ms:.0f} ms ahead: measured {said.predicted_mm:.1f} mm, true "
        f"{true_mm:.1f} mm, held {said.held_mm:.1f} mm"
    )
    assert said.predicted_mm == pytest.approx(np.hypot(true_mm, 8.0), rel=0.25)
    assert said.predicted_mm < said.held_mm


def test_without_noise_and_way_there_is_no_error():
    still = np.repeat(WALK_M[:1], 60, axis=0)
    state, promises = fusion.FusionState(), Promises()
    for message in synthetic.seen(RIG, still):
        state, poses = fusion.step(state, message, RIG, FusionConfig())
        for pose in poses:
            promises = predict.step(promises, pose)
    assert predict.report(promises)[0].predicted_mm < 0.1


def test_memory_is_bounded_and_who_left_is_forgotten():
    state = Promises()
    for pose in walked(FusionConfig(predict_ms=150.0), period_ns=NS // 1000):
        state = predict.step(state, pose)
    assert len(state.open) <= 64
    gone = Pose3D(
        t_ns=state.last_ns + 1, instant=0, skeleton="HALPE_26", cameras=(), frames=(), consumed=()
    )
    assert predict.report(predict.step(state, gone)) == ()
