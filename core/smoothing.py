"""Filters over a whole recording, forwards and backwards or centred: nothing is delayed.

Those of a fixed window or frequency response; beside them stand ``smoothing_kalman``,
``smoothing_one_euro`` and ``smoothing_splines``. Each takes (T, ...) with NaN where missing and
gives the same shape: runs between NaN are filtered on their own, NaN stays NaN, no frame is lost,
and a run that is too short for the filter stays as it is.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage, signal

from core.errors import ConfigError
from core.runs import over_runs

F64 = NDArray[np.float64]

_HAMPEL_WINDOW = 7
_HAMPEL_LIMIT = 2.0
_NORMAL_QUARTILE = 0.6745  # median absolute deviation / standard deviation of a normal
_GAUSSIAN_REACH_SD = 4.0


def butterworth(values: F64, rate_hz: float, cutoff_hz: float, order: int) -> F64:
    """Zero-lag low-pass: a Butterworth filter forwards and backwards.

    Winter, Biomechanics and Motor Control of Human Movement, 2009, section 2.2.4.4. Amplitudes at
    the cut-off are halved: by 3 dB in each direction.

    Args:
        values: (T, ...), NaN where missing.
        rate_hz: samples a second.
        cutoff_hz: of each of the two passes.
        order: of both passes together, even: each has half of it.

    A run too short for the filter (3 times its coefficients, as scipy pads it) stays as it is.

    Raises:
        ConfigError: a cut-off that is not below half the rate, or an odd order.
    """
    sections = _sections(rate_hz, cutoff_hz, order)
    pad = _pad(order)
    return over_runs(values, pad + 1, lambda run: _both_ways(sections, run, pad))


def butterworth_on_speed(values: F64, rate_hz: float, cutoff_hz: float, order: int) -> F64:
    """Differentiate, filter as ``butterworth`` does, and integrate back.

    Keeps sharp movements better at the ends of a run than filtering the positions. What the
    integration leaves open is chosen so that a run keeps its mean; starting it at the first
    sample would shift the whole run by that sample's noise. Arguments and errors as of
    ``butterworth``.
    """
    sections = _sections(rate_hz, cutoff_hz, order)
    pad = _pad(order)

    def smooth(run: F64) -> F64:
        steps = _both_ways(sections, np.diff(run, axis=0), pad)
        path = np.concatenate([np.zeros_like(run[:1]), np.cumsum(steps, axis=0)])
        return path + (run - path).mean(axis=0)

    return over_runs(values, pad + 2, smooth)


def _sections(rate_hz: float, cutoff_hz: float, order: int) -> F64:
    if not 0 < cutoff_hz < rate_hz / 2:
        raise ConfigError(f"filtering: cut-off {cutoff_hz} Hz; {rate_hz} Hz allows less than half")
    if order < 2 or order % 2:
        raise ConfigError(f"filtering: order {order}; it must be even, half for each direction")
    return np.asarray(signal.butter(order // 2, cutoff_hz, fs=rate_hz, output="sos"))


def _pad(order: int) -> int:
    return 3 * (order // 2 + 1)


def _both_ways(sections: F64, run: F64, pad: int) -> F64:
    return np.asarray(signal.sosfiltfilt(sections, run, axis=0, padlen=pad))


def gaussian(values: F64, sd_frames: float) -> F64:
    """Moving average (T, ...) with the weights of a normal distribution, cut off at 4 sd.

    Beyond its ends a run goes on as its point reflection, so that a straight line stays one.
    """

    def smooth(run: F64) -> F64:
        pad = min(int(_GAUSSIAN_REACH_SD * sd_frames + 0.5), len(run) - 1)
        longer = _continued(run, pad)
        blurred = ndimage.gaussian_filter1d(longer, sd_frames, axis=0, truncate=_GAUSSIAN_REACH_SD)
        return blurred[pad : pad + len(run)]

    return over_runs(values, 2, smooth)


def _continued(run: F64, pad: int) -> F64:
    return np.pad(run, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")


def median(values: F64, window: int) -> F64:
    """Median (T, ...) of ``window`` neighbours, an odd number; the end of a run is repeated."""
    return over_runs(
        values, 2, lambda run: ndimage.median_filter(run, size=(window, 1), mode="nearest")
    )


def loess(values: F64, n_values: int) -> F64:
    """Straight lines (T, ...) fitted around each sample, neighbours weighted by nearness.

    Cleveland, Robust locally weighted regression and smoothing scatterplots, JASA 74, 1979,
    without the robust iterations: tricube weights over the ``n_values`` nearest samples, of which
    the furthest has weight 0.
    """
    weights = _loess_weights(n_values)
    half = n_values // 2

    def smooth(run: F64) -> F64:
        inner = sliding_window_view(run, n_values, axis=0) @ weights[half]
        return np.concatenate(
            [weights[:half] @ run[:n_values], inner, weights[half + 1 :] @ run[-n_values:]]
        )

    return over_runs(values, n_values, smooth)


def _loess_weights(n_values: int) -> F64:
    """What the samples of a window count in the value of the line at each of them, (n, n)."""
    places = np.arange(n_values)
    away = places - places[:, None]  # (at, from)
    reach = np.maximum(places, n_values - 1 - places)[:, None]
    weight = (1 - (np.abs(away) / reach) ** 3) ** 3
    m0, m1, m2 = (np.sum(weight * away**power, axis=1, keepdims=True) for power in range(3))
    return weight * (m2 - m1 * away) / (m0 * m2 - m1**2)


def hampel(values: F64) -> F64:
    """Replace outliers (T, ...) by the median of the seven samples around them.

    An outlier is further than twice the spread from the median; the spread is the median absolute
    deviation / 0.6745. Davies and Gather, The identification of multiple outliers, JASA 88, 1993;
    Pearson, Outliers in process modeling and identification, IEEE TCST 10, 2002. The outer three
    samples of a run are kept: neighbours of one side cannot tell an outlier from an acceleration.
    """
    return over_runs(values, _HAMPEL_WINDOW, _without_outliers)


def _without_outliers(run: F64) -> F64:
    windows = sliding_window_view(run, _HAMPEL_WINDOW, axis=0)  # (n - 6, K, 7)
    middle = np.median(windows, axis=-1)
    spread = np.median(np.abs(windows - middle[..., None]), axis=-1)
    half = _HAMPEL_WINDOW // 2
    inner = run[half:-half]
    is_outlier = _NORMAL_QUARTILE * np.abs(inner - middle) > _HAMPEL_LIMIT * spread
    cleaned = run.copy()
    cleaned[half:-half] = np.where(is_outlier, middle, inner)
    return cleaned
