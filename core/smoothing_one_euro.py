"""The one-euro filter, forwards and backwards."""

import numpy as np
from numpy.typing import NDArray

from core.runs import over_runs

F64 = NDArray[np.float64]


def one_euro(
    values: F64, rate_hz: float, cutoff_hz: float, beta: float, speed_cutoff_hz: float
) -> F64:
    """First-order low-pass whose cut-off rises with the speed: steady at rest, quick in motion.

    Casiez, Roussel and Vogel, 1 € Filter, CHI 2012; here once forwards and once backwards, which
    takes the lag out. Beyond its ends a run goes on as its point reflection while the filter
    settles. Not linear: ``beta`` depends on the unit of the values.

    Args:
        values: (T, ...), NaN where missing; runs between NaN are filtered on their own.
        rate_hz: samples a second.
        cutoff_hz: at rest.
        beta: rise of the cut-off for each unit a second, Hz/(m/s) for metres.
        speed_cutoff_hz: of the low-pass of the speed.
    """
    settles = round(rate_hz / (2 * min(cutoff_hz, speed_cutoff_hz)))

    def smooth(run: F64) -> F64:
        pad = min(settles, len(run) - 1)
        longer = np.pad(run, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
        there = _once(longer, rate_hz, cutoff_hz, beta, speed_cutoff_hz)
        back = _once(there[::-1], rate_hz, cutoff_hz, beta, speed_cutoff_hz)[::-1]
        return back[pad : pad + len(run)]

    return over_runs(values, 2, smooth)


def _once(run: F64, rate_hz: float, cutoff_hz: float, beta: float, speed_cutoff_hz: float) -> F64:
    per_hz = 2 * np.pi / rate_hz
    of_speed = _share(per_hz * speed_cutoff_hz)
    filtered = np.empty_like(run)
    filtered[0] = last = run[0]
    speed = np.zeros_like(last)
    for t in range(1, len(run)):
        away = run[t] - last
        speed = speed + of_speed * (away * rate_hz - speed)
        last = last + _share(per_hz * (cutoff_hz + beta * np.abs(speed))) * away
        filtered[t] = last
    return filtered


def _share(radians: F64 | float) -> F64:
    """What the new sample counts, from the cut-off in radians a sample."""
    return np.asarray(radians / (radians + 1.0))
