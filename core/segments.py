"""Body segments: their lengths, how much these vary, and the height of the person.

Bones do not change their length: the variation tells how good a reconstruction is without knowing
the truth.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.skeletons import Skeleton

F64 = NDArray[np.float64]

_ONE_SIDE = (
    ("Shoulder", "Elbow"),
    ("Elbow", "Wrist"),
    ("Hip", "Knee"),
    ("Knee", "Ankle"),
    ("Ankle", "Heel"),
)
SEGMENTS = (
    *((side + a, side + b) for a, b in _ONE_SIDE for side in "RL"),
    ("RHip", "LHip"),
    ("RShoulder", "LShoulder"),
)
"""The twelve whose variation is judged."""

LARGE_ANGLE_RAD = np.pi / 2
_N_FRAMES_WANTED = 50
_HEEL_TO_ANKLE_M = 0.10
_HEIGHT_FROM_NECK_TO_HEAD = 1.008
_HEIGHT_FROM_NECK_TO_NOSE = 1.5
_LEG_SHARE = 0.485  # Winter, Biomechanics and Motor Control of Human Movement, 2009
TRIMMED_SHARE = 0.25
"""Left out at each end of ordered values before their mean is taken."""


def lengths_m(points_m: F64, skeleton: Skeleton) -> dict[tuple[str, str], F64]:
    """Lengths (T,) of the twelve segments that the skeleton has; points (T, J, 3), NaN missing."""
    joints = _by_name(points_m, skeleton)
    return {
        (a, b): np.linalg.norm(joints[a] - joints[b], axis=-1)
        for a, b in SEGMENTS
        if a in joints and b in joints
    }


def variation(points_m: F64, skeleton: Skeleton) -> float:
    """Mean over the segments of standard deviation / mean of their lengths; NaN for no segment.

    Args:
        points_m: (T, J, 3), NaN where missing.
        skeleton: of J keypoints.
    """
    seen = (one[np.isfinite(one)] for one in lengths_m(points_m, skeleton).values())
    each = [float(one.std() / one.mean()) for one in seen if len(one) > 1]
    return float(np.mean(each)) if each else float("nan")


def height_m(
    points_m: F64,
    skeleton: Skeleton,
    large_rad: float = LARGE_ANGLE_RAD,
    trimmed_share: float = TRIMMED_SHARE,
) -> float:
    """Height from the segments, as Pose2Sim estimates it; NaN where legs or trunk are never seen.

    Heel to ankle, shank, thigh, trunk (each the mean of both sides), and from between the
    shoulders to the head (times 1.008) or to the nose (times 1.5). Without both, the leg / 0.485.
    Taken where the mean of the four hip and knee angles is below 90 degrees, or from the 50
    frames with the smallest; the middle half of the values is averaged.

    Args:
        points_m: (T, J, 3), NaN where missing.
        skeleton: of J keypoints.
        large_rad: instead of the 90 degrees.
        trimmed_share: left out at each end of the ordered values.
    """
    joints = _by_name(points_m, skeleton)
    needed = [side + name for name in ("Shoulder", "Hip", "Knee", "Ankle") for side in "RL"]
    if not all(name in joints for name in needed):
        return float("nan")
    heights = _heights(joints)
    frames = upright(points_m, skeleton, np.isfinite(heights), large_rad)
    return trimmed_mean(heights[frames], trimmed_share)


def _heights(joints: Mapping[str, F64]) -> F64:
    leg = _both(joints, "Hip", "Knee") + _both(joints, "Knee", "Ankle")
    if "RHeel" in joints and "LHeel" in joints:
        leg = leg + _both(joints, "Ankle", "Heel")
    else:
        leg = leg + _HEEL_TO_ANKLE_M
    between = 0.5 * (joints["RShoulder"] + joints["LShoulder"])
    for name, factor in (("Head", _HEIGHT_FROM_NECK_TO_HEAD), ("Nose", _HEIGHT_FROM_NECK_TO_NOSE)):
        if name in joints and np.isfinite(joints[name]).any():
            head = factor * np.linalg.norm(joints[name] - between, axis=-1)
            return leg + _both(joints, "Hip", "Shoulder") + head
    return leg / _LEG_SHARE


def _both(joints: Mapping[str, F64], a: str, b: str) -> F64:
    """Mean length of a segment of both sides, (T,)."""
    sides = [np.linalg.norm(joints[side + a] - joints[side + b], axis=-1) for side in "RL"]
    return 0.5 * (sides[0] + sides[1])


def upright(
    points_m: F64,
    skeleton: Skeleton,
    usable: NDArray[np.bool_],
    large_rad: float = LARGE_ANGLE_RAD,
) -> NDArray[np.intp]:
    """Numbers of the usable frames (T,) in which hips and knees are bent little.

    Those bent by less than ``large_rad``, or the 50 straightest.
    """
    frames = np.flatnonzero(usable)
    bent = bend_rad(points_m, skeleton)[frames]
    straight = frames[bent < large_rad]
    if len(straight) >= _N_FRAMES_WANTED:
        return straight
    return frames[np.argsort(bent, kind="stable")[:_N_FRAMES_WANTED]]


def bend_rad(points_m: F64, skeleton: Skeleton) -> F64:
    """Mean of the four hip and knee angles (T,) of points (T, J, 3); NaN where one is unknown."""
    joints = _by_name(points_m, skeleton)
    angles = [
        _angle_rad(joints[side + b] - joints[side + a], joints[side + c] - joints[side + b])
        for side in "RL"
        for a, b, c in (("Shoulder", "Hip", "Knee"), ("Hip", "Knee", "Ankle"))
    ]
    return np.mean(angles, axis=0)


def _angle_rad(a: F64, b: F64) -> F64:
    """Angle between vectors (T, 3), (T,)."""
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1))


def trimmed_mean(values: F64, share: float = TRIMMED_SHARE) -> float:
    """Mean of the values (N,) without ``share`` at each end, the middle half; NaN for none."""
    ordered = np.sort(values)
    first = int(len(ordered) * share)
    kept = ordered[first : int(len(ordered) * (1 - share))]
    kept = kept if len(kept) else ordered
    return float(kept.mean()) if len(kept) else float("nan")


def _by_name(points_m: F64, skeleton: Skeleton) -> dict[str, F64]:
    return {name: points_m[:, place] for place, name in enumerate(skeleton.names)}
