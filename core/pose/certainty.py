"""What a pose model's own doubt is worth in pixels: its score to the error that is to be expected.

A score is no probability. So the map from it to the standard deviation is measured, on keypoints
whose place is known (``kinelive bench certainty``), as a monotone curve for each model. Errors grow
with the crop: the deviation is a part of the region's height. Modelled is the core of the errors,
with the constant bias of a keypoint in a camera, and not the gross ones: those are for the soft
weights of the triangulation.

For a model with heat maps the score is their sharpness, and their shape is that of the error: on
real footage errors are longer than wide just where the heat map is. What confidence and kind of
keypoint add to that does not carry over from one camera to another.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

F64 = NDArray[np.float64]

N_BINS = 20
RAYLEIGH_MEDIAN = float(np.sqrt(2 * np.log(2)))
"""Median length of a 2D error whose components have a standard deviation of 1."""


class Certainty(NamedTuple):
    """Standard deviation over the score: straight between the knots, constant beyond the ends."""

    score: F64  # (K,) ascending
    sd: F64  # (K,) parts of the region's height, never rising

    def at(self, score: F64) -> F64:
        """Standard deviations for scores (...); a score that is NaN counts as the lowest."""
        lowest = np.where(np.isnan(score), self.score[0], score)
        return np.interp(lowest, self.score, self.sd)


def fit(score: F64, residual: F64, n_bins: int = N_BINS) -> Certainty:
    """Fit the curve to what was measured.

    Medians of bins with equally many scores, which gross errors do not move, as those of a Rayleigh
    distribution; then isotonic regression of their logarithms (Barlow et al., Statistical Inference
    under Order Restrictions, 1972).

    Args:
        score: (N,), the higher the better.
        residual: (N,) length of the 2D error, parts of the region's height.
        n_bins: fewer where scores are few; at least three.
    """
    order = np.argsort(score, kind="stable")
    bins = [one for one in np.array_split(order, n_bins) if len(one)]
    middle = np.array([np.median(score[one]) for one in bins])
    sd = np.array([np.median(residual[one]) for one in bins]) / RAYLEIGH_MEDIAN
    counts = np.array([len(one) for one in bins], dtype=np.float64)
    logs = isotonic_regression(np.log(sd), weights=counts, increasing=False).x
    level = np.isclose(logs[1:], logs[:-1], rtol=0, atol=1e-9)
    within = np.concatenate([[False], level[1:] & level[:-1], [False]])  # of a plateau
    return Certainty(middle[~within], np.exp(logs[~within]))


def sharpness(spread_px2: F64, height_px: float) -> F64:
    """How often the width of a heat map goes into the region's height, (...).

    ``spread_px2``: (..., 3) xx, yy, xy of the heat map's second moments.
    """
    return height_px / np.sqrt((spread_px2[..., 0] + spread_px2[..., 1]) / 2)


def covariance(
    certainty: Certainty, score: F64, height_px: float, spread_px2: F64 | None = None
) -> F64:
    """Covariances (J, 3) xx, yy, xy of keypoints, px2.

    Args:
        certainty: of the model.
        score: (J,); NaN: the worst.
        height_px: of the region.
        spread_px2: (J, 3), their shape; None or NaN: alike in all directions.
    """
    even = np.tile([1.0, 1.0, 0.0], (len(score), 1))
    shape = even if spread_px2 is None else _of_size_one(spread_px2)
    variance = (certainty.at(score) * height_px) ** 2
    return np.where(np.isnan(shape), even, shape) * variance[:, None]


def _of_size_one(spread: F64) -> F64:
    """Divide matrices (..., 3) so that their determinants are 1; NaN where that cannot be."""
    xx, yy, xy = np.moveaxis(spread, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sqrt(xx * yy - xy * xy)
        return np.where(size[..., None] > 0, spread / size[..., None], np.nan)
