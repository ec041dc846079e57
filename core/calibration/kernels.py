"""Inner loops of the bundle adjustment, behind core.calibration.bundle. C cameras, N points.

A camera has K = 6 unknowns, a turn and a shift in its own axes, or 7 with the logarithm of its
focal length. ``body_errors`` and ``body_equations`` are of M points on B rigid bodies, each with a
turn and a shift in its own axes; behind core.calibration.rigid.
"""

import numpy as np

from core.jit import F64, kernel, part

_BEHIND_PX = 1e3
_TURN = 3
_POSE = 6


@part
def _image(x: float, y: float, lens: F64, image: F64, slope: F64) -> tuple[float, float]:
    """Pixel of a point at unit depth relative to the principal point; its derivative (2, 2).

    Brown, "Close-range camera calibration", 1971, in OpenCV's notation.
    """
    r2 = x * x + y * y
    radial = 1 + r2 * (lens[0] + r2 * (lens[1] + r2 * lens[4]))
    growth = lens[0] + r2 * (2 * lens[1] + 3 * r2 * lens[4])
    bent_x = x * radial + 2 * lens[2] * x * y + lens[3] * (r2 + 2 * x * x)
    bent_y = y * radial + lens[2] * (r2 + 2 * y * y) + 2 * lens[3] * x * y
    across = 2 * x * y * growth + 2 * lens[2] * x + 2 * lens[3] * y
    xx = radial + 2 * x * x * growth + 2 * lens[2] * y + 6 * lens[3] * x
    yy = radial + 2 * y * y * growth + 6 * lens[2] * y + 2 * lens[3] * x
    for row in range(2):
        slope[row, 0] = image[row, 0] * xx + image[row, 1] * across
        slope[row, 1] = image[row, 0] * across + image[row, 1] * yy
    return image[0, 0] * bent_x + image[0, 1] * bent_y, image[1, 0] * bent_x + image[1, 1] * bent_y


@kernel
def cost(
    pose: F64, lens: F64, image: F64, points_m: F64, seen_px: F64, weight: F64, soft_px: float
) -> float:
    """Soft L1 cost, px2, of what cameras (C, ...) saw, (N, C, 2), of points (N, 3)."""
    total, slope = 0.0, np.empty((2, 2))
    for n in range(len(points_m)):
        for c in range(len(lens)):
            if not weight[n, c] > 0:
                continue
            turn = pose[c]
            p0, p1, p2 = points_m[n]
            x = turn[0, 0] * p0 + turn[0, 1] * p1 + turn[0, 2] * p2 + turn[0, 3]
            y = turn[1, 0] * p0 + turn[1, 1] * p1 + turn[1, 2] * p2 + turn[1, 3]
            z = turn[2, 0] * p0 + turn[2, 1] * p1 + turn[2, 2] * p2 + turn[2, 3]
            square = _BEHIND_PX * _BEHIND_PX
            if z > 0:
                u, v = _image(x / z, y / z, lens[c], image[c], slope)
                off_u = u + image[c, 0, 2] - seen_px[n, c, 0]
                off_v = v + image[c, 1, 2] - seen_px[n, c, 1]
                square = off_u * off_u + off_v * off_v
            root = np.sqrt(1 + square / (soft_px * soft_px))
            total += weight[n, c] * soft_px * soft_px * (root - 1)
    return total


