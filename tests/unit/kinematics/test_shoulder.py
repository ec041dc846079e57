import numpy as np
import pytest

from core.kinematics import forward, shoulder
from core.kinematics.machine import machine
from tests.unit.kinematics.bodies import published
from tools import model_files


@pytest.fixture(scope="module")
def tree():
    return model_files.load(published("Model_Pose2Sim_simple.osim"))


def raised_deg(tree, **angles_deg):
    free = tree.free_default.copy()
    for name in tree.free_names:
        if name in angles_deg:
            free[tree.free_names.index(name)] = np.deg2rad(angles_deg[name])
    pose = forward.pose_of(machine(tree), free)
    return dict(zip(shoulder.names(tree), np.rad2deg(shoulder.angles_rad(tree, pose)), strict=True))


def test_a_hanging_arm_is_not_elevated(tree):
    found = raised_deg(tree, arm_flex_r=0.0, arm_add_r=0.0)
    assert found["shoulder_elevation_r"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("side", ["r", "l"])
def test_the_plane_tells_forwards_from_sideways_on_both_sides(tree, side):
    elevation, plane = f"shoulder_elevation_{side}", f"shoulder_plane_{side}"
    sideways = raised_deg(tree, **{f"arm_flex_{side}": 0.0, f"arm_add_{side}": -80.0})
    assert sideways[elevation] == pytest.approx(80, abs=1e-6)
    assert sideways[plane] == pytest.approx(0, abs=1e-6)
    forwards = raised_deg(tree, **{f"arm_flex_{side}": 60.0, f"arm_add_{side}": 0.0})
    assert forwards[elevation] == pytest.approx(60, abs=1e-6)
    assert forwards[plane] == pytest.approx(90, abs=1e-6)


def test_the_turn_of_the_body_does_not_matter(tree):
    still = raised_deg(tree, arm_add_r=-30.0, arm_flex_r=20.0)
    turned = raised_deg(
        tree, arm_add_r=-30.0, arm_flex_r=20.0, pelvis_rotation=70.0, pelvis_tilt=9.0
    )
    assert turned == pytest.approx(still)


def test_the_plane_of_a_hanging_arm_is_unsure():
    markers = ("RShoulder", "RElbow", "LShoulder", "LElbow")
    points_m = np.array([[0.0, 1.4, 0.2], [0.0, 1.1, 0.2], [0.0, 1.4, -0.2], [np.nan] * 3])
    variance_m2 = np.full(4, 1e-4)
    found = shoulder.sd_rad(np.deg2rad([2.0, 10.0, 2.0, 0.0]), points_m, variance_m2, markers)
    assert found[0] == pytest.approx(np.sqrt(2) * 0.01 / 0.3)
    assert found[1] > 20 * found[0]
    assert np.isinf(found[2:]).all()
