"""Drift: offsets of windows along a recording, and a robust line through them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.sync import fractions
from core.sync.found import Offset
from core.sync.lags import Costs
from core.sync.settings import SyncConfig

F64 = NDArray[np.float64]

_LEAST_WINDOWS = 5
_TRUST = 0.95
_HUBER = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """A line for each of C cameras through its offsets over time; NaN where there is none."""

    at_start: F64  # (C,) frames, at frame 0
    start_uncertainty: F64  # (C,)
    slope: F64  # (C,) frames a frame
    slope_uncertainty: F64  # (C,)


def lines(
    costs: Costs, middle: F64, rate_hz: float, shape: tuple[float, int, int], config: SyncConfig
) -> Lines | None:
    """Lines through windows of time blocks with these middles (U,); None if it is too short."""
    duration_s = (middle[-1] - middle[0]) / rate_hz
    n_windows = int(duration_s // config.drift_window_s)
    if duration_s < config.drift_from_s - config.bias_span_s or n_windows < 2:
        return None
    n_windows = max(n_windows, _LEAST_WINDOWS)
    window = np.minimum(
        ((middle - middle[0]) / (np.ptp(middle) + 1e-9) * n_windows).astype(int), n_windows - 1
    )
    members = window == np.arange(n_windows)[:, None]  # (W, U)
    weight = np.repeat(members[..., None], costs.sums.shape[2], axis=2).astype(np.float64)
    offsets, lag = fractions.resampled(costs, weight, *shape)
    known = np.isfinite(lag).sum(axis=1) >= shape[1] - 1
    times = np.array([middle[one].mean() for one in members])
    fits = [_line(times[known], column[known]) for column in offsets.T]
    return Lines(*(np.array(part) for part in zip(*fits, strict=True)))


def _line(times: F64, values: F64) -> tuple[float, float, float, float]:
    """Value at 0 and slope with their half widths, by Huber's weights (IRLS)."""
    count = len(times)
    if count < _LEAST_WINDOWS:
        return np.nan, np.nan, np.nan, np.nan
    design = np.stack([np.ones(count), times - times.mean()], axis=1)
    trust = np.ones(count)
    fit = np.zeros(2)
    for _ in range(10):
        weighted = design * trust[:, None]
        fit = np.linalg.solve(weighted.T @ design, weighted.T @ values)
        off = np.abs(values - design @ fit)
        scale = 1.48 * np.median(off) + 1e-12
        trust = np.minimum(1.0, _HUBER * scale / np.maximum(off, 1e-12))
    variance = (trust * (values - design @ fit) ** 2).sum() / (count - 2)
    cover = np.linalg.inv((design * trust[:, None]).T @ design) * variance
    wide = float(stats.t.ppf(0.5 + _TRUST / 2, count - 2))
    start = np.array([1.0, -times.mean()])
    start_sd = float(np.sqrt(start @ cover @ start))
    return float(start @ fit), wide * start_sd, float(fit[1]), wide * float(np.sqrt(cover[1, 1]))


def stated(one: Offset, found: Lines, camera: int, config: SyncConfig) -> Offset:
    """The offset at the first frame and the drift, if the line tells enough."""
    drift_ppm, wide_ppm = 1e6 * found.slope[camera], 1e6 * found.slope_uncertainty[camera]
    if not wide_ppm <= config.max_drift_uncertainty_ppm:
        return one
    return replace(
        one,
        offset_frames=float(found.at_start[camera]),
        uncertainty_frames=float(np.hypot(found.start_uncertainty[camera], one.uncertainty_frames)),
        drift_ppm=float(drift_ppm),
        drift_uncertainty_ppm=float(wide_ppm),
    )
