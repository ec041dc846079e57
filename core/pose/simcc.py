"""SimCC: two rows of bins for each keypoint, one along x and one along y, to points and scores.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV
2022 (arXiv 2107.03332), as RTMPose uses it (Jiang et al. 2023, arXiv 2303.07399).
"""

import numpy as np
from numpy.typing import NDArray

from core.pose.crops import Size

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


def decode(simcc_x: F32, simcc_y: F32, size: Size, *, subpixel: bool = False) -> tuple[F64, F64]:
    """Most likely place and score of each keypoint.

    Args:
        simcc_x: (N, K, X) with a whole or broken number of bins for each pixel across.
        simcc_y: (N, K, Y), as many bins for each pixel down.
        size: of the network's input.
        subpixel: between bins too, by the parabola through the highest bin and its neighbours;
            otherwise the middle of the highest bin, as mmpose does.

    Returns:
        points (N, K, 2) px in the crop, continuous, and the score (N, K): the mean of both maxima,
        which is no probability and may exceed 1.

    mmpose puts bin b at the pixel centre b / bins-per-pixel, counted from 0: half a pixel is added.
    """
    x, best_x = _highest(simcc_x, subpixel=subpixel)
    y, best_y = _highest(simcc_y, subpixel=subpixel)
    bins = np.array([simcc_x.shape[2], simcc_y.shape[2]]) / np.array(size)
    return np.stack([x, y], axis=-1) / bins + 0.5, 0.5 * (best_x + best_y)


def _highest(rows: F32, *, subpixel: bool) -> tuple[F64, F64]:
    """Number of the highest bin (N, K) and its value (N, K)."""
    place = rows.argmax(axis=2)[..., None]
    best = np.take_along_axis(rows, place, axis=2).astype(np.float64)
    if not subpixel:
        return place[..., 0].astype(np.float64), best[..., 0]
    last = rows.shape[2] - 1
    before = np.take_along_axis(rows, np.maximum(place - 1, 0), axis=2).astype(np.float64)
    after = np.take_along_axis(rows, np.minimum(place + 1, last), axis=2).astype(np.float64)
    bend = before - 2 * best + after
    inner = (place > 0) & (place < last) & (bend < 0)
    shift = np.where(inner, 0.5 * (before - after) / np.where(inner, bend, -1.0), 0.0)
    return (place + shift)[..., 0], best[..., 0]
