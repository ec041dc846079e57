"""What the fusion has to know of a keypoint set: its limbs, their other sides and their lengths.

Any set with the twelve limb keypoints can be fused. Nothing here needs a midline keypoint: sets
differ in which of hip, neck and head they have.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.skeletons import SKELETONS, Skeleton

F64 = NDArray[np.float64]
Ints = NDArray[np.intp]

LIMBS = tuple(
    side + name for name in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle") for side in "LR"
)
"""The keypoints that a set must have to be fused."""

# Ends of a segment, and its length as a part of the stature: Drillis and Contini as in Winter,
# Biomechanics and Motor Control of Human Movement, 4th ed., 2009, figure 4.1.
_SEGMENTS = (
    ("Hip", "Knee", 0.245),
    ("Knee", "Ankle", 0.246),
    ("Shoulder", "Elbow", 0.186),
    ("Elbow", "Wrist", 0.146),
    ("Shoulder", "Hip", 0.288),
)


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The parts of one keypoint set, as keypoint numbers."""

    skeleton: str
    n_keypoints: int
    partner: Ints  # (J,) the keypoint on the other side of the body; itself on the midline
    body: Ints  # (12,) LIMBS
    exchanged: Ints  # (12,) their partners
    trunk: Ints  # (4,) shoulders and hips
    segments: Ints  # (10, 2) both ends of each limb segment
    shares: F64  # (10,) their lengths as parts of the stature


def limbs_missing(skeleton: Skeleton) -> list[str]:
    """Limb keypoints that a set does not have."""
    return [name for name in LIMBS if name not in skeleton.names]


def objection(name: str) -> str:
    """Say why a keypoint set cannot be fused; empty where it can."""
    skeleton = SKELETONS.get(name)
    missing = [] if skeleton is None else limbs_missing(skeleton)
    if skeleton is not None and not missing:
        return ""
    fit = ", ".join(one.name for one in SKELETONS.values() if not limbs_missing(one))
    lack = "is not known" if skeleton is None else f"has no {', '.join(missing)}"
    return f"keypoint set {name!r} {lack} and cannot be fused; these can: {fit}"


@cache
def anatomy_of(name: str) -> Anatomy:
    """Look a keypoint set up by its name.

    Raises:
        ValueError: a set that cannot be fused, as ``objection`` says.
    """
    if reason := objection(name):
        raise ValueError(reason)
    skeleton = SKELETONS[name]
    body = np.array([skeleton.index(limb) for limb in LIMBS])
    partner = np.array(skeleton.partner)
    trunk = np.array([skeleton.index(s + n) for n in ("Shoulder", "Hip") for s in "LR"])
    ends = [[skeleton.index(s + a), skeleton.index(s + b)] for a, b, _ in _SEGMENTS for s in "LR"]
    return Anatomy(
        skeleton=name,
        n_keypoints=len(skeleton.names),
        partner=partner,
        body=body,
        exchanged=partner[body],
        trunk=trunk,
        segments=np.array(ends),
        shares=np.repeat([share for *_, share in _SEGMENTS], 2),
    )
