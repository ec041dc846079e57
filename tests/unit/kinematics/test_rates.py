import numpy as np
import pytest

from core.kinematics import rates

PERIOD_NS = 20_000_000
ONE = np.ones(1)


def follow(values, *, turns=0.0, sd=0.01, density=100.0):
    state = rates.empty(1)
    for i, value in enumerate(values):
        found = np.array([value])
        state = rates.step(state, (i + 1) * PERIOD_NS, found, sd * ONE, density * ONE, turns * ONE)
    return state


def test_a_steady_turn_has_its_rate():
    assert follow(0.3 + 0.02 * np.arange(100)).rate[0] == pytest.approx(1.0, abs=1e-3)


def test_an_angle_goes_on_at_its_other_end():
    angles = np.angle(np.exp(1j * (3.0 + 0.02 * np.arange(100))))
    assert np.ptp(angles) > 6
    assert follow(angles, turns=2 * np.pi).rate[0] == pytest.approx(1.0, abs=1e-3)


def test_what_is_not_observed_is_predicted_then_forgotten():
    values = list(0.02 * np.arange(50))
    assert follow([*values, *[np.nan] * 10]).rate[0] == pytest.approx(1.0, abs=0.01)
    state = follow(values)
    late = rates.step(state, state.t_ns + 10**9, ONE * np.nan, ONE, 100 * ONE, 0 * ONE)
    assert np.isnan(late.rate[0])


def test_the_spread_is_that_of_the_textbook():
    """One prediction and one update, written as matrices."""
    state = follow([0.1, 0.15, 0.18])
    dt, q = 0.02, 100.0
    a, b, c = state.spread[:, 0]
    move = np.array([[1, dt], [0, 1]])
    noise = q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    predicted = move @ np.array([[a, b], [b, c]]) @ move.T + noise
    gain = predicted[:, 0] / (predicted[0, 0] + 1e-4)
    expected = predicted - np.outer(gain, predicted[0])
    after = rates.step(state, 4 * PERIOD_NS, 0.2 * ONE, 0.01 * ONE, q * ONE, 0 * ONE)
    np.testing.assert_allclose(
        after.spread[:, 0], [expected[0, 0], expected[0, 1], expected[1, 1]], rtol=1e-10
    )
