"""Velocities of joint coordinates: a small Kalman filter with constant velocity on each.

Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001,
section 6.2.2, as for the keypoints; here each coordinate by itself, with its own uncertainty. The
values that go out are those measured; only the velocity is the filter's.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_FIRST_SD = 5.0  # rad/s, m/s
_LEAST_SD = 1e-3  # rad, m
_LONGEST_NS = 500_000_000


class Rates(msgspec.Struct, frozen=True):
    """What is believed of Q coordinates at one time; NaN where nothing is."""

    t_ns: int
    value: F64  # (Q,) rad, m
    rate: F64  # (Q,) rad/s, m/s
    spread: F64  # (3, Q) variance of the value, covariance, variance of the rate


def empty(n_coordinates: int) -> Rates:
    """Nothing known yet."""
    unknown = np.full(n_coordinates, np.nan)
    return Rates(0, unknown, unknown, np.full((3, n_coordinates), np.nan))


def step(state: Rates, t_ns: int, value: F64, sd: F64, density: F64, turns: F64) -> Rates:
    """Take in values (Q,) with standard deviations (Q,), not finite where not observed.

    Args:
        state: of the same person.
        t_ns: capture time.
        value: rad, m.
        sd: rad, m.
        density: (Q,) of the acceleration.
        turns: (Q,) 2 pi for an angle, which goes on at its other end; 0 for a shift.
    """
    dt_s = (t_ns - state.t_ns) * 1e-9
    if dt_s * 1e9 > _LONGEST_NS:
        state = empty(len(value))
    predicted, spread = _predicted(state, dt_s, density)
    observed = np.isfinite(value) & np.isfinite(sd)
    fresh = observed & ~np.isfinite(predicted)
    noise = np.maximum(np.where(observed, sd, 1.0), _LEAST_SD) ** 2
    off = value - predicted
    off = np.where(turns > 0, off - turns * np.round(off / np.where(turns > 0, turns, 1.0)), off)
    gain = spread[:2] / (spread[0] + noise)
    kept = observed & ~fresh
    begun = np.stack([noise, np.zeros_like(noise), np.full_like(noise, _FIRST_SD**2)])
    reduced = np.stack(
        [
            (1 - gain[0]) * spread[0],
            (1 - gain[0]) * spread[1],
            spread[2] - gain[1] * spread[1],
        ]
    )
    return Rates(
        t_ns,
        np.where(fresh, value, np.where(kept, predicted + gain[0] * off, predicted)),
        np.where(fresh, 0.0, np.where(kept, state.rate + gain[1] * off, state.rate)),
        np.where(fresh, begun, np.where(kept, reduced, spread)),
    )


def _predicted(state: Rates, dt_s: float, density: F64) -> tuple[F64, F64]:
    """Values (Q,) and spread (3, Q) moved on."""
    a, b, c = state.spread
    moved = np.stack(
        [
            a + dt_s * (2 * b + dt_s * c) + density * dt_s**3 / 3,
            b + dt_s * c + density * dt_s**2 / 2,
            c + density * dt_s,
        ]
    )
    return state.value + dt_s * state.rate, moved
