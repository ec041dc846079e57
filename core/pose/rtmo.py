"""RTMO: the numbers of the one-stage network to people with their keypoints.

Lu et al., "RTMO: Towards High-Performance One-Stage Real-Time Multi-Person Pose Estimation", CVPR
2024 (arXiv 2312.07526). The export suppresses doubles; it is done once more, for those that do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.pose import boxes
from core.pose.crops import Affine

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_SAME_PERSON_IOU = 0.65


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One person with keypoints; continuous picture coordinates."""

    score: float
    corners_px: F64  # (4,)
    points_px: F64  # (K, 2)
    visible: F64  # (K,) 0..1


def people(
    dets: F32, keypoints: F32, picture_from_crop: Affine, min_score: float
) -> list[Measured]:
    """People of one picture, the most certain first.

    Args:
        dets: (n, 5) x0, y0, x1, y1, score in px of the network's input.
        keypoints: (n, K, 3) x, y as pixel centres counted from 0, and how visible.
        picture_from_crop: map of the letterboxed picture.
        min_score: weaker ones are left out. Rows of score 0 fill the output up: they never count.
    """
    score = dets[:, 4].astype(np.float64)
    taken = np.flatnonzero((score >= min_score) & (score > 0))
    corners = dets[taken, :4].astype(np.float64)
    kept = boxes.suppressed(corners, score[taken], _SAME_PERSON_IOU)
    corners_px = boxes.mapped(corners[kept], picture_from_crop)
    rows = keypoints[taken[kept]].astype(np.float64)
    points_px = picture_from_crop(rows[..., :2] + 0.5)
    return [
        Measured(float(sure), corner, point, row[:, 2])
        for sure, corner, point, row in zip(
            score[taken[kept]], corners_px, points_px, rows, strict=True
        )
    ]
