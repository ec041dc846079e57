"""The tables of weights against the files they come from."""

import xml.etree.ElementTree as ElementTree

import pytest

from core.kinematics.marker_weights import ANATOMICAL, HANDS, KEYPOINTS, core_of, weights_of
from tests.unit.kinematics.bodies import published


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("IK_Setup_Pose2Sim_Halpe26.xml", KEYPOINTS),
        ("IK_Setup_Pose2Sim_withHands_LSTM.xml", {**ANATOMICAL, **HANDS}),
    ],
)
def test_the_tables_are_pose2sims(file: str, table: dict[str, float]):
    root = ElementTree.parse(published(file)).getroot()
    tasks = [one for one in root.iter("IKMarkerTask") if one.findtext("apply") == "true"]
    assert {one.get("name"): float(one.findtext("weight") or 0) for one in tasks} == table


def test_keypoints_do_not_count_beside_anatomical_markers():
    have = ("RHip", "RHJC_study", "RThumb")
    assert weights_of(have, have) == {"RHJC_study": 25.0, "RThumb": 1.0}
    assert weights_of(("RHip", "Nose", "LEar"), ("RHip", "Nose", "LEar")) == {
        "RHip": 2.0,
        "Nose": 0.1,
    }
    assert weights_of(("tip", "tail"), ("tail",)) == {"tail": 1.0}


def test_the_core_is_trunk_and_legs():
    assert core_of(("RHip", "Nose", "LKnee")) == (True, False, True)
    assert core_of(("tip", "tail")) == (True, True)
