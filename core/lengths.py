"""Segments keep their length: learnt for each person while it is followed, and held.

Off unless ``fusion.segment_lengths`` says so. What is learnt comes from the triangulated points and
not from what was held, so that an error cannot feed itself. Letters: J keypoints, S segments.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import kernels_lengths
from core.jit import F64, plain
from core.kalman import KeypointFilter
from core.triangulate import Triangulated

_KNOWN_AFTER = 60  # measurements
_MOST = 600.0  # measurements that the mean remembers
_FAR = 2.0  # standard deviations; a length further off counts as if it were there
_KEPT = 0.92  # part of a Gaussian's variance that this leaves
_N_FIRST = 15
_SD_OF_MEDIAN = 1.4826  # of the median deviation, for a Gaussian
_LEAST_SD_M = 1e-4
_PLAY_M = 0.01
"""A segment between two keypoints is no bone: so much it changes by skin and by the network."""


class Lengths(msgspec.Struct, frozen=True):
    """What is known of one person's segments."""

    mean_m: F64  # (S,)
    sd_m: F64  # (S,) of one measurement
    count: F64  # (S,) measurements
    first_m: F64  # (S, 15) the first ones, NaN where none


def learn(before: Lengths | None, found: Triangulated, segments: NDArray[np.intp]) -> Lengths:
    """Take in the lengths of one instant where three cameras saw both ends.

    Median and median deviation of the first 15 measurements, then a running mean and standard
    deviation with clipped deviations (Huber and Ronchetti, Robust Statistics, 2nd ed., 2009,
    sections 5.1 and 6.7), over the last 600.
    """
    ends_m = found.points_m[segments]  # (S, 2, 3)
    length_m = np.linalg.norm(ends_m[:, 0] - ends_m[:, 1], axis=1)
    usable = np.isfinite(length_m) & (found.n_views[segments] >= 3).all(axis=1)
    old = before or _nothing(len(segments))
    share = np.where(usable, 1 / (1 + np.minimum(old.count, _MOST)), 0.0)
    off_m = np.clip(np.where(usable, length_m, 0.0) - old.mean_m, -_FAR * old.sd_m, _FAR * old.sd_m)
    variance_m2 = old.sd_m**2 + share * (off_m**2 / _KEPT - old.sd_m**2)
    mean_m, sd_m, first_m = old.mean_m + share * off_m, np.sqrt(variance_m2), old.first_m.copy()
    for s in np.flatnonzero(usable & (old.count < _N_FIRST)):
        first_m[s, int(old.count[s])] = length_m[s]
        mean_m[s] = np.nanmedian(first_m[s])
        sd_m[s] = max(_SD_OF_MEDIAN * np.nanmedian(np.abs(first_m[s] - mean_m[s])), _LEAST_SD_M)
    return Lengths(mean_m, sd_m, old.count + usable, first_m)


def _nothing(n: int) -> Lengths:
    return Lengths(np.zeros(n), np.zeros(n), np.zeros(n), np.full((n, _N_FIRST), np.nan))


def hold(state: KeypointFilter, lengths: Lengths, segments: NDArray[np.intp]) -> KeypointFilter:
    """Move both ends of each known segment towards its length, the less certain end the more.

    An update of the extended filter with the length as measurement (Bar-Shalom, Li and Kirubarajan,
    2001, section 10.3); the covariance stays as it is, for the same length says nothing new at each
    instant.
    """
    known = lengths.count >= _KNOWN_AFTER
    if not known.any():
        return state
    mean = kernels_lengths.hold(
        plain(state.mean),
        plain(state.covariance),
        segments[known],
        lengths.mean_m[known],
        _PLAY_M**2,
    )
    return KeypointFilter(state.t_ns, mean, state.covariance, state.seen_ns)
