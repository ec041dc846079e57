"""Joint angles by plain geometry: the angle between two segments, straight = 0.

They need no model and no scaling, and are not OpenSim's coordinates: hip flexion here is the angle
between thigh and trunk, whatever its plane.
"""

import numpy as np
from numpy.typing import NDArray

from core.messages import JointAngles, PersonAngles, Pose3D, view
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]

# coordinate, without its side: proximal keypoint, joint, distal keypoint
_JOINTS = (
    ("knee_flexion", "Hip", "Knee", "Ankle"),
    ("hip_flexion", "Shoulder", "Hip", "Knee"),
    ("elbow_flexion", "Shoulder", "Elbow", "Wrist"),
)
COORDINATES = tuple(f"{joint[0]}_{side}" for joint in _JOINTS for side in "lr")
_TRIPLES = np.array(
    [
        [HALPE_26.index(side.upper() + point) for point in points]
        for _, *points in _JOINTS
        for side in "lr"
    ]
)


def step(pose: Pose3D) -> JointAngles:
    """Angles of all people of an instant; NaN where a keypoint is missing."""
    return JointAngles(
        t_ns=pose.t_ns,
        stamps=pose.stamps,
        instant=pose.instant,
        coordinates=COORDINATES,
        persons=tuple(
            PersonAngles(person.id, bend_rad(view(person, "keypoints_m")).astype("<f4").tobytes())
            for person in pose.persons
        ),
    )


def bend_rad(keypoints_m: NDArray[np.floating]) -> F64:
    """Angles (Q,) in the order of ``COORDINATES`` from HALPE_26 keypoints (26, 3)."""
    proximal, joint, distal = keypoints_m.astype(np.float64)[_TRIPLES].swapaxes(0, 1)
    upper, lower = joint - proximal, distal - joint
    sine = np.linalg.norm(np.cross(upper, lower), axis=-1)
    return np.arctan2(sine, (upper * lower).sum(axis=-1))
