"""The offline filters on the published balancing trial: what they change, and what they cost."""

import time
from collections.abc import Callable
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from core import smoothing, trc
from core.filtering import smooth
from core.runs import as_columns
from core.smoothing_config import FilteringConfig, FilterType, KalmanConfig
from services import models

F64 = NDArray[np.float64]
Filter = Callable[[F64], F64]

_TRIAL, _POINTS = "trial", "Demo_0-100.trc"
_NO_COST = {"cpu_ms_per_frame": float("nan"), "column_by_column_ratio": float("nan")}


def measure(rounds: int) -> list[dict[str, str | float]]:
    """One row a filter over all columns of the trial, all at their defaults.

    RMS of what it changes in a coordinate (mm); mean absolute acceleration of a coordinate
    (m/s²); CPU time (ms a frame), least of ``rounds``; the same for each column by itself, as a
    ratio. The first row is the trial as it is, the last two are other people's code.
    """
    recorded = trc.parse(models.ensure(_TRIAL)[_POINTS].read_text())
    raw_m, rate_hz = as_columns(recorded.points_m), recorded.rate_hz
    rows: list[dict[str, str | float]] = [
        {"filter": "none", **_change(raw_m, raw_m, rate_hz), **_NO_COST}
    ]
    rows.append(_row("hampel", smoothing.hampel, raw_m, rate_hz, rounds))
    for name in get_args(FilterType):
        config = FilteringConfig(type=name, reject_outliers=False)
        chosen = _chosen(rate_hz, config)
        rows.append(_row(name, chosen, raw_m, rate_hz, rounds))
    slow = max(1, rounds // 20)
    rows.append(_row("kalman of filterpy", _filterpy(rate_hz), raw_m, rate_hz, slow))
    rows.append(_row("gcv_spline of scipy", _scipy_gcv, raw_m, rate_hz, slow))
    return rows


def _chosen(rate_hz: float, config: FilteringConfig) -> Filter:
    return lambda values: smooth(values, rate_hz, config)


def _row(
    name: str, filtered: Filter, raw_m: F64, rate_hz: float, rounds: int
) -> dict[str, str | float]:
    together_ms = _least_ms(lambda: filtered(raw_m), rounds) / len(raw_m)
    columns = np.ascontiguousarray(raw_m.T)[:, :, None]
    singly_ms = _least_ms(lambda: [filtered(column) for column in columns], max(1, rounds // 20))
    return {
        "filter": name,
        **_change(filtered(raw_m), raw_m, rate_hz),
        "cpu_ms_per_frame": together_ms,
        "column_by_column_ratio": singly_ms / len(raw_m) / together_ms,
    }


def _change(smooth_m: F64, raw_m: F64, rate_hz: float) -> dict[str, float]:
    acceleration = np.diff(smooth_m, 2, axis=0) * rate_hz**2
    return {
        "rms_change_mm": float(np.sqrt(((smooth_m - raw_m) ** 2).mean()) * 1e3),
        "mean_abs_acceleration_m_s2": float(np.abs(acceleration).mean()),
    }


def _least_ms(call: Callable[[], object], rounds: int) -> float:
    spent_ns = []
    for _ in range(rounds):
        began_ns = time.process_time_ns()
        call()
        spent_ns.append(time.process_time_ns() - began_ns)
    return min(spent_ns) * 1e-6


def _filterpy(rate_hz: float) -> Filter:
    """The same smoother, a filter for each column."""
    from filterpy.common import Q_discrete_white_noise  # a second and more to import
    from filterpy.kalman import KalmanFilter

    dt, trust_ratio = 1 / rate_hz, KalmanConfig().trust_ratio

    def one(column: F64) -> F64:
        peer = KalmanFilter(dim_x=3, dim_z=1)
        peer.F = np.array([[1, dt, dt**2 / 2], [0, 1, dt], [0, 0, 1]])
        peer.H = np.array([[1.0, 0, 0]])
        peer.Q[:] = Q_discrete_white_noise(3, dt, trust_ratio**2)
        peer.P = np.diag([1.0, dt**-2, dt**-4]) * 1e4
        peer.x = np.array([[column[0]], [0.0], [0.0]])
        means, covariances, _, _ = peer.batch_filter(column)
        return peer.rts_smoother(means, covariances)[0][:, 0, 0]

    return lambda values: np.stack([one(column) for column in values.T], axis=1)


def _scipy_gcv(values: F64) -> F64:
    """scipy's spline with its own search, time in samples."""
    samples = np.arange(len(values), dtype=np.float64)
    return np.stack([make_smoothing_spline(samples, one)(samples) for one in values.T], axis=1)
