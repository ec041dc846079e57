"""Inner loops of the Kalman filter, behind ``core.kalman``.

Letters: J keypoints; S states of each: position, velocity and perhaps acceleration, 6 or 9.
"""

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel

_FIRST_SPEED_SD_M_S = 2.0
_FIRST_ACCELERATION_SD_M_S2 = 10.0


@kernel
def predict(mean: F64, covariance: F64, dt_s: float, density: F64) -> tuple[F64, F64]:
    """Means (J, S) and covariances (J, S, S) after ``dt_s``; see ``core.kalman.predict``."""
    moved, spread = np.zeros_like(mean), np.empty_like(covariance)
    n_states = mean.shape[1]
    scratch = np.empty((n_states, n_states))
    for j in range(len(mean)):
        for i in range(n_states):
            share = 1.0
            for n, k in enumerate(range(i, n_states, 3)):
                share = share * dt_s / n if n > 0 else 1.0
                moved[j, i] += share * mean[j, k]
        _spread(covariance[j], dt_s, scratch, spread[j])
        _add_noise(density[j], dt_s, spread[j])
    return moved, spread


@kernel
def _spread(before: F64, dt_s: float, scratch: F64, after: F64) -> None:
    """F P F^T of one keypoint; F adds dt^n / n! times the n-th derivative."""
    n_states = len(before)
    for i in range(n_states):
        for m in range(n_states):
            share, total = 1.0, 0.0
            for n, k in enumerate(range(i, n_states, 3)):
                share = share * dt_s / n if n > 0 else 1.0
                total += share * before[k, m]
            scratch[i, m] = total
    for i in range(n_states):
        for m in range(n_states):
            share, total = 1.0, 0.0
            for n, k in enumerate(range(m, n_states, 3)):
                share = share * dt_s / n if n > 0 else 1.0
                total += share * scratch[i, k]
            after[i, m] = total


@kernel
def _add_noise(density: float, dt_s: float, covariance: F64) -> None:
    """Add the noise that came in through the highest derivative and was integrated since."""
    order = len(covariance) // 3 - 1
    for r in range(order + 1):
        for s in range(order + 1):
            a, b = order - r, order - s
            below = (a + b + 1) * max(a, 1) * max(b, 1)  # a! and b!, both below 3
            noise = density * dt_s ** (a + b + 1) / below
            for i in range(3):
                covariance[3 * r + i, 3 * s + i] += noise


@kernel
def update(
    mean: F64,
    covariance: F64,
    seen_ns: F64,
    t_ns: float,
    points_m: F64,
    covariance_m2: F64,
    gate_sd: float,
) -> tuple[F64, F64, F64]:
    """Means, covariances and times of the last measurement; see ``core.kalman.update``."""
    corrected, reduced, measured_ns = mean.copy(), covariance.copy(), seen_ns.copy()
    inverse, gain = np.empty((3, 3)), np.empty((mean.shape[1], 3))
    for j in range(len(mean)):
        if not _all_finite(points_m[j]):
            continue
        measured_ns[j] = t_ns
        if _all_finite(mean[j]):
            distance2 = _innovate(mean[j], covariance[j], points_m[j], covariance_m2[j], inverse)
            believed = 1.0 / max(distance2 / (gate_sd * gate_sd), 1.0)
            _correct(covariance[j], inverse, believed, gain, reduced[j])
            for i in range(mean.shape[1]):
                for k in range(3):
                    corrected[j, i] += gain[i, k] * (points_m[j, k] - mean[j, k])
        else:
            _begin(points_m[j], covariance_m2[j], corrected[j], reduced[j])
    return corrected, reduced, measured_ns


@kernel
def _all_finite(values: F64) -> bool:
    finite = True
    for value in values:
        finite = finite and np.isfinite(value)
    return finite


@kernel
def _innovate(mean: F64, covariance: F64, point_m: F64, covariance_m2: F64, inverse: F64) -> float:
    """Mahalanobis distance squared of a measurement; leaves the inverse of its spread (3, 3)."""
    _invert(covariance, covariance_m2, inverse)
    distance2 = 0.0
    for i in range(3):
        for k in range(3):
            distance2 += (point_m[i] - mean[i]) * inverse[i, k] * (point_m[k] - mean[k])
    return distance2


@kernel
def _invert(covariance: F64, covariance_m2: F64, inverse: F64) -> None:
    """Inverse of the sum of two positive definite matrices' first 3x3, by L D L^T.

    Cofactors would lose all digits where two rays are nearly parallel.
    """
    d0 = covariance[0, 0] + covariance_m2[0, 0]
    l10 = (covariance[0, 1] + covariance_m2[0, 1]) / d0
    l20 = (covariance[0, 2] + covariance_m2[0, 2]) / d0
    d1 = covariance[1, 1] + covariance_m2[1, 1] - l10 * l10 * d0
    l21 = (covariance[1, 2] + covariance_m2[1, 2] - l10 * l20 * d0) / d1
    d2 = covariance[2, 2] + covariance_m2[2, 2] - l20 * l20 * d0 - l21 * l21 * d1
    across = l10 * l21 - l20  # last row of L^-1 is (across, -l21, 1)
    inverse[0, 0] = 1 / d0 + l10 * l10 / d1 + across * across / d2
    inverse[0, 1] = inverse[1, 0] = -l10 / d1 - across * l21 / d2
    inverse[0, 2] = inverse[2, 0] = across / d2
    inverse[1, 1] = 1 / d1 + l21 * l21 / d2
    inverse[1, 2] = inverse[2, 1] = -l21 / d2
    inverse[2, 2] = 1 / d2


@kernel
def _correct(covariance: F64, inverse: F64, believed: float, gain: F64, reduced: F64) -> None:
    """Gain (S, 3) and the reduced covariance (S, S), symmetric, of one keypoint."""
    for i in range(len(gain)):
        for k in range(3):
            gain[i, k] = 0.0
            for m in range(3):
                gain[i, k] += covariance[i, m] * inverse[m, k] * believed
    for i in range(len(gain)):
        for k in range(i, len(gain)):
            taken = 0.0
            for m in range(3):
                taken += gain[i, m] * covariance[k, m] + gain[k, m] * covariance[i, m]
            reduced[i, k] = (covariance[i, k] + covariance[k, i] - taken) / 2
            reduced[k, i] = reduced[i, k]


@kernel
def _begin(point_m: F64, covariance_m2: F64, mean: F64, covariance: F64) -> None:
    mean[3:] = 0.0
    covariance[:] = 0.0
    for i in range(3):
        mean[i] = point_m[i]
        covariance[3 + i, 3 + i] = _FIRST_SPEED_SD_M_S * _FIRST_SPEED_SD_M_S
        if len(mean) > 6:
            covariance[6 + i, 6 + i] = _FIRST_ACCELERATION_SD_M_S2 * _FIRST_ACCELERATION_SD_M_S2
        for k in range(3):
            covariance[i, k] = covariance_m2[i, k]


@kernel
def off_gate(
    mean: F64, covariance: F64, points_m: F64, covariance_m2: F64, gate_sd: float
) -> NDArray[np.bool_]:
    """See ``core.kalman.off_gate``."""
    flags, inverse = np.zeros(len(mean), np.bool_), np.empty((3, 3))
    for j in range(len(mean)):
        if _all_finite(points_m[j]) and _all_finite(mean[j]):
            distance2 = _innovate(mean[j], covariance[j], points_m[j], covariance_m2[j], inverse)
            flags[j] = distance2 > gate_sd * gate_sd
    return flags
