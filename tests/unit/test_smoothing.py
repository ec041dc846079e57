import numpy as np
import pytest

from core import smoothing
from core.errors import ConfigError

RATE_HZ = 60.0


def wave(hz: float, n: int = 600) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n) / RATE_HZ)


def test_slow_movement_passes_without_delay_and_noise_does_not():
    values = np.column_stack([wave(0.5), wave(0.5) + 0.2 * wave(25)])
    smooth = smoothing.butterworth(values, RATE_HZ, 6.0, 4)
    np.testing.assert_allclose(smooth[:, 0], values[:, 0], atol=2e-3)
    np.testing.assert_allclose(smooth[30:-30, 1], values[30:-30, 0], atol=2e-3)


def test_both_passes_together_halve_the_cut_off_frequency():
    smooth = smoothing.butterworth(wave(6.0)[:, None], RATE_HZ, 6.0, 4)
    assert smooth[200:400].std() / wave(6.0)[200:400].std() == pytest.approx(0.5, abs=0.01)


def test_runs_are_filtered_on_their_own_and_no_frame_is_lost():
    values = np.random.default_rng(2).normal(size=(100, 2, 3))
    values[50] = np.nan
    smooth = smoothing.butterworth(values, RATE_HZ, 6.0, 4)
    assert smooth.shape == values.shape
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(values))
    np.testing.assert_array_equal(smooth[:50], smoothing.butterworth(values[:50], RATE_HZ, 6, 4))
    np.testing.assert_array_equal(smooth[51:], smoothing.butterworth(values[51:], RATE_HZ, 6, 4))


def test_short_runs_stay_as_they_are():
    values = np.random.default_rng(3).normal(size=(9, 1))
    np.testing.assert_array_equal(smoothing.butterworth(values, RATE_HZ, 6.0, 4), values)
    assert len(smoothing.butterworth(np.empty((0, 3)), RATE_HZ, 6.0, 4)) == 0


@pytest.mark.parametrize(("cutoff_hz", "order"), [(30.0, 4), (0.0, 4), (6.0, 3), (6.0, 0)])
def test_a_filter_that_cannot_be_is_refused(cutoff_hz, order):
    with pytest.raises(ConfigError, match="filtering"):
        smoothing.butterworth(np.zeros((20, 1)), RATE_HZ, cutoff_hz, order)


def test_runs():
    assert smoothing.runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [
        slice(0, 2), slice(3, 4), slice(6, 7)
    ]  # fmt: skip
    assert smoothing.runs(np.zeros(3, bool)) == []
