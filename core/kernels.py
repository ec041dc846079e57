"""Inner loops of triangulation and of the left/right check, behind core.triangulate and core.swaps.

Letters: C cameras, J keypoints, B keypoints of the body. All arrays are ``core.jit.plain``; results
are filled into arrays that the kernel made, or into scratch arrays handed down.

A system is the upper triangle of a symmetric 3x3 matrix and a right side, nine numbers
(00, 01, 02, 11, 12, 22, right 0, 1, 2).
"""

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel

_ROUNDS = 5
_RIDGE = 1e-15
_NEAREST_M = 1e-3
_STILL_M = 1e-4  # a hundredth of a keypoint's error: another round would change nothing
_NO_VIEW_VARIANCE_M2 = 1e6
TRUST_IN_SD = 30.0  # observations' worth of belief in the stated standard deviation


@kernel
def _solve(system: F64, out: F64) -> bool:
    """Solve by LDL^T into ``out`` (3,); False and NaN where the matrix is not positive definite."""
    ridge = _RIDGE * (system[0] + system[3] + system[5])
    d0 = system[0] + ridge
    l10, l20 = system[1] / d0, system[2] / d0
    d1 = system[3] + ridge - l10 * system[1]
    below = system[4] - l20 * system[1]
    l21 = below / d1
    d2 = system[5] + ridge - l20 * system[2] - l21 * below
    if not (d0 > 0 and d1 > 0 and d2 > 0):
        out[:] = np.nan
        return False
    y1 = system[7] - l10 * system[6]
    y2 = system[8] - l20 * system[6] - l21 * y1
    out[2] = y2 / d2
    out[1] = y1 / d1 - l21 * out[2]
    out[0] = system[6] / d0 - l10 * out[1] - l20 * out[2]
    return True


@kernel
def _add(system: F64, row: F64, factor: float) -> None:
    """Add ``factor`` times the normal equations of row . (x, y, z, 1) = 0."""
    x, y, z = factor * row[0], factor * row[1], factor * row[2]
    system[0] += x * row[0]
    system[1] += x * row[1]
    system[2] += x * row[2]
    system[3] += y * row[1]
    system[4] += y * row[2]
    system[5] += z * row[2]
    system[6] -= x * row[3]
    system[7] -= y * row[3]
    system[8] -= z * row[3]


@kernel
def _equations(image_from_world: F64, x_px: float, y_px: float, out: F64) -> None:
    """Both rows of the direct linear transform of one camera (3, 4) into ``out`` (2, 4)."""
    for i in range(4):
        out[0, i] = x_px * image_from_world[2, i] - image_from_world[0, i]
        out[1, i] = y_px * image_from_world[2, i] - image_from_world[1, i]


@kernel
def _whiten(rows: F64, whitening: F64) -> None:
    """Combine both rows of a camera by a symmetric matrix (xx, yy, xy), in place."""
    for i in range(4):
        across, down = rows[0, i], rows[1, i]
        rows[0, i] = whitening[0] * across + whitening[2] * down
        rows[1, i] = whitening[2] * across + whitening[1] * down


@kernel
def _add_ray(system: F64, rows: F64, weight: float) -> None:
    """Add a camera's rows (2, 4), each scaled to the distance from its plane in metres."""
    for r in range(2):
        norm2 = rows[r, 0] ** 2 + rows[r, 1] ** 2 + rows[r, 2] ** 2
        _add(system, rows[r], weight * weight / norm2)


@kernel
def _dot(row: F64, point_m: F64) -> float:
    return row[0] * point_m[0] + row[1] * point_m[1] + row[2] * point_m[2] + row[3]


