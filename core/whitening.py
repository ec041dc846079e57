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


def whitened(
    confidence: F64, covariance_px2: F64, sd_px: float, learnt_px: F64 | None = None
) -> Whitened:
    """Weights from covariances, so that a keypoint's standard deviation is the learnt one by them.

    Errors larger than the covariances say come from the camera, its calibration above all, and hit
    all keypoints alike: they are added, those of the camera's median keypoint to each. Smaller ones
    than they say are smaller in proportion. The confidence counts no second time.

    Args:
        confidence: (D, J); where it is 0 the weight is 0, where there is no covariance it is the
            weight.
        covariance_px2: (D, J, 3) xx, yy, xy; NaN where unknown.
        sd_px: the camera's standard deviation where errors are as large as the covariances say.
        learnt_px: (D,) what it is; None: that.
    """
    factor = np.ones(len(confidence)) if learnt_px is None else np.maximum(learnt_px / sd_px, 1.0)
    xx, yy, xy = np.moveaxis(covariance_px2, -1, 0)
    with np.errstate(invalid="ignore"):
        told = np.sqrt(xx * yy - xy * xy)  # the geometric mean of both directions
        known = (told > 0) & (xx > 0) & np.isfinite(told)
        usual = [
            float(np.median(row)) if len(row) else 0.0 for row in _used(told, known, confidence)
        ]
        more = ((factor**2 - 1) * usual)[:, None]
        xx, yy = xx + more, yy + more
        variance = np.sqrt(xx * yy - xy * xy)
        size_px = np.sqrt(np.maximum(variance, _LEAST_PX**2))
        scale = np.sqrt(variance * (xx + yy + 2 * variance))
    weight = np.where(known, sd_px * factor[:, None] / size_px, confidence)
    even = np.array([1.0, 1.0, 0.0])
    matrix = np.stack([yy + variance, xx + variance, -xy], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.where(known[..., None], matrix / scale[..., None], even)
    return Whitened(np.where(confidence > 0, weight, 0.0), matrix)


def _used(told: F64, known: NDArray[np.bool_], confidence: F64) -> list[F64]:
    """Of each row what is known of keypoints in use."""
    used = known & (confidence > 0)
    return [row[mine] for row, mine in zip(told, used, strict=True)]


def matrices(whitening: F64) -> F64:
    """Symmetric matrices (..., 2, 2) of (..., 3) xx, yy, xy."""
    return whitening[..., [0, 2, 2, 1]].reshape(*whitening.shape[:-1], 2, 2)
