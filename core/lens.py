"""Inner loops of the lens and of the projection, behind core.cameras. C cameras, N points."""

import numpy as np

from core.jit import F64, kernel

_ROUNDS = 20
_ENOUGH = 1e-13  # a ten-billionth of a pixel


@kernel
def _bend(x: float, y: float, lens: F64) -> tuple[float, float]:
    """Apply k1 k2 p1 p2 k3 to an ideal image point at unit focal length.

    Brown, "Close-range camera calibration", 1971, in OpenCV's notation.
    """
    r2 = x * x + y * y
    radial = 1 + r2 * (lens[0] + r2 * (lens[1] + r2 * lens[4]))
    return (
        x * radial + 2 * lens[2] * x * y + lens[3] * (r2 + 2 * x * x),
        y * radial + lens[2] * (r2 + 2 * y * y) + 2 * lens[3] * x * y,
    )


@kernel
def project(cam_from_world: F64, lens: F64, image_from_cam: F64, points_m: F64) -> F64:
    """World points (N, 3) to pixels (C, N, 2) by cameras (C, 3, 4), (C, 5), (C, 3, 3)."""
    n_cameras, n_points = len(lens), len(points_m)
    pixels = np.full((n_cameras, n_points, 2), np.nan)
    for c in range(n_cameras):
        pose, image = cam_from_world[c], image_from_cam[c]
        for n in range(n_points):
            x, y, z = points_m[n]
            depth = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
            if depth > 0:
                across = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
                down = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
                bent_x, bent_y = _bend(across / depth, down / depth, lens[c])
                pixels[c, n, 0] = image[0, 0] * bent_x + image[0, 1] * bent_y + image[0, 2]
                pixels[c, n, 1] = image[1, 0] * bent_x + image[1, 1] * bent_y + image[1, 2]
    return pixels


@kernel
def undistort(image_from_cam: F64, lens: F64, points_px: F64) -> F64:
    """Pixels (C, N, 2) to those of ideal lenses, by cameras (C, 3, 3), (C, 5)."""
    ideal_px = np.empty_like(points_px)
    for c in range(len(lens)):
        (f00, f01, c0), (f10, f11, c1) = image_from_cam[c, 0], image_from_cam[c, 1]
        determinant, one = f00 * f11 - f01 * f10, lens[c]
        for n in range(points_px.shape[1]):
            u, v = points_px[c, n, 0] - c0, points_px[c, n, 1] - c1
            bent_x, bent_y = (f11 * u - f01 * v) / determinant, (f00 * v - f10 * u) / determinant
            x, y = bent_x, bent_y
            for _ in range(_ROUNDS):
                again_x, again_y = _bend(x, y, one)
                change_x, change_y = again_x - bent_x, again_y - bent_y
                x, y = x - change_x, y - change_y
                if not max(abs(change_x), abs(change_y)) > _ENOUGH:
                    break
            ideal_px[c, n, 0] = f00 * x + f01 * y + c0
            ideal_px[c, n, 1] = f10 * x + f11 * y + c1
    return ideal_px
