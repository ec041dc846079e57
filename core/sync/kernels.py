"""Inner loop of ``core.sync.curves``: epipolar distances of one pair of cameras over many lags.

Letters: T frames, J keypoints, L lags, U time blocks. All float arrays are ``core.jit.plain``.
"""

import numpy as np
from numpy.typing import NDArray

from core.jit import F64, kernel

_LEAST_SEEN = 5  # of a keypoint in a span: its median takes the rest away


@kernel
def _sampson(fundamental: F64, ax: float, ay: float, bx: float, by: float) -> float:
    """Signed Sampson distance of two pixels: b' F a, over its gradient's length."""
    a0 = fundamental[0, 0] * ax + fundamental[0, 1] * ay + fundamental[0, 2]
    a1 = fundamental[1, 0] * ax + fundamental[1, 1] * ay + fundamental[1, 2]
    a2 = fundamental[2, 0] * ax + fundamental[2, 1] * ay + fundamental[2, 2]
    b0 = fundamental[0, 0] * bx + fundamental[1, 0] * by + fundamental[2, 0]
    b1 = fundamental[0, 1] * bx + fundamental[1, 1] * by + fundamental[2, 1]
    return (bx * a0 + by * a1 + a2) / np.sqrt(a0 * a0 + a1 * a1 + b0 * b0 + b1 * b1)


@kernel
def _unbiased(
    a_px: F64, b_px: F64, fundamental: F64, keypoint: int, first: int, end: int, lag: int, out: F64
) -> int:
    """Distances of one keypoint in a span, less their median, into ``out``; NaN where not seen."""
    known = np.empty(end - first)
    count = 0
    for row in range(first, end):
        other = row + lag
        out[row - first] = np.nan
        if 0 <= other < len(b_px):
            ax, ay = a_px[row, keypoint, 0], a_px[row, keypoint, 1]
            bx, by = b_px[other, keypoint, 0], b_px[other, keypoint, 1]
            distance = _sampson(fundamental, ax, ay, bx, by)
            out[row - first] = distance
            if distance == distance:
                known[count] = distance
                count += 1
    if count < _LEAST_SEEN:
        return 0
    middle = np.median(known[:count])
    for place in range(end - first):
        out[place] -= middle
    return count


@kernel
def _add(
    distances: F64,
    blocks: NDArray[np.int64],
    soft_px: float,
    sums: F64,
    counts: F64,
    number: int,
) -> None:
    """Add the costs of one keypoint in a span to its blocks' (U, L), at one lag's place."""
    for row in range(len(distances)):
        square = distances[row] ** 2
        if square == square:
            sums[blocks[row], number] += square / (square + soft_px * soft_px)
            counts[blocks[row], number] += 1.0


@kernel
def curves(
    a_px: F64,
    b_px: F64,
    fundamental: F64,
    lags: NDArray[np.int64],
    spans: NDArray[np.int64],
    block_of: NDArray[np.int64],
    soft_px: float,
    sums: F64,
    counts: F64,
) -> None:
    """Add a pair's cost of each lag into ``sums`` and ``counts``, (U, J, L).

    The cost of one distance d is d^2 / (d^2 + soft^2) (Geman and McClure 1987).

    Args:
        a_px: (T, J, 2) ideal pixels, NaN where not seen.
        b_px: (T', J, 2) likewise; frame t of a is compared with frame t + lag of b.
        fundamental: (3, 3) of b from a.
        lags: (L,).
        spans: (S, 2) rows of a, first and end, over which a keypoint's bias is taken as constant.
        block_of: (T,) the time block of each row of a.
        soft_px: distance that counts half.
        sums: (U, J, L).
        counts: (U, J, L).
    """
    for place in range(len(spans)):
        first, end = spans[place, 0], spans[place, 1]
        distances = np.empty(end - first)
        blocks = block_of[first:end]
        for number in range(len(lags)):
            for keypoint in range(a_px.shape[1]):
                lag = lags[number]
                if _unbiased(a_px, b_px, fundamental, keypoint, first, end, lag, distances):
                    _add(distances, blocks, soft_px, sums[:, keypoint], counts[:, keypoint], number)


@kernel
def spread(
    a_px: F64,
    b_px: F64,
    fundamental: F64,
    lag: int,
    spans: NDArray[np.int64],
    found: F64,
) -> int:
    """Absolute unbiased distances at one lag into ``found`` (T * J,); returns how many."""
    count = 0
    for place in range(len(spans)):
        first, end = spans[place, 0], spans[place, 1]
        distances = np.empty(end - first)
        for keypoint in range(a_px.shape[1]):
            if _unbiased(a_px, b_px, fundamental, keypoint, first, end, lag, distances) == 0:
                continue
            for row in range(end - first):
                if distances[row] == distances[row]:
                    found[count] = abs(distances[row])
                    count += 1
    return count
