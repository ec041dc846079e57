"""Shoulder elevation and its plane, from where the humerus points as seen from the trunk.

A body model's own three shoulder angles are singular in normal standing: two of them may jump by a
half turn while the arm stays where it is. Elevation (0 hanging, 90 degrees level) and the plane in
which it is (0 sideways, 90 degrees forwards) say where the arm points, as Wu et al., Journal of
Biomechanics 38, 2005, recommend; the plane says nothing while the arm hangs.

The body frames are OpenSim's: X forwards, Y up, Z to the right, the humerus along -Y.
"""

import numpy as np
from numpy.typing import NDArray

from core.kinematics.machine import Pose
from core.kinematics.tree import Tree

F64 = NDArray[np.float64]

_TRUNK = "torso"
_SIDES = (("r", 1.0), ("l", -1.0))  # and the way outwards along Z
_ENDS = {"r": ("r_shoulder_study", "r_lelbow_study"), "l": ("L_shoulder_study", "L_lelbow_study")}
_KEYPOINTS = {"r": ("RShoulder", "RElbow"), "l": ("LShoulder", "LElbow")}


def names(tree: Tree) -> tuple[str, ...]:
    """Coordinates that are given; none where the model's bodies have other names."""
    there = {_TRUNK, "humerus_r", "humerus_l"} <= {*tree.bodies}
    kinds = ("shoulder_elevation", "shoulder_plane")
    return tuple(f"{kind}_{side}" for side, _ in _SIDES for kind in kinds) if there else ()


def angles_rad(tree: Tree, pose: Pose) -> F64:
    """Elevation and plane (4,) in the order of ``names``, of a model that has these."""
    trunk = pose.rotation[tree.bodies.index(_TRUNK)]
    found: list[float] = []
    for side, outwards in _SIDES:
        arm = -pose.rotation[tree.bodies.index(f"humerus_{side}")][:, 1]
        forwards, up, right = trunk.T @ arm
        found.append(float(np.arctan2(np.hypot(forwards, right), -up)))
        found.append(float(np.arctan2(forwards, outwards * right)))
    return np.array(found)


def sd_rad(found_rad: F64, points_m: F64, variance_m2: F64, markers: tuple[str, ...]) -> F64:
    """Standard deviations (4,) of ``angles_rad``; infinite where an end of the arm was not seen.

    The direction of a line between two points that are each uncertain by ``variance_m2`` (M,), one
    axis; the plane turns by more, the less the arm is raised.
    """
    out = np.full(len(found_rad), np.inf)
    for number, (side, _) in enumerate(_SIDES):
        ends = _ENDS[side] if _ENDS[side][0] in markers else _KEYPOINTS[side]
        if not {*ends} <= {*markers}:
            continue
        a, b = (markers.index(name) for name in ends)
        length_m = np.linalg.norm(points_m[a] - points_m[b])
        if np.isfinite(length_m) and length_m > 0:
            sd = float(np.sqrt(variance_m2[a] + variance_m2[b]) / length_m)
            raised = abs(np.sin(found_rad[2 * number]))
            out[2 * number : 2 * number + 2] = sd, sd / raised if raised > 0 else np.inf
    return out
