"""Kalman filter in plain numpy, all matrices written out: what the kernels are compared with."""

import numpy as np
from numpy.typing import NDArray

from core.kalman import KeypointFilter

F64 = NDArray[np.float64]

_FIRST_SPEED_SD_M_S = 2.0


def predict(state: KeypointFilter, t_ns: int, density_m2_s3: float) -> KeypointFilter:
    """Move to another time; keypoints nothing is known of stay NaN."""
    dt = (t_ns - state.t_ns) * 1e-9
    step, identity = np.eye(6), np.eye(3)
    step[:3, 3:] = identity * dt
    noise = np.block(
        [
            [identity * dt**3 / 3, identity * dt**2 / 2],
            [identity * dt**2 / 2, identity * dt],
        ]
    )
    covariance = step @ state.covariance @ step.T + noise * density_m2_s3
    return KeypointFilter(t_ns, state.mean @ step.T, covariance, state.seen_ns)


def update(
    state: KeypointFilter, points_m: F64, covariance_m2: F64, gate_sd: float
) -> KeypointFilter:
    """Take in measured positions (J, 3) with covariances (J, 3, 3); NaN = not measured.

    A measurement further than ``gate_sd`` from the prediction is believed less: its covariance is
    widened until it lies on the gate. A keypoint nothing was known of begins where it is measured.
    """
    measured = np.isfinite(points_m).all(axis=1)
    known = np.isfinite(state.mean).all(axis=1)
    mean, covariance = state.mean.copy(), state.covariance.copy()
    old = measured & known
    mean[old], covariance[old] = _correct(
        state.mean[old], state.covariance[old], points_m[old], covariance_m2[old], gate_sd
    )
    new = measured & ~known
    mean[new] = np.concatenate([points_m[new], np.zeros_like(points_m[new])], axis=1)
    covariance[new] = 0.0
    covariance[new, :3, :3] = covariance_m2[new]
    covariance[new, 3:, 3:] = np.eye(3) * _FIRST_SPEED_SD_M_S**2
    seen_ns = np.where(measured, float(state.t_ns), state.seen_ns)
    return KeypointFilter(state.t_ns, mean, covariance, seen_ns)


def _correct(
    mean: F64, covariance: F64, points_m: F64, covariance_m2: F64, gate_sd: float
) -> tuple[F64, F64]:
    innovation = points_m - mean[:, :3]
    spread = covariance[:, :3, :3] + covariance_m2
    distance2 = _squared_distance(innovation, spread)
    widening = np.maximum(distance2 / gate_sd**2, 1.0)[:, None, None]
    spread = spread * widening
    gain = np.linalg.solve(spread, covariance[:, :3, :]).transpose(0, 2, 1)  # (J, 6, 3)
    corrected = mean + np.einsum("jik,jk->ji", gain, innovation)
    reduced = covariance - gain @ spread @ gain.transpose(0, 2, 1)
    return corrected, (reduced + reduced.transpose(0, 2, 1)) / 2


def _squared_distance(innovation: F64, spread: F64) -> F64:
    whitened = np.linalg.solve(spread, innovation[..., None])[..., 0]
    return (innovation * whitened).sum(axis=-1)


def off_gate(
    state: KeypointFilter, points_m: F64, covariance_m2: F64, gate_sd: float
) -> NDArray[np.bool_]:
    """Flag the keypoints (J,) measured further than ``gate_sd`` from their prediction."""
    both = np.isfinite(points_m).all(axis=1) & np.isfinite(state.mean).all(axis=1)
    flags = np.zeros(both.shape, dtype=bool)
    spread = state.covariance[both, :3, :3] + covariance_m2[both]
    innovation = points_m[both] - state.points_m[both]
    flags[both] = _squared_distance(innovation, spread) > gate_sd**2
    return flags


def forget(state: KeypointFilter, after_ns: float) -> KeypointFilter:
    """Make keypoints not measured for so long unknown again."""
    age_ns = state.t_ns - state.seen_ns
    stale = ~(age_ns <= after_ns)
    mean, covariance = state.mean.copy(), state.covariance.copy()
    mean[stale], covariance[stale] = np.nan, np.nan
    return KeypointFilter(state.t_ns, mean, covariance, np.where(stale, np.nan, state.seen_ns))
