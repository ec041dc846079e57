"""Boxes around people in pictures: overlap, one box for each person, regions for networks.

A box is (x0, y0, x1, y1) in continuous coordinates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.pose.crops import Affine, Roi, Size

F64 = NDArray[np.float64]

PADDING = 1.25
"""Of regions around boxes, as top-down networks are trained (mmpose's GetBBoxCenterScale)."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """One person found in a picture."""

    score: float
    corners_px: F64  # (4,) x0 y0 x1 y1


def iou(box: F64, others: F64) -> F64:
    """Intersection over union (N,) of a box (4,) with others (N, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    area = np.prod(np.maximum(box[2:] - box[:2], 0))
    areas = np.prod(np.maximum(others[:, 2:] - others[:, :2], 0), axis=1)
    return shared / np.maximum(area + areas - shared, 1e-9)


def suppressed(corners: F64, score: F64, most_iou: float) -> NDArray[np.intp]:
    """Places of the boxes (N, 4) that overlap no better one by more, the best first."""
    left = np.argsort(-score, kind="stable")
    kept = []
    while len(left):
        kept.append(left[0])
        rest = left[1:]
        left = rest[iou(corners[left[0]], corners[rest]) <= most_iou]
    return np.array(kept, dtype=np.intp)


def mapped(corners: F64, picture_from_crop: Affine) -> F64:
    """Boxes (N, 4) in the picture, from boxes in an upright crop."""
    return picture_from_crop(corners.reshape(-1, 2, 2)).reshape(-1, 4)


def region_of(corners_px: F64, size: Size) -> Roi:
    """Upright region of a network's shape that holds a box (4,) with the usual padding."""
    x0, y0, x1, y1 = corners_px.tolist()
    aspect = size.width_px / size.height_px
    height_px = max(y1 - y0, (x1 - x0) / aspect) * PADDING
    return Roi((x0 + x1) / 2, (y0 + y1) / 2, height_px, 0.0)
