"""What can be a person: segment lengths and stature that bodies have.

Proportions are those of Drillis and Contini as in Winter, Biomechanics and Motor Control of Human
Movement, 4th ed., 2009, figure 4.1, for statures from a child's to a basketball player's.
"""

import numpy as np
from numpy.typing import NDArray

from core.skeletons import HALPE_26

F64 = NDArray[np.float64]

# segment: its ends, and its length as a part of the stature
_SEGMENTS = (
    ("Hip", "Knee", 0.245),
    ("Knee", "Ankle", 0.246),
    ("Shoulder", "Elbow", 0.186),
    ("Elbow", "Wrist", 0.146),
    ("Shoulder", "Hip", 0.288),
)
_PAIRS = np.array(
    [
        [HALPE_26.index(side + first), HALPE_26.index(side + second)]
        for first, second, _ in _SEGMENTS
        for side in "LR"
    ]
)
_SHARES = np.repeat([share for *_, share in _SEGMENTS], 2)
SMALLEST_M, TALLEST_M = 0.9, 2.4
_MIN_SEGMENTS = 4
_SPREAD = 0.45  # of the median: statures from single segments may differ by this part


def stature_m(keypoints_m: F64) -> float:
    """Stature from the segments of HALPE_26 keypoints (26, 3); NaN for fewer than four segments."""
    estimates = _statures(keypoints_m)
    return float(np.median(estimates)) if len(estimates) >= _MIN_SEGMENTS else float("nan")


def is_plausible(keypoints_m: F64) -> bool:
    """Whether keypoints (26, 3) can be a body: most segments agree on a stature a person can have.

    Posts, chairs and people put together from two are not: NaN and too few segments neither.
    """
    estimates = _statures(keypoints_m)
    if len(estimates) < _MIN_SEGMENTS:
        return False
    middle = float(np.median(estimates))
    agree = np.abs(estimates - middle) <= _SPREAD * middle
    return SMALLEST_M <= middle <= TALLEST_M and bool(agree.mean() >= 0.6)


def _statures(keypoints_m: F64) -> F64:
    ends = keypoints_m[_PAIRS]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1)
    return (lengths / _SHARES)[np.isfinite(lengths)]