@kernel
def linear(image_from_world: F64, points_px: F64, weight: F64) -> F64:
    """See ``core.triangulate.linear``."""
    n_cameras, n_keypoints = weight.shape
    points_m = np.full((n_keypoints, 3), np.nan)
    rows, system = np.empty((2, 4)), np.empty(9)
    for j in range(n_keypoints):
        n_views = 0
        system[:] = 0.0
        for c in range(n_cameras):
            if weight[c, j] > 0:
                n_views += 1
                _equations(image_from_world[c], points_px[c, j, 0], points_px[c, j, 1], rows)
                _add_ray(system, rows, weight[c, j])
        if n_views >= 2:
            _solve(system, points_m[j])
    return points_m


@kernel
def robust(
    image_from_world: F64,
    points_px: F64,
    weight: F64,
    sd_px: F64,
    tuning: float,
    expected: F64,
    start_m: F64,
    whitening: F64,
) -> tuple[F64, F64, NDArray[np.int64], F64]:
    """Points, covariances, views and errors; see ``core.triangulate.robust``.

    ``expected`` (C + 1, 2): for each number of views the part of the squares that soft weights
    leave, and the factor of the covariance; see ``core.triangulate.softness``. ``whitening`` is
    (C, J, 3), or (0, 0, 3) where errors are even.
    """
    n_cameras, n_keypoints = weight.shape
    points_m = np.full((n_keypoints, 3), np.nan)
    covariance_m2 = np.zeros((n_keypoints, 3, 3))
    n_views = np.zeros(n_keypoints, np.int64)
    error_px = np.full((n_cameras, n_keypoints), np.nan)
    rows, camera = np.empty((n_cameras, 3, 4)), np.empty(n_cameras, np.int64)
    per_sd, square_px2 = np.empty(n_cameras), np.empty(n_cameras)
    system, column = np.empty(9), np.empty(3)
    for j in range(n_keypoints):
        n = 0
        for c in range(n_cameras):
            if weight[c, j] > 0:
                x_px, y_px = points_px[c, j, 0], points_px[c, j, 1]
                _equations(image_from_world[c], x_px, y_px, rows[n])
                if len(whitening) > 0:
                    _whiten(rows[n], whitening[c, j])
                for i in range(4):
                    rows[n, 2, i] = image_from_world[c, 2, i]
                camera[n] = c
                per_sd[n] = weight[c, j] / sd_px[c]
                n += 1
        n_views[j] = n
        points_m[j] = start_m[j]
        squares = _reweighted(rows[:n], per_sd, tuning, system, points_m[j], square_px2)
        if np.isfinite(points_m[j, 0]):
            for k in range(n):
                error_px[camera[k], j] = np.sqrt(square_px2[k])
        freedom = max(2 * n - 3, 0)
        variance = (TRUST_IN_SD + squares / expected[n, 0]) / (TRUST_IN_SD + freedom)
        variance *= expected[n, 1]
        _invert(system, variance, column, covariance_m2[j], n >= 2)
    return points_m, covariance_m2, n_views, error_px


@kernel
def _reweighted(
    rows: F64, per_sd: F64, tuning: float, system: F64, point_m: F64, square_px2: F64
) -> float:
    """Triangulate one keypoint from the rows of n cameras (n, 3, 4); its weighted squared error.

    The third row of a camera gives the depth. Begins at ``point_m``, or at the linear solution
    where that is NaN. Leaves the point, the last system, and each camera's squared distance before
    the last step.
    """
    if len(rows) < 2:
        point_m[:] = np.nan
        return 0.0
    if np.isnan(point_m[0]):
        system[:] = 0.0
        for k in range(len(rows)):
            _add_ray(system, rows[k], per_sd[k])
        if not _solve(system, point_m):
            return 0.0
    squares = 0.0
    for _ in range(_ROUNDS):
        squares = _weighed(rows, per_sd, tuning, system, point_m, square_px2)
        x_m, y_m, z_m = point_m[0], point_m[1], point_m[2]
        if not _solve(system, point_m):
            return 0.0
        if abs(point_m[0] - x_m) + abs(point_m[1] - y_m) + abs(point_m[2] - z_m) < _STILL_M:
            break
    return squares


