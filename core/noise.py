"""How exact each camera's keypoints really are, learnt from how well the cameras agree.

What a network's confidence is worth in pixels differs between cameras: focus, light, distance, and
above all the calibration. Weights and covariances use what is measured here instead of a guess.
"""

import math

import numpy as np
from numpy.typing import NDArray

from core.triangulate import Triangulated

F64 = NDArray[np.float64]

_MEMORY_NS = 2_000_000_000
_MEDIAN_OF_SQUARE = 2 * math.log(2)  # median of x^2 + y^2 for unit variance
_LEAST_PX, _MOST_PX = 0.5, 40.0
_MIN_KEYPOINTS = 6
_PARAMETERS, _ROWS = 3.0, 2.0  # a point has three unknowns, a camera gives two equations


def learn(
    sd_px: F64, camera: NDArray[np.intp], weight: F64, found: Triangulated, elapsed_ns: int
) -> F64:
    """Follow each camera's standard deviation with what one person's triangulation shows.

    Args:
        sd_px: (C,) of the rig, for a keypoint of weight 1.
        camera: (V,) places in the rig of the cameras that saw the person.
        weight: (V, J) of their keypoints.
        found: the triangulation, with its errors (V, J).
        elapsed_ns: capture time since the last lesson.

    Returns:
        (C,) px. Medians over the keypoints, so that gross errors teach nothing. An error is
        smaller than the noise by what the camera itself contributed to the point; that share is
        taken from its part in the information.
    """
    information = (weight / sd_px[camera][:, None]) ** 2
    share = information / np.maximum(information.sum(axis=0), 1e-12)
    freedom = np.maximum(1 - np.minimum(_PARAMETERS * share, _ROWS * 0.9) / _ROWS, 0.1)
    usable = (found.n_views >= 3) & (weight > 0) & np.isfinite(found.error_px)
    square = (np.where(usable, found.error_px, np.nan) * weight) ** 2 / freedom
    learnt = sd_px.copy()
    pull = 1 - math.exp(-max(elapsed_ns, 0) / _MEMORY_NS)
    for row, place in enumerate(camera):
        mine = square[row][usable[row]]
        if len(mine) >= _MIN_KEYPOINTS:
            variance = float(np.median(mine)) / _MEDIAN_OF_SQUARE
            moved = (1 - pull) * sd_px[place] ** 2 + pull * variance
            learnt[place] = min(max(math.sqrt(moved), _LEAST_PX), _MOST_PX)
    return learnt
