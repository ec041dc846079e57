"""The twenty keypoints that the marker networks take, out of any keypoint set, and their markers.

Inputs and outputs are those of the OpenCap marker enhancer v0.3 (Uhlrich et al., PLoS Comput Biol
19(10), 2023; Falisse et al., 2024), in its order. What a set lacks is derived where geometry
allows: hip and neck as midpoints, as Pose2Sim does; a small toe from the rest of the foot, which is
approximate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.skeletons import named

F64 = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

# Parents first: what is not seen for a moment stays where it was, seen from its parent.
_PARENTS = {
    "Hip": "Hip", "Neck": "Hip", "RShoulder": "Neck", "LShoulder": "Neck",
    "RHip": "Hip", "LHip": "Hip", "RKnee": "RHip", "LKnee": "LHip",
    "RAnkle": "RKnee", "LAnkle": "LKnee", "RHeel": "RAnkle", "LHeel": "LAnkle",
    "RSmallToe": "RAnkle", "LSmallToe": "LAnkle", "RBigToe": "RAnkle", "LBigToe": "LAnkle",
    "RElbow": "RShoulder", "LElbow": "LShoulder", "RWrist": "RElbow", "LWrist": "LElbow",
}  # fmt: skip
INPUTS = tuple(_PARENTS)
"""Keypoints of a row of input, (20,)."""
N_INPUTS = len(INPUTS)
HIP = INPUTS.index("Hip")
PARENT = np.array([INPUTS.index(parent) for parent in _PARENTS.values()])
TRUNK = tuple(
    np.array([INPUTS.index(name) for name in names.split()])
    for names in ("RHip LHip", "Neck RShoulder LShoulder")
)
"""What the hip goes with, the nearest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """What one of the two networks takes and gives."""

    name: str
    takes: Ints  # numbers in INPUTS, in the network's order
    gives: tuple[str, ...]
    """Markers, in the network's order."""
    needs: Ints  # takes, and the hip that all is relative to


def _half(name: str, takes: str, gives: str) -> Half:
    numbers = [INPUTS.index(one) for one in takes.split()]
    markers = tuple(f"{one}_study" for one in gives.split())
    return Half(name, np.array(numbers), markers, np.array([HIP, *numbers]))


LOWER = _half(
    "lower",
    "Neck RShoulder LShoulder RHip LHip RKnee LKnee RAnkle LAnkle RHeel LHeel RSmallToe LSmallToe "
    "RBigToe LBigToe",
    "r.ASIS L.ASIS r.PSIS L.PSIS r_knee r_mknee r_ankle r_mankle r_toe r_5meta r_calc "
    "L_knee L_mknee L_ankle L_mankle L_toe L_calc L_5meta r_shoulder L_shoulder C7 "
    "r_thigh1 r_thigh2 r_thigh3 L_thigh1 L_thigh2 L_thigh3 r_sh1 r_sh2 r_sh3 L_sh1 L_sh2 L_sh3 "
    "RHJC LHJC",
)
UPPER = _half(
    "upper",
    "Neck RShoulder LShoulder RElbow LElbow RWrist LWrist",
    "r_lelbow r_melbow r_lwrist r_mwrist L_lelbow L_melbow L_lwrist L_mwrist",
)
HALVES = (LOWER, UPPER)
MARKERS = LOWER.gives + UPPER.gives
"""All 43 markers, as Pose2Sim names and orders them."""

_SMALL_TOES = ("RSmallToe", "LSmallToe")
# Small toe seen from the big toe, as parts of the length heel to big toe.
_BACK, _OUTWARDS = 0.20, 0.22
_MIDPOINTS = (("Hip", "RHip", "LHip"), ("Neck", "RShoulder", "LShoulder"))
_SIDES = (("R", 1.0), ("L", -1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where the inputs are in one keypoint set."""

    place: Ints  # (20,) keypoint number in the set, -1 where the set has none
    derived: tuple[str, ...]
    """Inputs that come from others, ``RSmallToe`` and ``LSmallToe`` approximately."""
    lacking: tuple[str, ...]
    """Inputs that cannot be had from this set."""

    def lacking_for(self, half: Half) -> tuple[str, ...]:
        """Inputs that keep a half from being computed at all; empty where none do."""
        return tuple(INPUTS[number] for number in half.needs if INPUTS[number] in self.lacking)


def source_of(names: Sequence[str]) -> Source:
    """Find the inputs among keypoints or markers of these names."""
    there = {name for name in INPUTS if name in names}
    derived = [one for one, a, b in _MIDPOINTS if one not in there and {a, b} <= there]
    for side, _ in _SIDES:
        rest = {side + part for part in ("Heel", "BigToe", "Ankle")}
        if f"{side}SmallToe" not in there and rest <= there:
            derived.append(f"{side}SmallToe")
    lacking = tuple(name for name in INPUTS if name not in there and name not in derived)
    place = [names.index(name) if name in there else -1 for name in INPUTS]
    return Source(np.array(place), tuple(derived), lacking)


def given(names: Sequence[str], points_m: F64) -> tuple[str, ...]:
    """Names of keypoints (..., J, 3), the small toes renamed where they are never there.

    Some networks never give the small toes of a set that has them: they then count as not in the
    set, so that the rest of the foot stands in.
    """
    toes = [number for number, name in enumerate(names) if name in _SMALL_TOES]
    if np.isfinite(points_m[..., toes, :]).any():
        return tuple(names)
    return tuple(f"{name}, not given" if name in _SMALL_TOES else name for name in names)


def source_of_set(skeleton: str) -> Source:
    """Find the inputs in a keypoint set of ``core.skeletons``; KeyError where there is no such."""
    return source_of(named(skeleton).names)


def gather(source: Source, points_m: F64) -> F64:
    """Inputs (..., 20, 3) from keypoints (..., J, 3) of the set; NaN where missing."""
    inputs = np.full((*points_m.shape[:-2], N_INPUTS, 3), np.nan)
    has = source.place >= 0
    inputs[..., has, :] = points_m[..., source.place[has], :]
    for name, right, left in _MIDPOINTS:
        middle_m = 0.5 * (_of(inputs, right) + _of(inputs, left))
        _fill(inputs, name, middle_m)
    for side, sign in _SIDES:
        if f"{side}SmallToe" in source.derived:
            _fill(inputs, f"{side}SmallToe", _small_toe(inputs, side, sign))
    return inputs


def _of(inputs: F64, name: str) -> F64:
    return inputs[..., INPUTS.index(name), :]


def _fill(inputs: F64, name: str, points_m: F64) -> None:
    """Put points (..., 3) where an input is missing, in place."""
    known = _of(inputs, name)
    inputs[..., INPUTS.index(name), :] = np.where(np.isfinite(known), known, points_m)


def _small_toe(inputs: F64, side: str, sign: float) -> F64:
    """Beside the line from heel to big toe, in the plane across the line's way to the ankle."""
    heel_m, toe_m, ankle_m = (_of(inputs, side + part) for part in ("Heel", "BigToe", "Ankle"))
    along = toe_m - heel_m
    length_m = np.sqrt((along**2).sum(axis=-1, keepdims=True))
    outwards = sign * np.cross(along, ankle_m - heel_m)
    norm = np.sqrt((outwards**2).sum(axis=-1, keepdims=True))
    unit = np.divide(outwards, norm, out=np.full_like(outwards, np.nan), where=norm > 0)
    return toe_m - _BACK * along + _OUTWARDS * length_m * unit
