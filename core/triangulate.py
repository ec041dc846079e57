"""Triangulation: world points from their pixels in several calibrated cameras.

Pixels are of ideal lenses (``core.cameras.undistort``). Letters: C cameras, J keypoints. The loops
are in ``core.kernels``.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import kernels
from core.jit import F64, plain

TUNING = 4.0
_PARAMETERS = 3
_EVEN = np.empty((0, 0, 3))


class Triangulated(NamedTuple):
    """World points with what is known of their error."""

    points_m: F64  # (J, 3), NaN where fewer than two cameras saw it
    covariance_m2: F64  # (J, 3, 3)
    n_views: NDArray[np.int64]  # (J,)
    error_px: F64
    """(C, J) distance of each pixel to the reprojected point, whitened where it was triangulated
    so; NaN where not both."""


def linear(image_from_world: F64, points_px: F64, weight: F64) -> F64:
    """Weighted linear triangulation, rows scaled to the distance from the ray in metres.

    Hartley and Zisserman, Multiple View Geometry, 2nd ed., section 12.2, solved for a finite point.

    Args:
        image_from_world: (C, 3, 4) px.
        points_px: (C, J, 2); a NaN needs weight 0.
        weight: (C, J) factor of a camera's rows; 0 leaves the camera out.

    Returns:
        (J, 3) m, NaN for fewer than two cameras, and where the rays do not meet in a point.
    """
    return kernels.linear(plain(image_from_world), plain(points_px), plain(weight))


def robust(
    image_from_world: F64,
    points_px: F64,
    weight: F64,
    sd_px: float | F64,
    tuning: float = TUNING,
    start_m: F64 | None = None,
    whitening: F64 | None = None,
) -> Triangulated:
    """Triangulate with soft weights, so that no camera is switched on and off between frames.

    Iteratively reweighted: each round divides the equations by the depth, which makes their
    residual the pixel error (Hartley and Sturm, "Triangulation", 1997), and weighs a camera down by
    1 / (1 + (error / (tuning * sd))^2), squared (Geman and McClure 1987). The covariance follows
    from the last round, put right for the soft weights (``softness``); it grows where the cameras
    agree less well than ``sd_px`` says.

    Args:
        image_from_world: (C, 3, 4) px.
        points_px: (C, J, 2); a NaN needs weight 0.
        weight: (C, J); a keypoint's standard deviation is ``sd_px / weight``; 0 leaves the camera
            out.
        sd_px: standard deviation of a keypoint of weight 1, one or each camera's (C,).
        tuning: error, in standard deviations, at which a camera counts a quarter.
        start_m: (J, 3) where the points are expected, so that gross errors are told from the
            first round on; NaN or None: begin with the linear solution.
        whitening: (C, J, 3) where errors are larger in one direction: ``core.whitening``.
    """
    sds = np.empty(len(weight))
    sds[:] = sd_px
    start = np.full((weight.shape[1], 3), np.nan) if start_m is None else start_m
    found = kernels.robust(
        plain(image_from_world), plain(points_px), plain(weight), sds, float(tuning),
        softness(float(tuning), len(weight)), plain(start),
        _EVEN if whitening is None else plain(whitening),
    )  # fmt: skip
    return Triangulated(*found)


@cache
def softness(tuning: float, n_cameras: int) -> F64:
    """What soft weights do to honest Gaussian errors, (C + 1, 2) for each number of views.

    They take weight from errors that are no outliers, so the plain inverse of the equations says
    too much and the plain sum of squares too little. First column: part of the squares that is
    left. Second: factor of the covariance, by the asymptotic variance of an M-estimator (Huber and
    Ronchetti, Robust Statistics, 2nd ed., 2009, section 7.6) with the errors of a point that its
    own cameras determine, and for the mean of an inverse variance estimate.
    """
    nodes, shares = np.polynomial.laguerre.laggauss(40)  # the squared length of a 2D error / 2
    out = np.ones((n_cameras + 1, 2))
    for n in range(2, n_cameras + 1):
        own = 1 - _PARAMETERS / (2 * n)
        square = 2 * nodes * own
        weight = (1 + square / tuning**2) ** -2
        slope = weight - 2 * square / tuning**2 * (1 + square / tuning**2) ** -3
        left = float(shares @ (weight * square) / (2 * own))
        efficiency = float((shares @ slope) ** 2 / (shares @ (weight**2 * square) / (2 * own)))
        freedom = 2 * n - _PARAMETERS
        spread = 1 + 2 * freedom / (kernels.TRUST_IN_SD + freedom) ** 2
        out[n] = left, float(shares @ weight) / efficiency * spread
    return out


def reproject(image_from_world: F64, points_m: F64) -> F64:
    """World points (J, 3) to the pixels of ideal lenses, (C, J, 2)."""
    homogeneous = np.concatenate([points_m, np.ones_like(points_m[:, :1])], axis=1)
    projected = np.einsum("cij,nj->cni", image_from_world, homogeneous)
    with np.errstate(divide="ignore", invalid="ignore"):
        return projected[..., :2] / projected[..., 2:]
