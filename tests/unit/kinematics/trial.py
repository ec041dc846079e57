"""The published balancing trial, and the published models scaled to that person, for tests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import trim_mean

from core import trc
from core.kinematics import forward
from core.kinematics.machine import machine
from core.kinematics.tree import Tree
from core.trc import Trc
from services import models
from tests.unit.kinematics.bodies import published
from tools.opensim_model import open_model, read_model
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]

BOTH_SIDES = tuple[tuple[str, str], ...]
_MEASURES: tuple[tuple[BOTH_SIDES, tuple[str, ...]], ...] = (
    (
        (("RShoulder", "RHip"), ("LShoulder", "LHip")),
        ("torso", "lumbar1", "lumbar2", "lumbar3", "lumbar4", "lumbar5"),
    ),
    ((("RShoulder", "RElbow"), ("LShoulder", "LElbow")), ("humerus_r", "humerus_l")),
    (
        (("RElbow", "RWrist"), ("LElbow", "LWrist")),
        ("ulna_r", "ulna_l", "radius_r", "radius_l", "hand_r", "hand_l"),
    ),
    ((("RHip", "RKnee"), ("LHip", "LKnee")), ("femur_r", "femur_l", "patella_r", "patella_l")),
    ((("RKnee", "RAnkle"), ("LKnee", "LAnkle")), ("tibia_r", "tibia_l")),
    (
        (("RHeel", "RBigToe"), ("LHeel", "LBigToe")),
        ("talus_r", "talus_l", "calcn_r", "calcn_l", "toes_r", "toes_l"),
    ),
    ((("Head", "Nose"), ("Head", "Neck")), ("head",)),
    ((("RHip", "LHip"),), ("pelvis", "sacrum")),
)


def trajectories() -> Trc:
    """100 frames at 60 Hz, 22 keypoints, low-passed at 6 Hz; the mid hip added."""
    raw = trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())
    hips = [raw.markers.index(name) for name in ("RHip", "LHip")]
    middle_m = raw.points_m[:, hips].mean(axis=1, keepdims=True)
    points_m = np.concatenate([raw.points_m, middle_m], axis=1)
    return replace(raw, markers=(*raw.markers, "Hip"), points_m=points_m)


def factors(tree: Tree, of: Trc) -> dict[str, float]:
    """One scale factor a body, from distances of markers as Pose2Sim measures them."""
    m = machine(tree)
    at_m = forward.markers_m(m, tree.free_default)

    def ratio(one: str, other: str) -> float:
        ours_m = of.points_m[:, of.markers.index(one)] - of.points_m[:, of.markers.index(other)]
        models_m = at_m[tree.markers.index(one)] - at_m[tree.markers.index(other)]
        length_m = float(trim_mean(np.linalg.norm(ours_m, axis=1), 0.25))
        return length_m / float(np.linalg.norm(models_m))

    found: dict[str, float] = {}
    for pairs, bodies in _MEASURES:
        factor = float(np.mean([ratio(*pair) for pair in pairs]))
        found.update({body: factor for body in bodies if body in tree.bodies})
    return found


def scaled(name: str, folder: Path, marker_set: str = "Markers_Halpe26.xml") -> Path:
    """A published model scaled to the person of the trial by OpenSim, with a set of markers."""
    osim, markers = published(name), published(marker_set)
    measured = factors(read_model(osim, published("Markers_Halpe26.xml")), trajectories())
    model = open_model(osim, markers)
    scales = opensim.ScaleSet()
    for body, factor in measured.items():
        one = opensim.Scale()
        one.setSegmentName(body)
        one.setScaleFactors(opensim.Vec3(factor))
        one.setApply(True)
        scales.cloneAndAppend(one)
    assert model.scale(model.initSystem(), scales, False)
    path = folder / f"scaled_{name}"
    model.printToXML(str(path))
    return path
