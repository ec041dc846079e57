"""BlazePose: the numbers of its two networks to people and landmarks.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020 (arXiv 2006.10204);
anchors, decoding and refinement follow the published MediaPipe graphs.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.pose.crops import Affine, Roi
from core.pose.heatmap import Near, sigmoid, turned
from core.skeletons import HALPE_26

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

DETECTOR_PX = 224
LANDMARK_PX = 256
N_LANDMARKS = 39
_STRIDES = (8, 16, 32, 32, 32)
_ANCHORS_PER_LAYER = 2
_SAME_PERSON_IOU = 0.3
_ROI_SCALE = 1.25
_RIM = 1.08  # the circle that the networks were taught is a little wider than the person
_NEXT_ROI = (33, 34)  # the two auxiliary landmarks that say where the person is next


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One person found in a picture; continuous picture coordinates."""

    score: float
    box_px: F64  # (2, 2) corners
    keypoints_px: F64  # (4, 2): hip centre, a point on the circle around the person, …


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The landmarks of one crop; continuous picture coordinates."""

    presence: float
    points_px: F64  # (39, 2)
    confidence: F64  # (39,) visibility times presence of the landmark
    spread_px2: F64  # (39, 3) xx, yy, xy: second moments of the heatmap around it, NaN outside


def _anchor_centres() -> F64:
    grids = []
    for stride in sorted(set(_STRIDES)):
        side = math.ceil(DETECTOR_PX / stride)
        copies = _ANCHORS_PER_LAYER * _STRIDES.count(stride)
        y, x = np.mgrid[:side, :side].reshape(2, -1)
        centres = (np.stack([x, y], axis=-1) + 0.5) / side
        grids.append(np.repeat(centres, copies, axis=0))
    return np.concatenate(grids)


ANCHORS = _anchor_centres()  # (2254, 2) of the crop


def detections(
    boxes: F32, logits: F32, picture_from_crop: Affine, min_score: float
) -> list[Detection]:
    """Decode the detector's outputs for one crop, the most certain first.

    Args:
        boxes: (2254, 12) centre, size and 4 keypoints, px of 224 relative to the anchor.
        logits: (2254, 1).
        picture_from_crop: map of the 224 px crop.
        min_score: weaker ones are left out.
    """
    score = sigmoid(logits[:, 0])
    found = np.flatnonzero(score >= min_score)
    found = found[np.argsort(-score[found], kind="stable")]
    raw = boxes[found].astype(np.float64).reshape(-1, 6, 2)
    points = raw + ANCHORS[found, None] * DETECTOR_PX  # centre, size, 4 keypoints
    half = raw[:, 1] / 2
    corners = np.stack([points[:, 0] - half, points[:, 0] + half], axis=1)
    people = np.concatenate([corners, points[:, 2:]], axis=1)  # (N, 6, 2)
    return [
        Detection(best, picture_from_crop(mean[:2]), picture_from_crop(mean[2:]))
        for best, mean in _weighted_nms(people, score[found])
    ]


def _weighted_nms(people: F64, score: F64) -> list[tuple[float, F64]]:
    """Average each group of overlapping boxes with the scores as weights; best group first."""
    groups = []
    left = np.arange(len(people))
    while len(left):
        same = _iou(people[left[0], :2], people[left, :2]) > _SAME_PERSON_IOU
        same[0] = True
        group = left[same]
        weight = score[group] / score[group].sum()
        groups.append((float(score[group[0]]), np.tensordot(weight, people[group], axes=1)))
        left = left[~same]
    return groups


def _iou(box: F64, others: F64) -> F64:
    overlap = np.minimum(box[1], others[:, 1]) - np.maximum(box[0], others[:, 0])
    shared = np.prod(np.maximum(overlap, 0), axis=-1)
    area = np.prod(box[1] - box[0])
    return shared / (area + np.prod(others[:, 1] - others[:, 0], axis=-1) - shared + 1e-9)


def roi_of(centre_px: F64, rim_px: F64) -> Roi:
    """Region of a person from the hip centre and the point that gives size and upright."""
    dx, dy = rim_px - centre_px
    angle = math.pi / 2 - math.atan2(-dy, dx)
    wrapped = (angle + math.pi) % (2 * math.pi) - math.pi
    height_px = 2 * math.hypot(dx, dy) * _ROI_SCALE
    return Roi(float(centre_px[0]), float(centre_px[1]), height_px, wrapped)


def next_roi(landmarks: Landmarks) -> Roi:
    """Region in which to look for the person in the next frame."""
    centre, rim = landmarks.points_px[list(_NEXT_ROI)]
    return roi_of(centre, rim)


def landmarks(points: F32, presence: float, heatmap: F32, picture_from_crop: Affine) -> Landmarks:
    """Decode the landmark network's outputs for one crop.

    Args:
        points: (195,) = 39 x (x, y, z, visibility logit, presence logit), px of 256.
        presence: probability that a person is in the crop.
        heatmap: (64, 64, 39) logits.
        picture_from_crop: map of the 256 px crop.
    """
    table = points.reshape(N_LANDMARKS, 5).astype(np.float64)
    near = Near.of(table[:, :2], heatmap, LANDMARK_PX)
    refined = near.refine(table[:, :2])
    confidence = sigmoid(table[:, 3]) * sigmoid(table[:, 4])
    spread = turned(near.spread_px2(), picture_from_crop.matrix)
    return Landmarks(float(presence), picture_from_crop(refined), confidence, spread)


def refine(points: F64, heatmap: F32) -> F64:
    """Move each landmark (39, 2), px of 256, to the mean of the heatmap around it.

    The window is 7x7 cells; a landmark whose window has no cell above 0.5, or that lies outside,
    stays where it is.
    """
    return Near.of(points, heatmap, LANDMARK_PX).refine(points)


# HALPE_26 keypoints that BlazePose has, and the landmark each is.
# fmt: off
_DIRECT = {
    "Nose": 0, "LEye": 2, "REye": 5, "LEar": 7, "REar": 8,
    "LShoulder": 11, "RShoulder": 12, "LElbow": 13, "RElbow": 14, "LWrist": 15, "RWrist": 16,
    "LHip": 23, "RHip": 24, "LKnee": 25, "RKnee": 26, "LAnkle": 27, "RAnkle": 28,
    "LHeel": 29, "RHeel": 30, "LBigToe": 31, "RBigToe": 32,
}
# fmt: on
_DERIVED = ("Neck", "Hip", "Head")
_CROWN = 0.9  # from the ears to the crown, as a part of neck to ears
_TO = np.array([HALPE_26.index(name) for name in _DIRECT])
_FROM = np.array(list(_DIRECT.values()))

DERIVED_BITS = sum(1 << HALPE_26.index(name) for name in _DERIVED)


def region(points_px: F64) -> Roi | None:
    """Region around a person with HALPE_26 keypoints (26, 2), NaN where unknown.

    Centred on the hips, upright along the trunk, as wide as the farthest keypoint needs; None
    without hips and shoulders.
    """
    hip, neck = (points_px[HALPE_26.index(name)] for name in ("Hip", "Neck"))
    trunk = neck - hip
    length = math.hypot(*trunk)
    if not length > 0:
        return None
    farthest = float(np.nanmax(np.linalg.norm(points_px - hip, axis=1)))
    return roi_of(hip, hip + trunk / length * farthest * _RIM)


def to_halpe26(found: Landmarks) -> tuple[F64, F64]:
    """Landmarks to HALPE_26: points (26, 2) px, continuous, and confidence (26,).

    Neck and Hip are midpoints, Head is extrapolated from neck over ears (``DERIVED_BITS``). The
    small toes do not exist in BlazePose: NaN with confidence 0.
    """
    points = np.full((len(HALPE_26.names), 2), np.nan)
    confidence = np.zeros(len(HALPE_26.names))
    points[_TO], confidence[_TO] = found.points_px[_FROM], found.confidence[_FROM]

    def middle(left: str, right: str) -> tuple[F64, float]:
        pair = [HALPE_26.index(left), HALPE_26.index(right)]
        return points[pair].mean(axis=0), float(confidence[pair].min())

    neck, neck_confidence = middle("LShoulder", "RShoulder")
    ears, ears_confidence = middle("LEar", "REar")
    crown = ears + _CROWN * (ears - neck), min(neck_confidence, ears_confidence)
    derived = (neck, neck_confidence), middle("LHip", "RHip"), crown
    for name, (point, sure) in zip(_DERIVED, derived, strict=True):
        points[HALPE_26.index(name)], confidence[HALPE_26.index(name)] = point, sure
    return points, confidence


def covariance_halpe26(covariance_px2: F64) -> F64:
    """Covariances (26, 3) of ``to_halpe26``'s points from those of the landmarks (39, 3).

    Errors of two landmarks count as independent: that is how large those of the derived keypoints
    are found to be.
    """
    out = np.full((len(HALPE_26.names), 3), np.nan)
    out[_TO] = covariance_px2[_FROM]

    def middle(left: str, right: str) -> F64:
        return (out[HALPE_26.index(left)] + out[HALPE_26.index(right)]) / 4

    neck, ears = middle("LShoulder", "RShoulder"), middle("LEar", "REar")
    crown = (1 + _CROWN) ** 2 * ears + _CROWN**2 * neck
    for name, one in zip(_DERIVED, (neck, middle("LHip", "RHip"), crown), strict=True):
        out[HALPE_26.index(name)] = one
    return out


def score_halpe26(score: F64) -> F64:
    """Scores (26,) of landmarks (39,), NaN for derived and missing keypoints."""
    out = np.full(len(HALPE_26.names), np.nan)
    out[_TO] = score[_FROM]
    return out
