"""What coordinates are called in plain words: group, title, side, unit, positive direction.

The names are those of OpenSim's models (Rajagopal et al. 2016 and the model that OpenCap scales)
and of ``core.kinematics.shoulder``. A name that is not in the table stands for itself.
"""

import re
from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", ""]

GROUPS = (
    "Pelvis",
    "Hip",
    "Knee",
    "Ankle and foot",
    "Trunk",
    "Neck",
    "Shoulder",
    "Arm",
    "Position",
    "Other",
)

# fmt: off
_ROWS: dict[str, tuple[str, str, str]] = {
    "pelvis_tilt": ("Pelvis", "Pelvic tilt", "backward +"),
    "pelvis_list": ("Pelvis", "Pelvic list", "right side down +"),
    "pelvis_rotation": ("Pelvis", "Pelvic rotation", "to the left +"),
    "pelvis_tx": ("Position", "Pelvis along X", ""),
    "pelvis_ty": ("Position", "Pelvis height", "up +"),
    "pelvis_tz": ("Position", "Pelvis along Z", ""),
    "hip_flexion": ("Hip", "Hip flexion", "flexion +"),
    "hip_adduction": ("Hip", "Hip adduction", "adduction +"),
    "hip_rotation": ("Hip", "Hip rotation", "internal +"),
    "knee_angle": ("Knee", "Knee flexion", "flexion +"),
    "knee_flexion": ("Knee", "Knee flexion", "flexion +"),
    "ankle_angle": ("Ankle and foot", "Ankle flexion", "dorsiflexion +"),
    "subtalar_angle": ("Ankle and foot", "Subtalar angle", "inversion +"),
    "mtp_angle": ("Ankle and foot", "Toe flexion", ""),
    "L5_S1_Flex_Ext": ("Trunk", "Lumbar flexion", "extension +"),
    "L5_S1_Lat_Bending": ("Trunk", "Lumbar bending", ""),
    "L5_S1_axial_rotation": ("Trunk", "Lumbar rotation", ""),
    "lumbar_extension": ("Trunk", "Lumbar flexion", "extension +"),
    "lumbar_bending": ("Trunk", "Lumbar bending", "to the right +"),
    "lumbar_rotation": ("Trunk", "Lumbar rotation", "to the left +"),
    "neck_flexion": ("Neck", "Neck flexion", ""),
    "neck_bending": ("Neck", "Neck bending", ""),
    "neck_rotation": ("Neck", "Neck rotation", ""),
    "arm_flex": ("Shoulder", "Shoulder flexion", "flexion +"),
    "arm_add": ("Shoulder", "Shoulder adduction", "adduction +"),
    "arm_rot": ("Shoulder", "Shoulder rotation", "internal +"),
    "elbow_flex": ("Arm", "Elbow flexion", "flexion +"),
    "elbow_flexion": ("Arm", "Elbow flexion", "flexion +"),
    "shoulder_elevation": ("Shoulder", "Shoulder elevation", "raised +"),
    "shoulder_plane": ("Shoulder", "Plane of elevation", "0 sideways, forwards +"),
    "pro_sup": ("Arm", "Forearm rotation", "pronation +"),
    "wrist_flex": ("Arm", "Wrist flexion", "flexion +"),
    "wrist_dev": ("Arm", "Wrist deviation", ""),
}
# fmt: on
_UNSEEN = {
    "shoulder_plane": "the arm hangs, so it is raised in no plane",
    "pro_sup": "the markers lie on the forearm's axis, so its rotation moves none of them",
    "mtp_angle": "no marker on the toes tells it",
    "wrist_flex": "no marker on the hand tells it",
    "wrist_dev": "no marker on the hand tells it",
    "neck_flexion": "too few markers on the head tell it",
    "neck_bending": "too few markers on the head tell it",
    "neck_rotation": "too few markers on the head tell it",
}
UNSEEN = "the markers of this recording do not tell it"
_GIMBAL = (
    "With the arm hanging, shoulder flexion and rotation turn about the same axis: either may jump "
    "while the arm does not move. Read them only while the arm is raised."
)
_LUMBAR = (
    "Pelvic tilt, hip flexion and lumbar flexion share what few trunk markers tell: read their sum."
)
CAUTIONS = {"Shoulder": _GIMBAL, "Trunk": _LUMBAR}
"""By group, what a reader must know before reading its curves."""

_SIDED = re.compile(r"(.+)_([lr])(_.+)?")
_SIDES: dict[str, Side] = {"l": "left", "r": "right"}


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One coordinate as a reader meets it."""

    name: str
    group: str
    title: str
    """The same for left and right."""
    side: Side
    unit: Literal["°", "m"]
    positive: str
    """Which way is positive; empty where it is not known."""
    unseen: str
    """Why it cannot be told where the markers do not tell it."""


def describe(name: str) -> Coordinate:
    """Put a coordinate's name in plain words."""
    sided = _SIDED.fullmatch(name)
    stem = sided[1] + (sided[3] or "") if sided else name
    side = _SIDES[sided[2]] if sided else ""
    group, title, positive = _ROWS.get(stem, ("Other", stem.replace("_", " "), ""))
    unit = "m" if re.fullmatch(r".+_t[xyz]", stem) else "°"
    return Coordinate(name, group, title, side, unit, positive, _UNSEEN.get(stem, UNSEEN))
