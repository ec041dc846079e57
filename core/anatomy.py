"""What the fusion has to know of a keypoint set: its limbs, their other sides and their lengths.

Any set with the twelve limb keypoints can be fused. Nothing here needs a midline keypoint: sets
differ in which of hip, neck and head they have.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core import skeletons
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

# How much more, or less, a keypoint accelerates than the average one: factors of the process noise.
# The trunk carries the mass; the ends of the limbs are swung. Names without side and number.
_AGILITY = {
    "Hip": 0.1, "CHip": 0.1, "Neck": 0.1, "Shoulder": 0.1,
    "Head": 0.1, "Nose": 0.1, "Eye": 0.1, "Ear": 0.1, "Mouth": 0.1, "Jaw": 0.1,
    "Elbow": 0.3, "Knee": 0.3, "Wrist": 1.0, "Ankle": 1.0, "Heel": 1.0,
    "BigToe": 1.5, "SmallToe": 1.5,
    "Thumb": 1.5, "Index": 1.5, "Middle": 1.5, "Ring": 1.5, "Pinky": 1.5,
}  # fmt: skip


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
    agility: F64  # (J,) factor of the process noise


def limbs_missing(skeleton: Skeleton) -> list[str]:
    """Limb keypoints that a set does not have."""
    return [name for name in LIMBS if name not in skeleton.names]


def objection(name: str) -> str:
    """Say why a keypoint set cannot be fused; empty where it can."""
    skeleton = skeletons.find(name)
    missing = [] if skeleton is None else limbs_missing(skeleton)
    if skeleton is not None and not missing:
        return ""
    fit = ", ".join(one.name for one in SKELETONS.values() if not limbs_missing(one))
    lack = "is not known" if skeleton is None else f"has no {', '.join(missing)}"
    return f"keypoint set {name!r} {lack} and cannot be fused; these can: {fit}"


@lru_cache(maxsize=64)
def anatomy_of(name: str) -> Anatomy:
    """Look a keypoint set up by its name.

    Raises:
        ValueError: a set that cannot be fused, as ``objection`` says.
    """
    skeleton = skeletons.find(name)
    if skeleton is None or limbs_missing(skeleton):
        raise ValueError(objection(name))
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
        agility=np.array([agility(keypoint) for keypoint in skeleton.names]),
    )


def agility(keypoint: str) -> float:
    """How strongly a keypoint of that name accelerates, 1 for the average and for unknown ones."""
    plain = re.sub(r"\d+$", "", keypoint)
    bare = plain[1:] if plain[:1] in ("L", "R") and plain[1:2].isupper() else plain
    return _AGILITY.get(bare, 1.0)
