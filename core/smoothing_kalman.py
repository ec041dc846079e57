"""Kalman filter forwards and Rauch-Tung-Striebel smoother backwards, constant acceleration.

Each column is tracked by itself, in units of samples: state (position, speed a sample,
acceleration a sample²), measurements of variance 1. The covariances do not depend on what was
measured, so columns with the same runs share them, and only the means are computed for each.
filterpy does the same filter one column at a time; the tests compare both.
"""

import numpy as np
from numpy.typing import NDArray

from core.runs import over_runs

F64 = NDArray[np.float64]

_STEP = np.array([[1.0, 1.0, 0.5], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
_PUSH = np.array([0.5, 1.0, 1.0])
_FIRST_VARIANCE = 1e4  # next to nothing is known at first
_SHORTEST = 3


def kalman(values: F64, rate_hz: float, trust_ratio: float, *, both_ways: bool = True) -> F64:
    """Smooth (T, ...) as something whose acceleration changes by white noise from step to step.

    Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001,
    section 6.3.3 (discrete Wiener process acceleration); Rauch, Tung and Striebel, Maximum
    likelihood estimates of linear dynamic systems, AIAA Journal 3, 1965.

    Args:
        values: NaN where missing; runs between NaN are smoothed on their own.
        rate_hz: samples a second.
        trust_ratio: standard deviation of the change of acceleration / of a measurement, 1/s²:
            higher follows faster and smooths less.
        both_ways: False leaves the backward pass out, and the result is late.
    """
    noise = (trust_ratio / rate_hz**2) ** 2 * np.outer(_PUSH, _PUSH)
    return over_runs(values, _SHORTEST, lambda run: _smoothed(run, noise, both_ways))


def _smoothed(run: F64, noise: F64, both_ways: bool) -> F64:
    gains, filtered, predicted = _covariances(len(run), noise)
    means = _forwards(run, gains)
    return _backwards(means, filtered, predicted) if both_ways else means[:, 0]


def _covariances(n: int, noise: F64) -> tuple[F64, F64, F64]:
    """Gains (n, 3), and covariances (n, 3, 3) after and before each measurement."""
    gains, filtered, predicted = np.empty((n, 3)), np.empty((n, 3, 3)), np.empty((n, 3, 3))
    before = _FIRST_VARIANCE * np.eye(3)
    for t in range(n):
        gain = before[:, 0] / (before[0, 0] + 1.0)
        after = before - gain[:, None] * before[0]
        gains[t], filtered[t], predicted[t] = gain, after, before
        before = _STEP @ after @ _STEP.T + noise
    return gains, filtered, predicted


def _forwards(run: F64, gains: F64) -> F64:
    """Means (n, 3, K) after each measurement; they begin with the speed of the first step."""
    means = np.empty((len(run), 3, run.shape[1]))
    mean = np.stack([run[0], run[1] - run[0], np.zeros_like(run[0])])
    for t, measured in enumerate(run):
        mean = mean + gains[t][:, None] * (measured - mean[0])
        means[t] = mean
        mean = _STEP @ mean
    return means


def _backwards(means: F64, filtered: F64, predicted: F64) -> F64:
    """Positions (n, K) in the light of all measurements."""
    gains = np.linalg.solve(predicted[1:], _STEP @ filtered[:-1]).transpose(0, 2, 1)
    smooth = np.empty_like(means[:, 0])
    mean = means[-1]
    smooth[-1] = mean[0]
    for t in range(len(means) - 2, -1, -1):
        mean = means[t] + gains[t] @ (mean - _STEP @ means[t])
        smooth[t] = mean[0]
    return smooth