@kernel
def equations(
    pose: F64,
    lens: F64,
    image: F64,
    points_m: F64,
    seen_px: F64,
    weight: F64,
    soft_px: float,
    n_unknown: int,
) -> tuple[F64, F64, F64, F64, F64]:
    """Normal equations of the weighted squares, iteratively reweighted for the soft L1.

    Returns:
        of the cameras (C, K, K) and (C, K), of the points (N, 3, 3) and (N, 3), and of both
        (N, C, K, 3).
    """
    n_cameras, n_points = len(lens), len(points_m)
    u_cc, u_c = np.zeros((n_cameras, n_unknown, n_unknown)), np.zeros((n_cameras, n_unknown))
    v_pp, v_p = np.zeros((n_points, 3, 3)), np.zeros((n_points, 3))
    w_cp = np.zeros((n_points, n_cameras, n_unknown, 3))
    slope, in_cam = np.empty((2, 2)), np.empty((2, 3))
    by_cam, by_point, off = np.zeros((2, n_unknown)), np.empty((2, 3)), np.empty(2)
    for n in range(n_points):
        for c in range(n_cameras):
            if not weight[n, c] > 0:
                continue
            p0, p1, p2 = points_m[n]
            turn = pose[c]
            x = turn[0, 0] * p0 + turn[0, 1] * p1 + turn[0, 2] * p2 + turn[0, 3]
            y = turn[1, 0] * p0 + turn[1, 1] * p1 + turn[1, 2] * p2 + turn[1, 3]
            z = turn[2, 0] * p0 + turn[2, 1] * p1 + turn[2, 2] * p2 + turn[2, 3]
            if not z > 0:
                continue
            u, v = _image(x / z, y / z, lens[c], image[c], slope)
            off[0] = u + image[c, 0, 2] - seen_px[n, c, 0]
            off[1] = v + image[c, 1, 2] - seen_px[n, c, 1]
            square = (off[0] * off[0] + off[1] * off[1]) / (soft_px * soft_px)
            counts = weight[n, c] / np.sqrt(1 + square)
            for row in range(2):
                a, b = slope[row, 0] / z, slope[row, 1] / z
                d = -(a * x + b * y) / z
                in_cam[row, 0], in_cam[row, 1], in_cam[row, 2] = a, b, d
                by_cam[row, 0], by_cam[row, 1], by_cam[row, 2] = (
                    d * y - b * z,
                    a * z - d * x,
                    b * x - a * y,
                )
                by_cam[row, 3], by_cam[row, 4], by_cam[row, 5] = a, b, d
                for k in range(3):
                    by_point[row, k] = a * turn[0, k] + b * turn[1, k] + d * turn[2, k]
            if n_unknown > _POSE:
                by_cam[0, _POSE], by_cam[1, _POSE] = u, v
            for row in range(2):
                for i in range(n_unknown):
                    left = counts * by_cam[row, i]
                    u_c[c, i] += left * off[row]
                    for j in range(n_unknown):
                        u_cc[c, i, j] += left * by_cam[row, j]
                    for j in range(3):
                        w_cp[n, c, i, j] += left * by_point[row, j]
                for i in range(3):
                    left = counts * by_point[row, i]
                    v_p[n, i] += left * off[row]
                    for j in range(3):
                        v_pp[n, i, j] += left * by_point[row, j]
    return u_cc, u_c, v_pp, v_p, w_cp


