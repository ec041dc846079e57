"""Triangulation as Pose2Sim 0.10.49 does it: whole cameras left out until the rest agree.

Apart from ``core.triangulate`` since it serves comparison and exchange with Pose2Sim projects, not
the live path: which cameras count flips from frame to frame. Method: Pagnon, Domalain and Reveret,
"Pose2Sim: an end-to-end workflow for 3D markerless sports kinematics", Sensors 2021, 21(19).

Letters: T time, C cameras, J keypoints. A choice of cameras is an integer, bit c for camera c.
"""

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel, plain

I64 = NDArray[np.int64]

_MOST_CAMERAS = 16  # 2^C choices
_ROUNDS = 100
_ENOUGH = 1e-14
_RIDGE = 1e-15


class Search(NamedTuple):
    """World points and the cameras they are made of."""

    points_m: F64  # (T, J, 3), NaN where no choice of cameras agreed
    error_px: F64  # (T, J) mean distance in the cameras used, NaN where there is no point
    excluded: I64  # (T, J) cameras left out or without the keypoint, also where there is no point
    used: NDArray[np.bool_]  # (T, C, J), nowhere true where there is no point


def search(
    points_px: F64,
    likelihood: F64,
    image_from_world: F64,
    *,
    min_likelihood: float = 0.3,
    max_error_px: float = 15.0,
    min_cameras: int = 2,
) -> Search:
    """Leave out 0, 1, 2 .. cameras; of the choices with equally many the best, if it is good.

    The direct linear transform weighted by likelihood, lens distortion ignored, the mean distance
    in the cameras used as error. It gives up as soon as one choice of a level would leave fewer
    than ``min_cameras``; so with one camera blind, one less is tried.

    Args:
        points_px: (T, C, J, 2), NaN = not seen.
        likelihood: (T, C, J), NaN = not seen.
        image_from_world: (C, 3, 4) px.
        min_likelihood: weaker keypoints count as not seen.
        max_error_px: good enough.
        min_cameras: at least 2.

    Raises:
        ValueError: fewer than 2 for ``min_cameras``, or more than 16 cameras.
    """
    n_cameras = len(image_from_world)
    if min_cameras < 2 or n_cameras > _MOST_CAMERAS:
        raise ValueError(
            f"min_cameras is {min_cameras}, cameras are {n_cameras}: the search needs at least 2 "
            f"and takes at most {_MOST_CAMERAS} cameras"
        )
    left_out, level_begins = _choices(n_cameras)
    points_m, error_px, excluded, chosen = _search(
        plain(points_px),
        plain(likelihood),
        plain(image_from_world),
        float(min_likelihood),
        float(max_error_px),
        min_cameras,
        left_out,
        level_begins,
    )
    used = chosen[:, None, :] >> np.arange(n_cameras)[:, None] & 1  # (T, C, J)
    return Search(points_m, error_px, excluded, used.astype(bool))


@lru_cache
def _choices(n_cameras: int) -> tuple[I64, I64]:
    """Cameras left out by each choice, few first, and where each number of them begins."""
    masks, begins = [], []
    for n_out in range(n_cameras + 1):
        begins.append(len(masks))
        masks += [
            sum(1 << c for c in out) for out in itertools.combinations(range(n_cameras), n_out)
        ]
    return np.array(masks), np.array([*begins, len(masks)])


@kernel
def _search(
    points_px: F64,
    likelihood: F64,
    image_from_world: F64,
    min_likelihood: float,
    max_error_px: float,
    min_cameras: int,
    left_out: I64,
    level_begins: I64,
) -> tuple[F64, F64, I64, I64]:
    n_times, n_cameras, n_keypoints = likelihood.shape
    points_m = np.full((n_times, n_keypoints, 3), np.nan)
    error_px = np.full((n_times, n_keypoints), np.nan)
    excluded = np.full((n_times, n_keypoints), n_cameras)
    chosen = np.zeros((n_times, n_keypoints), np.int64)
    normals, tried_px = np.empty((n_cameras, 4, 4)), np.empty(1 << n_cameras)
    for t in range(n_times):
        for j in range(n_keypoints):
            pixels = points_px[t, :, j]
            seen = _normals(pixels, likelihood[t, :, j], image_from_world, min_likelihood, normals)
            best, best_px = _best(
                pixels, image_from_world, normals, seen, max_error_px, min_cameras,
                left_out, level_begins, tried_px,
            )  # fmt: skip
            if best:
                excluded[t, j] = n_cameras - _count(best)
            if best_px <= max_error_px:
                _point(normals, best, points_m[t, j])
                error_px[t, j] = best_px
                chosen[t, j] = best
    return points_m, error_px, excluded, chosen


@kernel
def _count(mask: int) -> int:
    n = 0
    while mask:
        n += mask & 1
        mask >>= 1
    return n


