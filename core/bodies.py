"""What can be a person: segment lengths in the proportions that bodies have (``core.anatomy``), for
statures from a child's to a basketball player's.
"""

import numpy as np
from numpy.typing import NDArray

from core.anatomy import Anatomy

F64 = NDArray[np.float64]

SMALLEST_M, TALLEST_M = 0.9, 2.4
_MIN_SEGMENTS = 4
_SPREAD = 0.45  # of the median: statures from single segments may differ by this part


def stature_m(keypoints_m: F64, anatomy: Anatomy) -> float:
    """Stature from the segments of keypoints (J, 3); NaN for fewer than four segments."""
    estimates = _statures(keypoints_m, anatomy)
    return float(np.median(estimates)) if len(estimates) >= _MIN_SEGMENTS else float("nan")


def is_plausible(keypoints_m: F64, anatomy: Anatomy) -> bool:
    """Whether keypoints (J, 3) can be a body: most segments agree on a stature a person can have.

    Posts, chairs and people put together from two are not: NaN and too few segments neither.
    """
    estimates = _statures(keypoints_m, anatomy)
    if len(estimates) < _MIN_SEGMENTS:
        return False
    middle = float(np.median(estimates))
    agree = np.abs(estimates - middle) <= _SPREAD * middle
    return SMALLEST_M <= middle <= TALLEST_M and bool(agree.mean() >= 0.6)


def _statures(keypoints_m: F64, anatomy: Anatomy) -> F64:
    ends = keypoints_m[anatomy.segments]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1)
    return (lengths / anatomy.shares)[np.isfinite(lengths)]