@kernel
def reduced(
    u_cc: F64, u_c: F64, v_pp: F64, v_p: F64, w_cp: F64, damping: float
) -> tuple[F64, F64, F64]:
    """Take the points out of damped equations (Schur complement): (CK, CK), (CK,), (N, 3, 3).

    The last are the points' inverses. Triggs et al., "Bundle adjustment: a modern synthesis", 2000.
    """
    n_cameras, k = u_c.shape
    system, right = np.zeros((n_cameras * k, n_cameras * k)), np.zeros(n_cameras * k)
    inverse = np.zeros_like(v_pp)
    for c in range(n_cameras):
        for i in range(k):
            right[c * k + i] = -u_c[c, i]
            for j in range(k):
                system[c * k + i, c * k + j] = u_cc[c, i, j]
            system[c * k + i, c * k + i] *= 1 + damping
    half = np.empty((n_cameras, k, 3))
    for n in range(len(v_p)):
        m = v_pp[n].copy()
        for i in range(3):
            m[i, i] = m[i, i] * (1 + damping) + 1e-12
        inv = inverse[n]
        inv[0, 0] = m[1, 1] * m[2, 2] - m[1, 2] * m[1, 2]
        inv[0, 1] = m[0, 2] * m[1, 2] - m[0, 1] * m[2, 2]
        inv[0, 2] = m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]
        inv[1, 1] = m[0, 0] * m[2, 2] - m[0, 2] * m[0, 2]
        inv[1, 2] = m[0, 1] * m[0, 2] - m[0, 0] * m[1, 2]
        inv[2, 2] = m[0, 0] * m[1, 1] - m[0, 1] * m[0, 1]
        determinant = m[0, 0] * inv[0, 0] + m[0, 1] * inv[0, 1] + m[0, 2] * inv[0, 2]
        inv[1, 0], inv[2, 0], inv[2, 1] = inv[0, 1], inv[0, 2], inv[1, 2]
        for i in range(3):
            for j in range(3):
                inv[i, j] /= determinant
        for c in range(n_cameras):
            for i in range(k):
                for j in range(3):
                    half[c, i, j] = (
                        w_cp[n, c, i, 0] * inv[0, j]
                        + w_cp[n, c, i, 1] * inv[1, j]
                        + w_cp[n, c, i, 2] * inv[2, j]
                    )
                right[c * k + i] += (
                    half[c, i, 0] * v_p[n, 0]
                    + half[c, i, 1] * v_p[n, 1]
                    + half[c, i, 2] * v_p[n, 2]
                )
        for c in range(n_cameras):
            for d in range(n_cameras):
                for i in range(k):
                    for j in range(k):
                        system[c * k + i, d * k + j] -= (
                            half[c, i, 0] * w_cp[n, d, j, 0]
                            + half[c, i, 1] * w_cp[n, d, j, 1]
                            + half[c, i, 2] * w_cp[n, d, j, 2]
                        )
    return system, right, inverse


@kernel
def point_steps(inverse: F64, v_p: F64, w_cp: F64, camera_steps: F64) -> F64:
    """Steps (N, 3) of the points that belong to steps (C, K) of the cameras."""
    steps = np.zeros_like(v_p)
    for n in range(len(v_p)):
        right = v_p[n].copy()
        for c in range(len(camera_steps)):
            for i in range(camera_steps.shape[1]):
                for j in range(3):
                    right[j] += w_cp[n, c, i, j] * camera_steps[c, i]
        for i in range(3):
            steps[n, i] = -(
                inverse[n, i, 0] * right[0]
                + inverse[n, i, 1] * right[1]
                + inverse[n, i, 2] * right[2]
            )
    return steps


@part
def _placed(pose: F64, p0: float, p1: float, p2: float) -> tuple[float, float, float]:
    """Where a pose (3, 4) puts a point."""
    return (
        pose[0, 0] * p0 + pose[0, 1] * p1 + pose[0, 2] * p2 + pose[0, 3],
        pose[1, 0] * p0 + pose[1, 1] * p1 + pose[1, 2] * p2 + pose[1, 3],
        pose[2, 0] * p0 + pose[2, 1] * p1 + pose[2, 2] * p2 + pose[2, 3],
    )


@kernel
def body_errors(
    pose: F64, lens: F64, image: F64, bodies: F64, index: F64, local_m: F64, seen_px: F64
) -> F64:
    """Projected less seen (M, 2) px; 1000 px behind a camera.

    Points (M, 3) of bodies (B, 3, 4) as seen by cameras (C, ...), (M, 2); ``index`` (M, 2) says by
    which camera which body.
    """
    off_px, slope = np.empty((len(index), 2)), np.empty((2, 2))
    for m in range(len(index)):
        c, b = int(index[m, 0]), int(index[m, 1])
        w0, w1, w2 = _placed(bodies[b], local_m[m, 0], local_m[m, 1], local_m[m, 2])
        x, y, z = _placed(pose[c], w0, w1, w2)
        if z > 0:
            u, v = _image(x / z, y / z, lens[c], image[c], slope)
            off_px[m, 0] = u + image[c, 0, 2] - seen_px[m, 0]
            off_px[m, 1] = v + image[c, 1, 2] - seen_px[m, 1]
        else:
            off_px[m] = _BEHIND_PX
    return off_px


