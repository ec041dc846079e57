"""Inner loop of the association, behind ``core.associate``."""

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel

Ints = NDArray[np.int64]


@kernel
def distances(
    image_from_world: F64,
    focal_px: F64,
    camera: Ints,
    people_m: F64,
    points_px: F64,
    weight: F64,
    body: Ints,
    partner: Ints,
    far_m: float,
) -> F64:
    """(D, P, 2); see ``core.associate.distances_m``. ``partner``: of each keypoint of ``body``."""
    out = np.full((len(camera), len(people_m), 2), np.inf)
    for d in range(len(camera)):
        matrix, focal = image_from_world[camera[d]], focal_px[camera[d]]
        for p in range(len(people_m)):
            total, summed = np.zeros(2), np.zeros(2)
            for b in range(len(body)):
                point = people_m[p, body[b]]
                depth = _dot(matrix[2], point)
                if not depth > 0:
                    continue
                x_px, y_px = _dot(matrix[0], point) / depth, _dot(matrix[1], point) / depth
                for side in range(2):
                    j = body[b] if side == 0 else partner[b]
                    if weight[d, j] > 0:
                        dx, dy = x_px - points_px[d, j, 0], y_px - points_px[d, j, 1]
                        off_m = min(np.sqrt(dx * dx + dy * dy) * depth / focal, far_m)
                        total[side] += weight[d, j]
                        summed[side] += weight[d, j] * off_m
            for side in range(2):
                if total[side] > 0:
                    out[d, p, side] = summed[side] / total[side]
    return out


@kernel
def _dot(row: F64, point_m: F64) -> float:
    return row[0] * point_m[0] + row[1] * point_m[1] + row[2] * point_m[2] + row[3]
