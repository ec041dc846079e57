"""Trajectories as triangulated to trajectories as written: gaps, outliers, the chosen filter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import gaps, smoothing
from core.smoothing_config import FilteringConfig, GapsConfig
from core.smoothing_kalman import kalman
from core.smoothing_one_euro import one_euro
from core.smoothing_splines import acc_minimizing, cutoff_spline, gcv_spline

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """Trajectories as they are written, and what of them was not measured."""

    points_m: F64  # (T, J, 3)
    interpolated: NDArray[np.bool_]  # (T, J)
    left_out: NDArray[np.bool_]  # (T, J) triangulated, but outside the sections to keep
    filled: NDArray[np.bool_]  # (T, J) in a large gap


def clean(
    points_m: F64, rate_hz: float, gaps_config: GapsConfig, config: FilteringConfig
) -> Cleaned:
    """Interpolate short gaps, keep the chosen sections, filter, and fill large gaps, in this order.

    Large gaps come last, so that what they are filled with does not leak into the neighbours.

    Args:
        points_m: (T, J, 3), NaN where missing; the result has as many frames.
        rate_hz: frames a second.
        gaps_config: what to do with gaps.
        config: the filter. Not enabled: nothing is changed at all, gaps included.

    Raises:
        ConfigError: a cut-off that the rate does not allow.
    """
    nothing = np.zeros(points_m.shape[:2], bool)
    if not config.enabled:
        return Cleaned(points_m, nothing, nothing, nothing)
    closed = gaps.interpolate(points_m, gaps_config)
    kept = gaps.section(closed, gaps_config)
    left = gaps.only(closed, kept)
    smooth_m = smooth(left, rate_hz, config)
    filled = gaps.fill(smooth_m, kept, gaps_config)
    return Cleaned(
        filled,
        interpolated=_there(left) & ~_there(points_m),
        left_out=_there(points_m) & ~_there(left),
        filled=_there(filled) & ~_there(smooth_m),
    )


def counts(cleaned: Cleaned, places: Sequence[int]) -> dict[str, int]:
    """How many points of the keypoints at ``places`` were not measured, or not kept."""
    masks = {
        "interpolated": cleaned.interpolated,
        "left_out": cleaned.left_out,
        "filled": cleaned.filled,
    }
    return {name: int(mask[:, list(places)].sum()) for name, mask in masks.items()}


def _there(points_m: F64) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(points_m).all(axis=-1))


def smooth(values: F64, rate_hz: float, config: FilteringConfig) -> F64:
    """Take outliers out of (T, ...), if so set, and apply the chosen filter; NaN stays NaN.

    Raises:
        ConfigError: a cut-off that the rate does not allow.
    """
    if config.reject_outliers:
        values = smoothing.hampel(values)
    match config.type:
        case "butterworth":
            own = config.butterworth
            return smoothing.butterworth(values, rate_hz, own.cutoff_hz, own.order)
        case "butterworth_on_speed":
            own = config.butterworth_on_speed
            return smoothing.butterworth_on_speed(values, rate_hz, own.cutoff_hz, own.order)
        case "kalman":
            own = config.kalman
            return kalman(values, rate_hz, own.trust_ratio, both_ways=own.smooth)
        case "one_euro":
            own = config.one_euro
            return one_euro(values, rate_hz, own.cutoff_hz, own.beta, own.speed_cutoff_hz)
        case "gcv_spline":
            own = config.gcv_spline
            if own.cutoff_hz == "auto":
                return gcv_spline(values, rate_hz, own.smoothing_factor)
            return cutoff_spline(values, rate_hz, own.cutoff_hz)
        case "acc_minimizing":
            return acc_minimizing(values, rate_hz, config.acc_minimizing.cutoff_hz)
        case "loess":
            return smoothing.loess(values, config.loess.n_values)
        case "gaussian":
            return smoothing.gaussian(values, config.gaussian.sd_frames)
        case "median":
            return smoothing.median(values, config.median.window_frames)


def suffix(config: FilteringConfig) -> str:
    """What the name of a filtered file ends with; nothing where nothing is filtered."""
    return f"_filt_{config.type}" if config.enabled else ""