@part
def _turned(pose: F64, x0: float, x1: float, x2: float, row: F64) -> None:
    """Derivative (6,) by a turn and a shift in the axes of x, given that by the turned point."""
    for k in range(3):
        row[3 + k] = pose[0, k] * row[0] + pose[1, k] * row[1] + pose[2, k] * row[2]
    row[0] = row[5] * x1 - row[4] * x2
    row[1] = row[3] * x2 - row[5] * x0
    row[2] = row[4] * x0 - row[3] * x1


@kernel
def body_equations(
    pose: F64,
    lens: F64,
    image: F64,
    bodies: F64,
    index: F64,
    local_m: F64,
    seen_px: F64,
    weight: F64,
    soft_px: float,
) -> tuple[F64, F64, F64, F64, F64]:
    """Normal equations of squares of weight (M,), iteratively reweighted for the soft L1.

    Returns:
        of the cameras (C, 6, 6) and (C, 6), of the bodies (B, 6, 6) and (B, 6), and of both
        (B, C, 6, 6).
    """
    n_cameras, n_bodies = len(lens), len(bodies)
    u_cc, u_c = np.zeros((n_cameras, _POSE, _POSE)), np.zeros((n_cameras, _POSE))
    v_bb, v_b = np.zeros((n_bodies, _POSE, _POSE)), np.zeros((n_bodies, _POSE))
    w_cb = np.zeros((n_bodies, n_cameras, _POSE, _POSE))
    slope, off, same = np.empty((2, 2)), np.empty(2), np.eye(3)
    by_cam, by_body = np.empty((2, _POSE)), np.empty((2, _POSE))
    for m in range(len(index)):
        c, b = int(index[m, 0]), int(index[m, 1])
        p0, p1, p2 = local_m[m, 0], local_m[m, 1], local_m[m, 2]
        w0, w1, w2 = _placed(bodies[b], p0, p1, p2)
        x, y, z = _placed(pose[c], w0, w1, w2)
        if not z > 0:
            continue
        u, v = _image(x / z, y / z, lens[c], image[c], slope)
        off[0] = u + image[c, 0, 2] - seen_px[m, 0]
        off[1] = v + image[c, 1, 2] - seen_px[m, 1]
        square = weight[m] * (off[0] * off[0] + off[1] * off[1]) / (soft_px * soft_px)
        counts = weight[m] / np.sqrt(1 + square)
        for row in range(2):
            first, second = slope[row, 0] / z, slope[row, 1] / z
            by_cam[row, 0], by_cam[row, 1] = first, second
            by_cam[row, 2] = -(first * x + second * y) / z
            for k in range(3):  # by the point in the world
                by_body[row, k] = (
                    pose[c, 0, k] * by_cam[row, 0]
                    + pose[c, 1, k] * by_cam[row, 1]
                    + pose[c, 2, k] * by_cam[row, 2]
                )
            _turned(same, x, y, z, by_cam[row])
            _turned(bodies[b], p0, p1, p2, by_body[row])
        for row in range(2):
            for i in range(_POSE):
                left = counts * by_cam[row, i]
                u_c[c, i] += left * off[row]
                for j in range(_POSE):
                    u_cc[c, i, j] += left * by_cam[row, j]
                    w_cb[b, c, i, j] += left * by_body[row, j]
                left = counts * by_body[row, i]
                v_b[b, i] += left * off[row]
                for j in range(_POSE):
                    v_bb[b, i, j] += left * by_body[row, j]
    return u_cc, u_c, v_bb, v_b, w_cb
