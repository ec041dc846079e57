"""Kalman filter of keypoints: position and velocity of each, constant velocity, all at once.

Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001,
section 6.2.2 (continuous white-noise acceleration): the noise grows with the time that really
passed, whatever the frame rate. Letters: J keypoints. P is a covariance (6, 6), p and v its
position and velocity halves.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel, plain

_FIRST_SPEED_SD_M_S = 2.0


class KeypointFilter(msgspec.Struct, frozen=True):
    """What is believed of J keypoints at one time; NaN where nothing is."""

    t_ns: int
    mean: F64  # (J, 6) m, m/s
    covariance: F64  # (J, 6, 6)
    seen_ns: F64  # (J,) time of the last measurement, NaN for never

    @property
    def points_m(self) -> F64:
        """Positions (J, 3)."""
        return self.mean[:, :3]


def empty(t_ns: int, n_keypoints: int) -> KeypointFilter:
    """Return a filter that knows nothing."""
    return KeypointFilter(
        t_ns=t_ns,
        mean=np.full((n_keypoints, 6), np.nan),
        covariance=np.full((n_keypoints, 6, 6), np.nan),
        seen_ns=np.full(n_keypoints, np.nan),
    )


def predict(state: KeypointFilter, t_ns: int, density_m2_s3: float | F64) -> KeypointFilter:
    """Move to another time; keypoints nothing is known of stay NaN.

    ``density_m2_s3`` is the power of the acceleration noise, one for all or one for each (J,).
    """
    dt_s = (t_ns - state.t_ns) * 1e-9
    density = np.empty(len(state.mean))
    density[:] = density_m2_s3
    mean, covariance = _predict(plain(state.mean), plain(state.covariance), dt_s, density)
    return KeypointFilter(t_ns, mean, covariance, state.seen_ns)


def update(
    state: KeypointFilter, points_m: F64, covariance_m2: F64, gate_sd: float
) -> KeypointFilter:
    """Take in measured positions (J, 3) with covariances (J, 3, 3); NaN = not measured.

    A measurement further than ``gate_sd`` from the prediction is believed less: its covariance is
    widened until it lies on the gate. A keypoint nothing was known of begins where it is measured.
    """
    mean, covariance, seen_ns = _update(
        plain(state.mean),
        plain(state.covariance),
        plain(state.seen_ns),
        float(state.t_ns),
        plain(points_m),
        plain(covariance_m2),
        float(gate_sd),
    )
    return KeypointFilter(state.t_ns, mean, covariance, seen_ns)


def off_gate(
    state: KeypointFilter, points_m: F64, covariance_m2: F64, gate_sd: float
) -> NDArray[np.bool_]:
    """Flag the keypoints (J,) measured further than ``gate_sd`` from their prediction."""
    return _off_gate(
        plain(state.mean),
        plain(state.covariance),
        plain(points_m),
        plain(covariance_m2),
        float(gate_sd),
    )


def forget(state: KeypointFilter, after_ns: float) -> KeypointFilter:
    """Make keypoints not measured for so long unknown again."""
    stale = ~(state.t_ns - state.seen_ns <= after_ns)
    if not stale.any():
        return state
    mean, covariance = state.mean.copy(), state.covariance.copy()
    mean[stale], covariance[stale] = np.nan, np.nan
    return KeypointFilter(state.t_ns, mean, covariance, np.where(stale, np.nan, state.seen_ns))


@kernel
def _predict(mean: F64, covariance: F64, dt_s: float, density: F64) -> tuple[F64, F64]:
    moved, spread = mean.copy(), covariance.copy()
    for j in range(len(mean)):
        for i in range(3):
            moved[j, i] += dt_s * mean[j, 3 + i]
        _spread(covariance[j], dt_s, density[j], spread[j])
    return moved, spread


@kernel
def _spread(before: F64, dt_s: float, density: float, after: F64) -> None:
    """F P F^T + Q for one keypoint, (6, 6) into (6, 6) that holds the same values."""
    for i in range(3):
        for k in range(3):
            speed = dt_s * before[3 + i, 3 + k]
            after[i, k] += dt_s * (before[i, 3 + k] + before[3 + i, k] + speed)
            after[i, 3 + k] += speed
            after[3 + i, k] += speed
        after[i, i] += density * dt_s**3 / 3
        after[i, 3 + i] += density * dt_s**2 / 2
        after[3 + i, i] += density * dt_s**2 / 2
        after[3 + i, 3 + i] += density * dt_s


@kernel
def _update(
    mean: F64,
    covariance: F64,
    seen_ns: F64,
    t_ns: float,
    points_m: F64,
    covariance_m2: F64,
    gate_sd: float,
) -> tuple[F64, F64, F64]:
    corrected, reduced, measured_ns = mean.copy(), covariance.copy(), seen_ns.copy()
    inverse, gain = np.empty((3, 3)), np.empty((6, 3))
    for j in range(len(mean)):
        if not _all_finite(points_m[j]):
            continue
        measured_ns[j] = t_ns
        if _all_finite(mean[j]):
            distance2 = _innovate(mean[j], covariance[j], points_m[j], covariance_m2[j], inverse)
            believed = 1.0 / max(distance2 / (gate_sd * gate_sd), 1.0)
            _correct(covariance[j], inverse, believed, gain, reduced[j])
            for i in range(6):
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
    """Gain (6, 3) and the reduced covariance (6, 6), symmetric, of one keypoint."""
    for i in range(6):
        for k in range(3):
            gain[i, k] = 0.0
            for m in range(3):
                gain[i, k] += covariance[i, m] * inverse[m, k] * believed
    for i in range(6):
        for k in range(i, 6):
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
        for k in range(3):
            covariance[i, k] = covariance_m2[i, k]


@kernel
def _off_gate(
    mean: F64, covariance: F64, points_m: F64, covariance_m2: F64, gate_sd: float
) -> NDArray[np.bool_]:
    flags, inverse = np.zeros(len(mean), np.bool_), np.empty((3, 3))
    for j in range(len(mean)):
        if _all_finite(points_m[j]) and _all_finite(mean[j]):
            distance2 = _innovate(mean[j], covariance[j], points_m[j], covariance_m2[j], inverse)
            flags[j] = distance2 > gate_sd * gate_sd
    return flags
