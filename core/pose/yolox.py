"""YOLOX: the numbers of the detector to boxes of people.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430). Exports come in two forms:
with the suppression of doubles inside, and raw.
"""

import numpy as np
from numpy.typing import NDArray

from core.pose import boxes
from core.pose.boxes import Box
from core.pose.crops import Affine, Size

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

PERSON = 0
"""Number of the class in COCO and in Human-Art."""
_STRIDES = (8, 16, 32)
_SAME_PERSON_IOU = 0.45
_MOST_LOG_SIZE = 8.0  # thousands of strides: larger than any picture


def n_cells(size: Size) -> int:
    """Rows of the raw form."""
    return sum((size.width_px // one) * (size.height_px // one) for one in _STRIDES)


def grid(size: Size) -> tuple[F64, F64]:
    """Cell (M, 2) and stride (M, 1) px of each row of the raw form."""
    cells, strides = [], []
    for stride in _STRIDES:
        y, x = np.mgrid[: size.height_px // stride, : size.width_px // stride].reshape(2, -1)
        cells.append(np.stack([x, y], axis=-1))
        strides.append(np.full((len(x), 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides).astype(np.float64)


def suppressed_people(
    dets: F32, labels: NDArray[np.integer] | None, picture_from_crop: Affine, min_score: float
) -> list[Box]:
    """People of one picture from the form with suppression inside, the most certain first.

    Args:
        dets: (n, 5) x0, y0, x1, y1, score in px of the network's input.
        labels: (n,) classes; None where there are only people.
        picture_from_crop: map of the letterboxed picture.
        min_score: weaker ones are left out. Rows of score 0 fill the output up: they never count.
    """
    taken = (dets[:, 4] >= min_score) & (dets[:, 4] > 0)
    if labels is not None:
        taken &= labels == PERSON
    return _boxes(dets[taken, :4], dets[taken, 4], picture_from_crop)


def raw_people(rows: F32, size: Size, picture_from_crop: Affine, min_score: float) -> list[Box]:
    """People of one picture from the raw form, the most certain first.

    Args:
        rows: (M, 5 + classes): centre relative to the cell and log of the size, in strides;
            probability of an object; probabilities of the classes.
        size: of the network's input.
        picture_from_crop: map of the letterboxed picture.
        min_score: object times person; weaker ones are left out.
    """
    score = rows[:, 4].astype(np.float64) * rows[:, 5 + PERSON]
    taken = np.flatnonzero((score >= min_score) & (score > 0))
    cell, stride = (one[taken] for one in grid(size))
    centre = (rows[taken, :2] + cell) * stride
    half = 0.5 * np.exp(np.minimum(rows[taken, 2:4], _MOST_LOG_SIZE).astype(np.float64)) * stride
    corners = np.concatenate([centre - half, centre + half], axis=1)
    kept = boxes.suppressed(corners, score[taken], _SAME_PERSON_IOU)
    return _boxes(corners[kept], score[taken][kept], picture_from_crop)


def _boxes(
    corners: NDArray[np.floating], score: NDArray[np.floating], picture_from_crop: Affine
) -> list[Box]:
    """Only those with an area."""
    corners_px = boxes.mapped(corners.astype(np.float64), picture_from_crop)
    real = np.all(corners_px[:, 2:] > corners_px[:, :2], axis=1)
    order = np.argsort(-score, kind="stable")
    return [Box(float(score[i]), corners_px[i]) for i in order if real[i]]
