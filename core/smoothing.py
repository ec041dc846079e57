"""Filters over a whole recording, forwards and backwards, so that nothing is delayed."""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from core.errors import ConfigError

F64 = NDArray[np.float64]


def butterworth(values: F64, rate_hz: float, cutoff_hz: float, order: int) -> F64:
    """Zero-lag low-pass of each column of (T, ...); runs between NaN are filtered on their own.

    Args:
        values: NaN where missing; stays NaN there. No frame is lost.
        rate_hz: samples a second.
        cutoff_hz: of each of the two passes.
        order: of both passes together, even: each has half of it.

    A run too short for the filter (3 times its coefficients, as scipy pads it) stays as it is.

    Raises:
        ConfigError: a cut-off that is not below half the rate, or an odd order.
    """
    if not 0 < cutoff_hz < rate_hz / 2:
        raise ConfigError(f"filtering: cut-off {cutoff_hz} Hz; {rate_hz} Hz allows less than half")
    if order < 2 or order % 2:
        raise ConfigError(f"filtering: order {order}; it must be even, half for each direction")
    sections = np.asarray(signal.butter(order // 2, cutoff_hz, fs=rate_hz, output="sos"))
    columns = values.reshape(len(values), int(np.prod(values.shape[1:])))
    smooth = columns.copy()
    for column in range(columns.shape[1]):
        for run in runs(np.isfinite(columns[:, column])):
            if run.stop - run.start > 3 * (order // 2 + 1):
                smooth[run, column] = signal.sosfiltfilt(
                    sections, columns[run, column], padlen=3 * (order // 2 + 1)
                )
    return smooth.reshape(values.shape)


def runs(present: NDArray[np.bool_]) -> list[slice]:
    """Stretches of a (T,) mask that are True throughout."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
