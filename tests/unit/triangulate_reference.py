"""Triangulation in plain numpy, one formula after the other: what the kernels are compared with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.triangulate import softness
from core.whitening import matrices

F64 = NDArray[np.float64]

_ROUNDS = 5
_STILL_M = 1e-4
_NO_VIEW_VARIANCE_M2 = 1e6
_TRUST_IN_SD = 30.0


class Triangulated(NamedTuple):
    """World points with what is known of their error."""

    points_m: F64  # (J, 3), NaN where fewer than two cameras saw it
    covariance_m2: F64  # (J, 3, 3)
    n_views: NDArray[np.intp]  # (J,)
    error_px: F64  # (C, J) distance of each pixel to the reprojected point, NaN where not seen


def rows(image_from_world: F64, points_px: F64) -> F64:
    """Equations of the direct linear transform, (C, J, 2, 4): row . (x, y, z, 1) = 0.

    Hartley and Zisserman, Multiple View Geometry, 2nd ed., section 12.2.
    """
    return points_px[..., None] * image_from_world[:, None, 2:3] - image_from_world[:, None, :2]


def linear(image_from_world: F64, points_px: F64, weight: F64) -> F64:
    """Weighted linear triangulation, rows scaled to the distance from the ray in metres.

    Args:
        image_from_world: (C, 3, 4) px.
        points_px: (C, J, 2); a NaN needs weight 0.
        weight: (C, J) factor of a camera's rows; 0 leaves the camera out.

    Returns:
        (J, 3) m, NaN for fewer than two cameras.
    """
    equations = rows(image_from_world, np.where(weight[..., None] > 0, points_px, 0.0))
    equations = equations / np.linalg.norm(equations[..., :3], axis=-1, keepdims=True)
    points_m, _ = _solve(equations, weight**2)
    return points_m


def robust(
    image_from_world: F64,
    points_px: F64,
    weight: F64,
    sd_px: F64,
    tuning: float,
    start_m: F64,
    whitening: F64 | None = None,
) -> Triangulated:
    """As ``core.triangulate.robust``; every keypoint begins at ``start_m`` (J, 3) unless NaN."""
    seen = weight > 0
    per_sd = weight / sd_px[:, None]
    pixels = np.where(seen[..., None], points_px, 0.0)
    equations = rows(image_from_world, pixels)
    if whitening is not None:
        equations = np.einsum("cjab,cjbi->cjai", matrices(whitening), equations)
    norm = np.linalg.norm(equations[..., :3], axis=-1, keepdims=True)
    linear_m, normal = _solve(equations / norm, per_sd**2)
    enough = (seen.sum(axis=0) >= 2)[:, None]
    points_m = np.where(np.isnan(start_m), linear_m, np.where(enough, start_m, np.nan))
    soft, moving = per_sd**2, np.ones(len(points_m), dtype=bool)
    residual_px = np.zeros_like(pixels)
    for _ in range(_ROUNDS):
        in_px = equations / _depth(image_from_world, points_m)[..., None, None]
        residual_px[:, moving] = _residual(in_px, points_m)[:, moving]
        square = (residual_px**2).sum(axis=-1) * per_sd**2
        soft[:, moving] = (per_sd**2 / (1 + square / tuning**2) ** 2)[:, moving]
        stepped_m, normals = _solve(in_px, soft)
        step_m = np.abs(stepped_m - points_m).sum(axis=1)
        points_m = np.where(moving[:, None], stepped_m, points_m)
        normal[moving] = normals[moving]
        moving &= ~(step_m < _STILL_M)
    n_views = seen.sum(axis=0)
    covariance = _covariance(normal, soft, residual_px, n_views, softness(tuning, len(weight)))
    error_px = np.where(seen, np.linalg.norm(residual_px, axis=-1), np.nan)
    return Triangulated(points_m, covariance, n_views, error_px)


def _solve(equations: F64, information: F64) -> tuple[F64, F64]:
    """Least squares of (C, J, 2, 4) with (C, J) weights: points (J, 3), normal matrices."""
    weighted = equations * information[..., None, None]
    full = np.einsum("cjri,cjrk->jik", weighted, equations)  # (J, 4, 4)
    normal, right = full[:, :3, :3], -full[:, :3, 3]
    enough = (information > 0).sum(axis=0) >= 2
    safe = np.where(enough[:, None, None], normal, np.eye(3))
    trace = np.trace(safe, axis1=1, axis2=2)
    safe = safe + np.eye(3) * (1e-15 * trace)[:, None, None]
    points_m = np.linalg.solve(safe, right[..., None])[..., 0]
    return np.where(enough[:, None], points_m, np.nan), safe


def _depth(image_from_world: F64, points_m: F64) -> F64:
    """Depth of the points in each camera (C, J), 1 where there is no point or it lies behind."""
    third = image_from_world[:, 2]
    depth = third[:, None, :3] @ points_m.T[None] + third[:, None, 3:]
    depth = depth[:, 0]
    return np.where(depth > 1e-3, depth, 1.0)


def _residual(in_px: F64, points_m: F64) -> F64:
    at = np.nan_to_num(points_m)
    return np.einsum("cjri,ji->cjr", in_px[..., :3], at) + in_px[..., 3]


def _covariance(
    normal: F64, soft: F64, residual_px: F64, n_views: NDArray[np.intp], expected: F64
) -> F64:
    """Inverse normal matrix times the variance of unit weight, believed to be near 1."""
    squares = (soft * (residual_px**2).sum(axis=-1)).sum(axis=0)
    left, factor = expected[n_views].T
    variance = (_TRUST_IN_SD + squares / left) / (_TRUST_IN_SD + np.maximum(2 * n_views - 3, 0))
    covariance = np.linalg.inv(normal) * (variance * factor)[:, None, None]
    unknown = np.eye(3) * _NO_VIEW_VARIANCE_M2
    return np.where((n_views >= 2)[:, None, None], covariance, unknown)


def reproject(image_from_world: F64, points_m: F64) -> F64:
    """World points (J, 3) to the pixels of ideal lenses, (C, J, 2)."""
    homogeneous = np.concatenate([points_m, np.ones_like(points_m[:, :1])], axis=1)
    projected = np.einsum("cij,nj->cni", image_from_world, homogeneous)
    with np.errstate(divide="ignore", invalid="ignore"):
        return projected[..., :2] / projected[..., 2:]
