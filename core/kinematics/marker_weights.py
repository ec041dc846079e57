"""What each marker counts in the inverse kinematics: the tables of Pose2Sim 0.10.49 (BSD-3-Clause).

Two sets: keypoints (HALPE_26 without eyes and ears), and the anatomical markers that the marker
LSTM adds to them (names end in ``_study``). Where any of the latter is there, the keypoints do not
count, for the two sets do not agree on where the body is.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

_SUFFIX = "_study"

KEYPOINTS: Final[Mapping[str, float]] = {
    **{side + part: 2.0 for part in ("Shoulder", "Hip") for side in "RL"},
    **{side + part: 1.0 for part in ("Elbow", "Wrist", "Knee", "Ankle") for side in "RL"},
    **{side + part: 1.0 for part in ("BigToe", "SmallToe", "Heel") for side in "RL"},
    "Hip": 1.0,
    "Neck": 0.2,
    "Nose": 0.1,
    "Head": 0.1,
}

ANATOMICAL: Final[Mapping[str, float]] = {
    **{f"{side}_calc{_SUFFIX}": 60.0 for side in "rL"},
    **{
        f"{side}_{part}{_SUFFIX}": 30.0
        for part in ("knee", "mknee", "ankle", "mankle", "toe", "5meta")
        for side in "rL"
    },
    **{f"{side}.{part}{_SUFFIX}": 25.0 for part in ("ASIS", "PSIS") for side in "rL"},
    **{f"{side}HJC{_SUFFIX}": 25.0 for side in "RL"},
    f"C7{_SUFFIX}": 5.0,
    **{
        f"{side}_{part}{_SUFFIX}": 5.0
        for part in ("shoulder", "lelbow", "melbow", "lwrist", "mwrist")
        for side in "rL"
    },
    **{
        f"{side}_{part}{number}{_SUFFIX}": 4.0
        for part in ("thigh", "sh")
        for number in (1, 2, 3)
        for side in "rL"
    },
}

HANDS: Final[Mapping[str, float]] = {
    side + part: 1.0 for part in ("Thumb", "Index", "Pinky") for side in "RL"
}
"""Keypoints that count beside the anatomical markers."""

_CORE: Final = (
    *(side + part for part in ("Shoulder", "Hip", "Knee", "Ankle") for side in "RL"),
    *(f"{side}.{part}{_SUFFIX}" for part in ("ASIS", "PSIS") for side in "rL"),
    *(f"{side}_{part}{_SUFFIX}" for part in ("shoulder", "knee", "ankle") for side in "rL"),
)


def weights_of(markers: Sequence[str], of_model: Collection[str]) -> dict[str, float]:
    """Weights of those of ``markers`` that count and that the model has, in their order.

    Markers of neither set count one each.
    """
    if any(name.endswith(_SUFFIX) for name in markers):
        table = {**ANATOMICAL, **HANDS}
    elif any(name in KEYPOINTS for name in markers):
        table = KEYPOINTS
    else:
        table = dict.fromkeys(markers, 1.0)
    return {name: table[name] for name in markers if name in table and name in of_model}


def core_of(markers: Sequence[str]) -> tuple[bool, ...]:
    """Which markers must all be there before the body can be found at all.

    Those of the trunk, the knees and the ankles; all of them where none has a known name.
    """
    core = tuple(name in _CORE for name in markers)
    return core if any(core) else (True,) * len(markers)