@kernel
def _weighed(
    rows: F64, per_sd: F64, tuning: float, system: F64, point_m: F64, square_px2: F64
) -> float:
    """One round: the system around a point, in pixels and softly weighed; the squared error.

    Everything by index: in the innermost loop a slice costs more than the arithmetic.
    """
    x, y, z = point_m[0], point_m[1], point_m[2]
    system[:] = 0.0
    squares = 0.0
    for k in range(len(rows)):
        depth = rows[k, 2, 0] * x + rows[k, 2, 1] * y + rows[k, 2, 2] * z + rows[k, 2, 3]
        across = rows[k, 0, 0] * x + rows[k, 0, 1] * y + rows[k, 0, 2] * z + rows[k, 0, 3]
        down = rows[k, 1, 0] * x + rows[k, 1, 1] * y + rows[k, 1, 2] * z + rows[k, 1, 3]
        per_px = 1.0 / depth if depth > _NEAREST_M else 1.0
        square = (across * across + down * down) * per_px * per_px
        root = per_sd[k] / (1 + square * per_sd[k] * per_sd[k] / (tuning * tuning))
        soft = root * root
        squares += soft * square
        square_px2[k] = square
        _add_both(system, rows, k, soft * per_px * per_px)
    return squares


@kernel
def _add_both(system: F64, rows: F64, k: int, factor: float) -> None:
    """Add ``factor`` times the normal equations of both rows of camera ``k``."""
    for r in range(2):
        a, b, c, d = rows[k, r, 0], rows[k, r, 1], rows[k, r, 2], rows[k, r, 3]
        x, y, z = factor * a, factor * b, factor * c
        system[0] += x * a
        system[1] += x * b
        system[2] += x * c
        system[3] += y * b
        system[4] += y * c
        system[5] += z * c
        system[6] -= x * d
        system[7] -= y * d
        system[8] -= z * d


@kernel
def _invert(system: F64, factor: float, column: F64, out: F64, known: bool) -> None:
    """``factor`` times the inverse of a system's matrix into ``out`` (3, 3); large if unknown."""
    for i in range(3):
        system[6:] = 0.0
        system[6 + i] = factor
        known = known and _solve(system, column)
        for k in range(i, 3):
            out[i, k] = out[k, i] = column[k]
    if not known:
        out[:] = 0.0
        out[0, 0] = out[1, 1] = out[2, 2] = _NO_VIEW_VARIANCE_M2


@kernel
def _distance_px(image_from_world: F64, point_m: F64, point_px: F64) -> float:
    depth = _dot(image_from_world[2], point_m)
    x_px = _dot(image_from_world[0], point_m) / depth - point_px[0]
    y_px = _dot(image_from_world[1], point_m) / depth - point_px[1]
    return np.sqrt(x_px * x_px + y_px * y_px)


@kernel
def body_cost(
    expected_px: F64, points_px: F64, weight: F64, body: NDArray[np.int64], worst_px: float
) -> F64:
    """See ``core.swaps.body_cost``."""
    n_cameras = len(weight)
    cost = np.empty(n_cameras)
    for c in range(n_cameras):
        total, sum_px = 0.0, 0.0
        for j in body:
            x_px = expected_px[c, j, 0] - points_px[c, j, 0]
            y_px = expected_px[c, j, 1] - points_px[c, j, 1]
            distance_px = np.sqrt(x_px * x_px + y_px * y_px)
            if np.isfinite(distance_px):
                total += weight[c, j]
                sum_px += min(distance_px, worst_px) * weight[c, j]
        cost[c] = sum_px / max(total, 1e-12) if total > 0 else np.inf
    return cost


@kernel
def _camera_cost(
    image_from_world: F64,
    body_m: F64,
    points_px: F64,
    weight: F64,
    numbers: NDArray[np.int64],
    worst_px: float,
) -> float:
    """Mean truncated distance of body points (B, 3) to the pixels ``numbers`` of one camera."""
    total, sum_px = 0.0, 0.0
    for b in range(len(numbers)):
        j = int(numbers[b])
        if weight[j] > 0:
            distance_px = _distance_px(image_from_world, body_m[b], points_px[j])
            if np.isfinite(distance_px):
                total += weight[j]
                sum_px += min(distance_px, worst_px) * weight[j]
    return sum_px / max(total, 1e-12) if total > 0 else np.inf