@kernel
def _normals(
    pixels: F64, likelihood: F64, image_from_world: F64, min_likelihood: float, normals: F64
) -> int:
    """Lower triangles of the cameras' weighted normal matrices (C, 4, 4); returns who sees it."""
    seen = 0
    for c in range(len(likelihood)):
        x_px, y_px, weight = pixels[c, 0], pixels[c, 1], likelihood[c]
        if not (weight >= min_likelihood and weight > 0 and np.isfinite(x_px + y_px)):
            continue
        seen |= 1 << c
        camera = image_from_world[c]
        for i in range(4):
            across_i = camera[0, i] - x_px * camera[2, i]
            down_i = camera[1, i] - y_px * camera[2, i]
            for k in range(i + 1):
                across_k = camera[0, k] - x_px * camera[2, k]
                down_k = camera[1, k] - y_px * camera[2, k]
                normals[c, i, k] = weight * weight * (across_i * across_k + down_i * down_k)
    return seen


@kernel
def _best(
    pixels: F64,
    image_from_world: F64,
    normals: F64,
    seen: int,
    max_error_px: float,
    min_cameras: int,
    left_out: I64,
    level_begins: I64,
    tried_px: F64,
) -> tuple[int, float]:
    """Best choice of the last level tried, 0 if there was none, and its error."""
    tried_px[:] = -1.0
    best, best_px = 0, np.inf
    for level in range(_count(seen) - min_cameras + 1):
        best_px = np.inf
        for place in range(level_begins[level], level_begins[level + 1]):
            choice = seen & ~int(left_out[place])
            if tried_px[choice] < 0:
                tried_px[choice] = _error(pixels, image_from_world, normals, choice)
            if tried_px[choice] < best_px:
                best, best_px = choice, tried_px[choice]
        if best_px <= max_error_px:
            break
    return best, best_px


@kernel
def _error(pixels: F64, image_from_world: F64, normals: F64, choice: int) -> float:
    """Mean distance of the chosen cameras' pixels to the point they give."""
    point_m = np.empty(3)
    _point(normals, choice, point_m)
    total_px, n = 0.0, 0
    for c in range(len(pixels)):
        if choice >> c & 1:
            depth = _dot(image_from_world[c, 2], point_m)
            x_px = _dot(image_from_world[c, 0], point_m) / depth - pixels[c, 0]
            y_px = _dot(image_from_world[c, 1], point_m) / depth - pixels[c, 1]
            total_px += np.sqrt(x_px * x_px + y_px * y_px)
            n += 1
    return total_px / n


@kernel
def _dot(row: F64, point_m: F64) -> float:
    return row[0] * point_m[0] + row[1] * point_m[1] + row[2] * point_m[2] + row[3]


@kernel
def _point(normals: F64, choice: int, out: F64) -> None:
    """Least eigenvector of the summed normal matrices, by inverse iteration, into ``out`` (3,).

    It is the last right singular vector of the stacked rows (Hartley and Zisserman, 12.2).
    """
    lower = np.zeros((4, 4))
    for c in range(len(normals)):
        if choice >> c & 1:
            for i in range(4):
                for k in range(i + 1):
                    lower[i, k] += normals[c, i, k]
    _cholesky(lower)
    vector, again = np.array([0.0, 0.0, 0.0, 1.0]), np.empty(4)
    for _ in range(_ROUNDS):
        if _iterate(lower, vector, again) < _ENOUGH:
            break
    for i in range(3):
        out[i] = vector[i] / vector[3]


@kernel
def _cholesky(lower: F64) -> None:
    """Factor of a lower triangle (4, 4), in place; a hair is added so that it exists."""
    ridge = _RIDGE * (lower[0, 0] + lower[1, 1] + lower[2, 2] + lower[3, 3])
    for i in range(4):
        for k in range(i + 1):
            rest = lower[i, k]
            for m in range(k):
                rest -= lower[i, m] * lower[k, m]
            lower[i, k] = np.sqrt(max(rest + ridge, ridge)) if i == k else rest / lower[k, k]


@kernel
def _iterate(lower: F64, vector: F64, again: F64) -> float:
    """Replace a unit vector by the solution for it, normed; return how far it moved."""
    for i in range(4):
        again[i] = vector[i]
        for k in range(i):
            again[i] -= lower[i, k] * again[k]
        again[i] /= lower[i, i]
    for i in range(3, -1, -1):
        for k in range(i + 1, 4):
            again[i] -= lower[k, i] * again[k]
        again[i] /= lower[i, i]
    norm = np.sqrt(again[0] ** 2 + again[1] ** 2 + again[2] ** 2 + again[3] ** 2)
    if again[3] < 0:
        norm = -norm
    moved = 0.0
    for i in range(4):
        moved += abs(again[i] / norm - vector[i])
        vector[i] = again[i] / norm
    return moved
