"""What is known of each keypoint's error, as weights and shapes for the triangulation.

A covariance has a size, which becomes a weight, and a shape: errors of a limb whose end is hard to
tell lie along it. A symmetric matrix of determinant 1 takes the shape out of a pixel's equations
(whitening), so that all that follows goes on with errors alike in all directions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_LEAST_PX = 0.5


class Whitened(NamedTuple):
    """How keypoints count."""

    weight: F64
    """(..., J): their standard deviation is the common one divided by it; 0: not used."""
    whitening: F64 | None
    """(..., J, 3) xx, yy, xy of the matrix that makes errors even; None: they are."""


def whitened(confidence: F64, covariance_px2: F64, sd_px: float) -> Whitened:
    """Weights from covariances, so that a standard deviation of ``sd_px`` has weight 1.

    What the cameras' noise is learnt to be then is a factor on what the covariances say, and the
    confidence counts no second time.

    Args:
        confidence: (..., J); where it is 0 the weight is 0, where there is no covariance it is the
            weight.
        covariance_px2: (..., J, 3) xx, yy, xy; NaN where unknown.
        sd_px: of a keypoint of weight 1.
    """
    xx, yy, xy = np.moveaxis(covariance_px2, -1, 0)
    with np.errstate(invalid="ignore"):
        variance = np.sqrt(xx * yy - xy * xy)  # the geometric mean of both directions
        known = (variance > 0) & (xx > 0) & np.isfinite(variance)
        size_px = np.sqrt(np.maximum(variance, _LEAST_PX**2))
        scale = np.sqrt(variance * (xx + yy + 2 * variance))
    weight = np.where(known, sd_px / size_px, confidence)
    even = np.array([1.0, 1.0, 0.0])
    matrix = np.stack([yy + variance, xx + variance, -xy], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.where(known[..., None], matrix / scale[..., None], even)
    return Whitened(np.where(confidence > 0, weight, 0.0), matrix)


def matrices(whitening: F64) -> F64:
    """Symmetric matrices (..., 2, 2) of (..., 3) xx, yy, xy."""
    return whitening[..., [0, 2, 2, 1]].reshape(*whitening.shape[:-1], 2, 2)