@kernel
def against_prediction(
    image_from_world: F64,
    body_m: F64,
    points_px: F64,
    weight: F64,
    body: NDArray[np.int64],
    exchanged: NDArray[np.int64],
    gain: float,
    worst_px: float,
) -> NDArray[np.bool_]:
    """See ``core.swaps.against_prediction``; ``exchanged`` numbers the partners of ``body``."""
    flags = np.zeros(len(weight), np.bool_)
    for c in range(len(weight)):
        camera = image_from_world[c], body_m, points_px[c], weight[c]
        as_is = _camera_cost(*camera, body, worst_px)
        other = _camera_cost(*camera, exchanged, worst_px)
        flags[c] = np.isfinite(as_is) and other < gain * as_is
    return flags


@kernel
def from_scratch(
    image_from_world: F64,
    points_px: F64,
    weight: F64,
    numbers: NDArray[np.int64],
    present: NDArray[np.int64],
    swap_cost_px: float,
    worst_px: float,
) -> NDArray[np.bool_]:
    """See ``core.swaps.from_scratch``.

    ``numbers`` (2, B) are the body's keypoints and their partners, ``present`` the cameras that see
    any of them. Combinations that are equally good but for rounding: the first counts.
    """
    systems = _ray_systems(image_from_world, points_px, weight, numbers)
    best_cost, best = np.inf, np.zeros(len(weight), np.bool_)
    swapped = np.zeros(len(weight), np.int64)
    body_m, system = np.empty((numbers.shape[1], 3)), np.empty(9)
    n_present = len(present)
    for code in range(1 << n_present):
        n_swapped = 0
        for place in range(n_present):
            swapped[present[place]] = (code >> (n_present - 1 - place)) & 1
            n_swapped += swapped[present[place]]
        for b in range(len(body_m)):
            _solve_choice(systems[:, :, b], swapped, system, body_m[b])
        cost = 0.0
        for c in present:
            camera = image_from_world[c], body_m, points_px[c], weight[c]
            cost += _camera_cost(*camera, numbers[swapped[c]], worst_px)
        cost = cost / max(n_present, 1) + swap_cost_px * n_swapped
        if cost < best_cost - 1e-9:
            best_cost = cost
            for c in range(len(best)):
                best[c] = swapped[c] == 1
    return best


@kernel
def _ray_systems(
    image_from_world: F64, points_px: F64, weight: F64, numbers: NDArray[np.int64]
) -> F64:
    """Each camera's part of a body point's system, as it is and exchanged, (2, C, B, 10).

    The tenth number is 1 where the camera sees the keypoint.
    """
    systems = np.zeros((2, len(weight), numbers.shape[1], 10))
    rows = np.empty((2, 4))
    for side in range(2):
        for c in range(len(weight)):
            for b in range(numbers.shape[1]):
                j = numbers[side, b]
                if weight[c, j] > 0:
                    x_px, y_px = points_px[c, j, 0], points_px[c, j, 1]
                    _equations(image_from_world[c], x_px, y_px, rows)
                    _add_ray(systems[side, c, b], rows, weight[c, j])
                    systems[side, c, b, 9] = 1.0
    return systems


@kernel
def _solve_choice(systems: F64, swapped: NDArray[np.int64], system: F64, out: F64) -> None:
    """Body point of one choice of sides from its parts (2, C, 10); NaN for fewer than two views."""
    system[:] = 0.0
    n_views = 0.0
    for c in range(len(swapped)):
        part = systems[swapped[c], c]
        n_views += part[9]
        for i in range(9):
            system[i] += part[i]
    if n_views < 2:
        out[:] = np.nan
    else:
        _solve(system, out)
