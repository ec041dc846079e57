"""The upper arm's direction on the published model."""

import numpy as np
import pytest

from core.kinematics.machine import machine
from core.kinematics.shoulder import orientation_rad
from tests.unit.kinematics.bodies import MODELS, published
from tools.opensim_model import read_model


def test_the_arm_points_where_it_is_put():
    tree = read_model(published(MODELS[0]))
    m = machine(tree)
    free, names = tree.free_default, tree.free_names
    for side in "rl":
        free[names.index(f"arm_add_{side}")] = 0.0  # hanging; the default is to the side
    assert orientation_rad(tree, m, free)["shoulder_elevation_r"] < np.deg2rad(12.0)
    for side in "rl":
        for coordinate, angle_deg, plane_deg in (("arm_add", -80.0, 0.0), ("arm_flex", 80.0, 90.0)):
            raised = free.copy()
            raised[names.index(f"{coordinate}_{side}")] = np.deg2rad(angle_deg)
            told = orientation_rad(tree, m, raised)
            elevation_deg = np.rad2deg(told[f"shoulder_elevation_{side}"])
            assert elevation_deg == pytest.approx(80.0, abs=15.0)
            assert np.rad2deg(told[f"shoulder_plane_{side}"]) == pytest.approx(plane_deg, abs=15.0)
