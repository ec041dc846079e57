"""Inner loop of the segment lengths, behind ``core.lengths``."""

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel


@kernel
def hold(
    mean: F64, covariance: F64, segments: NDArray[np.int64], length_m: F64, play_m2: float
) -> F64:
    """Means (J, S) after one update by each length; see ``core.lengths.hold``."""
    held, along = mean.copy(), np.empty(3)
    for s in range(len(segments)):
        a, b = segments[s]
        for i in range(3):
            along[i] = held[a, i] - held[b, i]
        now_m = np.sqrt(along[0] ** 2 + along[1] ** 2 + along[2] ** 2)
        if not now_m > 1e-6:  # a NaN too
            continue
        along /= now_m
        spread = play_m2
        for i in range(3):
            for k in range(3):
                spread += along[i] * (covariance[a, i, k] + covariance[b, i, k]) * along[k]
        for i in range(held.shape[1]):
            for k in range(3):
                change = along[k] * (length_m[s] - now_m) / spread
                held[a, i] += covariance[a, i, k] * change
                held[b, i] -= covariance[b, i, k] * change
    return held
