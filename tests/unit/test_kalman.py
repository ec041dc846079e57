import filterpy.kalman
import numpy as np
import pytest
from filterpy.common import Q_continuous_white_noise

from core import kalman, synthetic
from tests.unit import kalman_reference

NS = 1_000_000_000


@pytest.mark.parametrize("model", ["constant_velocity", "constant_acceleration"])
def test_it_is_the_textbook_filter(model):
    """Against filterpy, at uneven times, for one keypoint."""
    order = {"constant_velocity": 2, "constant_acceleration": 3}[model]
    rng = np.random.default_rng(3)
    times_ns = np.cumsum(rng.integers(5_000_000, 40_000_000, 60))
    measured = np.cumsum(rng.normal(0, 0.02, (60, 3)), axis=0)
    noise = np.diag([1e-4, 2e-4, 3e-4])
    state = kalman.update(kalman.empty(int(times_ns[0]), 1, model), measured[:1], noise[None], 1e9)
    theirs = filterpy.kalman.KalmanFilter(dim_x=3 * order, dim_z=3)
    theirs.x = np.concatenate([measured[0], np.zeros(3 * order - 3)])[:, None]
    theirs.P = np.diag([1e-4, 2e-4, 3e-4, *[4.0] * 3, *[100.0] * 3][: 3 * order])
    theirs.R, theirs.H = noise, np.eye(3, 3 * order)
    for before, now, point in zip(times_ns, times_ns[1:], measured[1:], strict=False):
        dt = (now - before) / NS
        powers = np.array([[0, 1, 2], [0, 0, 1], [0, 0, 0]])[:order, :order]
        step = np.triu(dt**powers / np.array([1, 1, 2])[powers])
        q = np.asarray(Q_continuous_white_noise(order, dt, 10.0))
        theirs.predict(F=np.kron(step, np.eye(3)), Q=np.kron(q, np.eye(3)))
        theirs.update(point[:, None])
        state = kalman.update(kalman.predict(state, int(now), 10.0), point[None], noise[None], 1e9)
    np.testing.assert_allclose(state.mean[0], theirs.x[:, 0], rtol=1e-9)
    np.testing.assert_allclose(state.covariance[0], theirs.P, rtol=1e-9, atol=1e-12)


def spreads(rng: np.random.Generator) -> np.ndarray:
    """Seeded measurement covariances (26, 3, 3) m2."""
    root = rng.normal(0, 0.02, (26, 3, 3))
    return root @ root.transpose(0, 2, 1) + np.eye(3) * 1e-5


def test_the_kernels_are_the_matrices():
    """Against the same filter in numpy, at uneven times, with gaps and outliers."""
    rng = np.random.default_rng(5)
    ours = theirs = kalman.empty(0, 26)
    for frame, truth_m in enumerate(synthetic.walk_m(120)):
        now = frame * 16_666_667 + int(rng.integers(0, 3_000_000))
        points_m, spread = truth_m + rng.normal(0, 0.02, truth_m.shape), spreads(rng)
        points_m[rng.random(26) < 0.2] = np.nan
        points_m[rng.random(26) < 0.05] += 2.0
        ours, theirs = kalman.predict(ours, now, 10.0), kalman_reference.predict(theirs, now, 10.0)
        off = kalman_reference.off_gate(theirs, points_m, spread, 5.0)
        np.testing.assert_array_equal(kalman.off_gate(ours, points_m, spread, 5.0), off)
        ours = kalman.forget(kalman.update(ours, points_m, spread, 5.0), 5e7)
        theirs = kalman_reference.update(theirs, points_m, spread, 5.0)
        theirs = kalman_reference.forget(theirs, 5e7)
        np.testing.assert_allclose(ours.mean, theirs.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(ours.seen_ns, theirs.seen_ns)


def test_each_keypoint_may_have_its_own_noise():
    state, density = measured_standing(), np.linspace(1.0, 26.0, 26)
    moved = kalman.predict(state, NS // 10, density)
    for j in (0, 25):
        alone = kalman.predict(state, NS // 10, float(density[j]))
        np.testing.assert_array_equal(moved.covariance[j], alone.covariance[j])
    same = kalman.predict(state, NS // 10, np.full(26, 10.0))
    np.testing.assert_array_equal(same.covariance, kalman.predict(state, NS // 10, 10.0).covariance)


def test_a_very_long_covariance_does_no_harm():
    """Nearly parallel rays: nine orders of magnitude between the axes, in a slanted direction."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    spread = np.tile(turn @ np.diag([1e4, 1e-5, 1e-5]) @ turn.T, (26, 1, 1))
    state = kalman.predict(measured_standing(), NS // 60, 10.0)
    after = kalman.update(state, synthetic.standing_m() + 0.01, spread, 5.0)
    theirs = kalman_reference.update(state, synthetic.standing_m() + 0.01, spread, 5.0)
    np.testing.assert_allclose(after.mean, theirs.mean, atol=1e-7)
    assert (np.linalg.eigvalsh(after.covariance) > -1e-12).all()


def measured_standing(t_ns: int = 0) -> kalman.KeypointFilter:
    covariance = np.broadcast_to(np.eye(3) * 1e-4, (26, 3, 3))
    return kalman.update(kalman.empty(t_ns, 26), synthetic.standing_m(), covariance, 5.0)


def test_uncertainty_grows_while_nothing_is_seen():
    state = measured_standing()
    soon, late = (kalman.predict(state, t_ns, 10.0) for t_ns in (NS // 100, NS // 10))
    spread = [np.trace(one.covariance[0, :3, :3]) for one in (state, soon, late)]
    assert spread[0] < spread[1] < spread[2]


def test_predicting_in_two_steps_is_predicting_in_one():
    state = measured_standing()
    once = kalman.predict(state, NS // 10, 10.0)
    twice = kalman.predict(kalman.predict(state, NS // 30, 10.0), NS // 10, 10.0)
    np.testing.assert_allclose(once.mean, twice.mean)
    np.testing.assert_allclose(once.covariance, twice.covariance)


def test_a_wild_measurement_moves_less_than_a_gate_away():
    state = kalman.predict(measured_standing(), NS // 60, 10.0)
    wild = synthetic.standing_m() + np.array([3.0, 0.0, 0.0])
    covariance = np.broadcast_to(np.eye(3) * 1e-4, (26, 3, 3))
    moved = kalman.update(state, wild, covariance, 5.0)
    spread_m = np.sqrt(state.covariance[:, 0, 0] + 1e-4)
    assert (moved.mean[:, 0] - state.mean[:, 0] < 5 * spread_m).all()
    assert kalman.off_gate(state, wild, covariance, 5.0).all()


def test_missing_measurements_leave_the_prediction():
    state = kalman.predict(measured_standing(), NS // 60, 10.0)
    nothing = np.full((26, 3), np.nan)
    after = kalman.update(state, nothing, np.tile(np.eye(3), (26, 1, 1)), 5.0)
    np.testing.assert_array_equal(after.mean, state.mean)


def test_what_was_not_seen_for_long_is_unknown():
    state = kalman.predict(measured_standing(), NS, 10.0)
    assert np.isfinite(kalman.forget(state, 2 * NS).mean).all()
    assert np.isnan(kalman.forget(state, NS / 2).mean).all()
    assert np.isnan(kalman.forget(state, NS / 2).seen_ns).all()
