"""What a heat map says around a point: where, and how sharply and in which shape."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_WINDOW = np.arange(-3, 4)
_REFINE_ABOVE = 0.5
_OF_A_CELL = np.array([1 / 12, 1 / 12, 0.0])  # second moments of a square of side 1


def sigmoid(logit: NDArray[np.floating]) -> F64:
    """Probabilities of logits."""
    return 1 / (1 + np.exp(-np.clip(logit.astype(np.float64), -60, 60)))


class Near(NamedTuple):
    """The heatmap in a window around each landmark."""

    weight: F64  # (J, 7, 7)
    mean: F64  # (J, 2) cells; 0 where the window is empty
    within: NDArray[np.bool_]  # (J,) whether the landmark lies on the heatmap
    x: F64  # (J, 1, 7) columns of the cells
    y: F64  # (J, 7, 1)
    cell: F64  # (2,) cells in a px of the crop

    @staticmethod
    def of(points: F64, heatmap: F32, crop_px: int) -> "Near":
        """Cut the windows around points (J, 2), px of a square crop, out of logits (H, W, J)."""
        rows, columns, count = heatmap.shape
        cell = np.array([columns, rows]) / crop_px
        column, row = (points * cell).astype(int).T
        x = column[:, None, None] + _WINDOW[None, None, :]
        y = row[:, None, None] + _WINDOW[None, :, None]
        inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)  # (J, 7, 7)
        place = y.clip(0, rows - 1), x.clip(0, columns - 1), np.arange(count)[:, None, None]
        weight = sigmoid(heatmap[place]) * inside
        within = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        sums = np.stack([(weight * x).sum(axis=(1, 2)), (weight * y).sum(axis=(1, 2))], axis=-1)
        mean = sums / np.maximum(weight.sum(axis=(1, 2)), 1e-12)[:, None]
        return Near(weight, mean, within, x, y, cell)

    def refine(self, points: F64) -> F64:
        """Move points (J, 2) to the mean; those without a cell above 0.5, or outside, stay."""
        sure = self.within & (self.weight.max(axis=(1, 2)) >= _REFINE_ABOVE)
        return np.where(sure[:, None], self.mean / self.cell, points)

    def spread_px2(self) -> F64:
        """Second moments (J, 3) about the mean, and a cell's own; px of the crop, NaN if empty."""
        x, y = (self.x - self.mean[:, None, :1], self.y - self.mean[:, None, 1:])
        total = self.weight.sum(axis=(1, 2))
        with np.errstate(invalid="ignore"):
            share = self.weight / np.where(total > 1e-12, total, np.nan)[:, None, None]
        moments = [(share * one).sum(axis=(1, 2)) for one in (x * x, y * y, x * y)]
        per_cell = self.cell[[0, 1, 0]] * self.cell[[0, 1, 1]]
        return (np.stack(moments, axis=-1) + _OF_A_CELL) / per_cell


def turned(spread: F64, matrix: F64) -> F64:
    """Moments (..., 3) after a linear map (2, 2)."""
    square = spread[..., [0, 2, 2, 1]].reshape(*spread.shape[:-1], 2, 2)
    return (matrix @ square @ matrix.T)[..., [0, 1, 0], [0, 1, 1]]
