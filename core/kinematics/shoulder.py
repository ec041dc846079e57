"""Where the upper arm points, from rotation matrices: no gimbal lock of the arm's coordinates.

As the standard of the International Society of Biomechanics for the humerus against the thorax
(Wu et al., J. Biomech. 38, 2005): elevation is the angle between the arm and the downward axis of
the trunk; the plane of elevation is 0 to the side, 90 degrees to the front. Elevation counts
positive here.
"""

from typing import Final

import numpy as np

from core.kinematics import forward
from core.kinematics.machine import Machine
from core.kinematics.tree import F64, Tree

ANGLES: Final = ("shoulder_elevation", "shoulder_plane")
_TRUNK = "torso"
_LEAST_SIDEWAYS = 0.05  # about 3 degrees: nearer to the trunk's axis no plane is told


def orientation_rad(tree: Tree, m: Machine, free: F64) -> dict[str, float]:
    """``shoulder_elevation_r`` and so on for free coordinates (N,), of the arms that there are.

    The arm runs from the humerus's origin to the joint below it. The plane is NaN where the arm
    hangs down or points up.
    """
    out: dict[str, float] = {}
    if _TRUNK not in tree.bodies:
        return out
    pose = forward.pose_of(m, free)
    trunk_from_ground = pose.rotation[tree.bodies.index(_TRUNK)].T
    for side, outward in (("r", 1.0), ("l", -1.0)):
        if f"humerus_{side}" not in tree.bodies:
            continue
        arm = tree.bodies.index(f"humerus_{side}")
        below = np.flatnonzero(tree.parent == arm)
        if not len(below):
            continue
        along = trunk_from_ground @ pose.rotation[arm] @ m.parent_m[below[0]]  # X front, Z right
        along = along / np.linalg.norm(along)
        sideways = float(np.hypot(along[0], along[2]))
        plane = float(np.arctan2(along[0], outward * along[2]))
        out[f"{ANGLES[0]}_{side}"] = float(np.arctan2(sideways, -along[1]))
        out[f"{ANGLES[1]}_{side}"] = plane if sideways > _LEAST_SIDEWAYS else float("nan")
    return out
