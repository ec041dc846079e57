"""From keypoints to what follows of them: the next region, and whether there is a person at all."""

import numpy as np
from numpy.typing import NDArray

from core.anatomy import LIMBS
from core.pose import boxes
from core.pose.backend import Estimate
from core.pose.crops import Roi, Size
from core.skeletons import Skeleton

F64 = NDArray[np.float64]

_SURE = 0.3  # mmpose's limit for keypoints that are shown
_LEAST_KEYPOINTS = 3
_PERSON_PER_KEYPOINTS = 1.1  # joints lie inside the body: detectors' boxes are so much larger


def box_of(points_px: F64) -> F64 | None:
    """Box (4,) of the person with keypoints (J, 2), NaN where unknown; None where too few are."""
    known = points_px[np.isfinite(points_px).all(axis=1)]
    if len(known) < _LEAST_KEYPOINTS:
        return None
    low, high = np.minimum.reduce(known), np.maximum.reduce(known)
    if not (high > low).any():
        return None
    centre, half = (low + high) / 2, (high - low) / 2 * _PERSON_PER_KEYPOINTS
    return np.concatenate([centre - half, centre + half])


def region(points_px: F64, size: Size) -> Roi | None:
    """Region for a network's input around keypoints (J, 2), NaN where unknown."""
    corners_px = box_of(points_px)
    return None if corners_px is None else boxes.region_of(corners_px, size)


def estimate_of(
    points_px: F64, score: F64, skeleton: Skeleton, size: Size, looked_in: Roi
) -> Estimate:
    """Build the estimate of one person.

    Args:
        points_px: (J, 2).
        score: (J,); what is not above 0 is no keypoint, what is above 1 counts as 1.
        skeleton: which keypoints they are.
        size: of the network's input, whose shape regions have.
        looked_in: the region; it stays where too little was found for another.
    """
    confidence = np.clip(np.nan_to_num(score), 0.0, 1.0)
    confidence[~np.isfinite(points_px).all(axis=1)] = 0.0
    points_px = np.where(confidence[:, None] > 0, points_px, np.nan)
    sure_px = np.where(confidence[:, None] >= _SURE, points_px, np.nan)
    following = region(sure_px, size) or looked_in
    return Estimate(presence(confidence, skeleton), points_px, confidence, following)


def presence(confidence: F64, skeleton: Skeleton) -> float:
    """How sure it is that keypoints (J,) are a person's: mean of the better half of the limbs'.

    The better half, because somebody behind a table is a person too. Sets without limbs: of all.
    """
    body = [number for number, name in enumerate(skeleton.names) if name in LIMBS]
    mine = np.sort(confidence[body] if body else confidence)
    return float(mine[len(mine) // 2 :].mean())


def nobody(skeleton: Skeleton, looked_in: Roi) -> Estimate:
    """Build the estimate of a region without a person."""
    count = len(skeleton.names)
    return Estimate(0.0, np.full((count, 2), np.nan), np.zeros(count), looked_in)
