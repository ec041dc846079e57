"""Where in a camera's picture something was seen: outside of that a lens is guessed."""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
_CELLS = (8, 6)
"""Along the longer and the shorter side."""


def counts(points_px: F64, size_px: tuple[int, int]) -> NDArray[np.int64]:
    """Count the points (N, 2) in each cell of the picture, (rows, columns); NaN and outside: not.

    Args:
        points_px: of all views together.
        size_px: width and height.
    """
    columns, rows = _CELLS if size_px[0] >= size_px[1] else _CELLS[::-1]
    whole = ((-0.5, size_px[0] - 0.5), (-0.5, size_px[1] - 0.5))
    known = points_px[np.isfinite(points_px).all(axis=-1)]
    found = np.histogram2d(known[:, 0], known[:, 1], bins=(columns, rows), range=whole)[0]
    return found.T.astype(np.int64)


def share(cells: NDArray[np.int64]) -> float:
    """Part of the cells in which anything was seen."""
    return float((cells > 0).mean())
