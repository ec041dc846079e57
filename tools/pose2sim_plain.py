"""The camera search of Pose2Sim 0.10.49 as it stands there: one SVD for each choice of cameras.

What ``core.triangulate_pose2sim`` is compared with, in results by the tests, in time by the bench.
Letters: T time, C cameras, J keypoints.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from core.triangulate_pose2sim import Search

F64 = NDArray[np.float64]


def reference_search(
    points_px: F64,
    likelihood: F64,
    image_from_world: F64,
    *,
    min_likelihood: float = 0.3,
    max_error_px: float = 15.0,
    min_cameras: int = 2,
) -> Search:
    """See ``core.triangulate_pose2sim.search``: same arguments, same results."""
    n_times, n_cameras, n_keypoints = likelihood.shape
    found = Search(
        points_m=np.full((n_times, n_keypoints, 3), np.nan),
        error_px=np.full((n_times, n_keypoints), np.nan),
        excluded=np.full((n_times, n_keypoints), n_cameras),
        used=np.zeros(likelihood.shape, dtype=bool),
    )
    finite = np.isfinite(points_px).all(axis=-1)
    sure = np.nan_to_num(likelihood) >= min_likelihood
    weight = np.where(finite & sure, np.nan_to_num(likelihood), 0.0)
    for t, j in itertools.product(range(n_times), range(n_keypoints)):
        pixels, weights = points_px[t, :, j], weight[t, :, j]
        point_m, error_px, choice = _one(
            pixels, weights, image_from_world, max_error_px, min_cameras
        )
        if choice is not None:
            found.excluded[t, j] = n_cameras - choice.sum()
        if choice is not None and error_px <= max_error_px:
            found.points_m[t, j], found.error_px[t, j] = point_m, error_px
            found.used[t, :, j] = choice
    return found


def _one(
    pixels: F64, weights: F64, image_from_world: F64, max_error_px: float, min_cameras: int
) -> tuple[F64, float, NDArray[np.bool_] | None]:
    """Best point of the last number of cameras left out, its error, and its cameras (C,)."""
    n_cameras = len(weights)
    best: tuple[F64, float, NDArray[np.bool_] | None] = np.full(3, np.nan), np.inf, None
    for n_out in range(n_cameras - min_cameras + 1):
        choices = [
            _without(weights, out) for out in itertools.combinations(range(n_cameras), n_out)
        ]
        if min(choice.sum() for choice in choices) < min_cameras:
            break
        points_m = [_dlt(pixels[c], weights[c], image_from_world[c]) for c in choices]
        errors_px = [
            _mean_error(pixels[c], image_from_world[c], point_m)
            for c, point_m in zip(choices, points_m, strict=True)
        ]
        place = int(np.argmin(errors_px))
        best = points_m[place], errors_px[place], choices[place]
        if best[1] <= max_error_px:
            break
    return best


def _without(weights: F64, out: tuple[int, ...]) -> NDArray[np.bool_]:
    choice = weights > 0
    choice[list(out)] = False
    return choice


def _dlt(pixels: F64, weights: F64, image_from_world: F64) -> F64:
    """Weighted direct linear transform (Hartley and Zisserman, 2nd ed., section 12.2)."""
    rows = []
    for pixel, weight, camera in zip(pixels, weights, image_from_world, strict=True):
        rows.append(weight * (camera[0] - pixel[0] * camera[2]))
        rows.append(weight * (camera[1] - pixel[1] * camera[2]))
    vector = np.linalg.svd(np.array(rows), full_matrices=False)[2][3]
    return vector[:3] / vector[3]


def _mean_error(pixels: F64, image_from_world: F64, point_m: F64) -> float:
    distances = []
    for pixel, camera in zip(pixels, image_from_world, strict=True):
        x, y, depth = camera @ np.append(point_m, 1.0)
        distances.append(np.hypot(x / depth - pixel[0], y / depth - pixel[1]))
    return float(np.mean(distances))
