"""Markers that are elsewhere on the body than the model has them."""

import numpy as np
import pytest

from core.kinematics import forward, registration
from core.kinematics.ik_task import IkConfig, bind
from core.kinematics.machine import machine
from tests.unit.kinematics.bodies import published
from tools.opensim_model import read_model

MARKERS = ("RKnee", "RAnkle", "LHip", "Neck")


@pytest.fixture(scope="module")
def task():
    tree = read_model(published("Model_Pose2Sim_simple.osim"), published("Markers_Halpe26.xml"))
    return bind(tree, dict.fromkeys(MARKERS, 1.0), IkConfig())


def test_places_on_the_body_are_found_from_known_poses(task):
    rng = np.random.default_rng(3)
    free = task.tree.free_default + rng.normal(0, 0.2, (12, len(task.pull)))
    places_m = task.machine.marker_m + rng.normal(0, 0.03, (len(MARKERS), 3))
    shifted = registration.moved(task.tree, MARKERS, places_m)
    points_m = forward.markers_m(machine(shifted, MARKERS), free)
    points_m[3, 1] = np.nan
    points_m[:, 3] = np.nan
    free[5] = np.nan
    found_m = registration.on_body_m(task, free, points_m)
    np.testing.assert_allclose(found_m[:3], places_m[:3], atol=1e-12)
    np.testing.assert_array_equal(found_m[3], task.machine.marker_m[3])  # never seen
    np.testing.assert_array_equal(machine(task.tree, MARKERS).marker_m, task.machine.marker_m)
