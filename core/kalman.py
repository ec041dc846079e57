"""Kalman filter of keypoints: position, velocity and perhaps acceleration of each, all at once.

Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001,
sections 6.2.2 (constant velocity: the acceleration is white noise) and 6.2.3 (constant
acceleration: the jerk is), both in continuous time: the noise grows with the time that really
passed, whatever the frame rate. Letters: J keypoints; S states of each, 6 or 9, which tells the
model. The loops are in ``core.kernels_kalman``.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import kernels_kalman
from core.config import FusionConfig, MotionModel
from core.jit import F64, plain

N_STATES: dict[MotionModel, int] = {"constant_velocity": 6, "constant_acceleration": 9}


class KeypointFilter(msgspec.Struct, frozen=True):
    """What is believed of J keypoints at one time; NaN where nothing is."""

    t_ns: int
    mean: F64  # (J, S) m, m/s, m/s2
    covariance: F64  # (J, S, S)
    seen_ns: F64  # (J,) time of the last measurement, NaN for never

    @property
    def points_m(self) -> F64:
        """Positions (J, 3)."""
        return self.mean[:, :3]

    @property
    def velocity_m_s(self) -> F64:
        """Velocities (J, 3)."""
        return self.mean[:, 3:6]


def empty(t_ns: int, n_keypoints: int, model: MotionModel = "constant_velocity") -> KeypointFilter:
    """Return a filter that knows nothing."""
    n_states = N_STATES[model]
    return KeypointFilter(
        t_ns=t_ns,
        mean=np.full((n_keypoints, n_states), np.nan),
        covariance=np.full((n_keypoints, n_states, n_states), np.nan),
        seen_ns=np.full(n_keypoints, np.nan),
    )


def density(config: FusionConfig) -> float:
    """Power of the process noise for the configured model, before each keypoint's factor."""
    if config.motion_model == "constant_velocity":
        return config.acceleration_density_m2_s3
    return config.jerk_density_m2_s5


def predict(state: KeypointFilter, t_ns: int, noise: float | F64) -> KeypointFilter:
    """Move to another time; keypoints nothing is known of stay NaN.

    ``noise`` is the power of the white noise, one for all or one for each (J,): of the
    acceleration, m2/s3, for constant velocity; of the jerk, m2/s5, for constant acceleration.
    """
    dt_s = (t_ns - state.t_ns) * 1e-9
    each = np.empty(len(state.mean))
    each[:] = noise
    mean, covariance = kernels_kalman.predict(
        plain(state.mean), plain(state.covariance), dt_s, each
    )
    return KeypointFilter(t_ns, mean, covariance, state.seen_ns)


def update(
    state: KeypointFilter, points_m: F64, covariance_m2: F64, gate_sd: float
) -> KeypointFilter:
    """Take in measured positions (J, 3) with covariances (J, 3, 3); NaN = not measured.

    A measurement further than ``gate_sd`` from the prediction is believed less: its covariance is
    widened until it lies on the gate. A keypoint nothing was known of begins where it is measured.
    """
    mean, covariance, seen_ns = kernels_kalman.update(
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
    return kernels_kalman.off_gate(
        plain(state.mean),
        plain(state.covariance),
        plain(points_m),
        plain(covariance_m2),
        float(gate_sd),
    )


def forget(state: KeypointFilter, after_ns: float) -> KeypointFilter:
    """Make keypoints not measured for so long unknown again."""
    return without(state, ~(state.t_ns - state.seen_ns <= after_ns))


def without(state: KeypointFilter, unknown: NDArray[np.bool_]) -> KeypointFilter:
    """Make keypoints (J,) unknown; with none it is the state itself."""
    if not unknown.any():
        return state
    mean, covariance = state.mean.copy(), state.covariance.copy()
    mean[unknown], covariance[unknown] = np.nan, np.nan
    seen_ns = np.where(unknown, np.nan, state.seen_ns)
    return KeypointFilter(state.t_ns, mean, covariance, seen_ns)
