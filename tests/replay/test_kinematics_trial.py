"""Keypoints of the published trial to joint angles: networks, scaling, inverse kinematics."""

import numpy as np
import pytest

from core.kinematics import forward, ik_offline
from core.kinematics.ik_task import IkConfig
from core.trc import Trc
from services import marker_networks
from tools import bench_trial
from tools.bench_trial import ANATOMICAL, Scaled
from tools.ik import costs_m2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PULLED = {"L5_S1_Flex_Ext": 0.1}
SHARE_OF_OPENSIMS = 1.001


@pytest.fixture(scope="module")
def marked() -> Trc:
    return bench_trial.augmented(bench_trial.trajectories(), marker_networks.load())


@pytest.fixture(scope="module", params=["simple", "muscles"])
def body(request: pytest.FixtureRequest, marked: Trc) -> Scaled:
    return bench_trial.scaled(request.param, ANATOMICAL, marked)


@pytest.mark.parametrize(("weights", "most_mm"), [(PULLED, 26.0), ({}, 25.0)])
def test_markers_are_followed_as_well_as_by_opensim(
    weights: dict[str, float], most_mm: float, body: Scaled, marked: Trc
):
    config = IkConfig(coordinate_weights=weights)
    task = bench_trial.task_of(body.tree, marked, config)
    places_m = bench_trial.points_m(marked, task)
    assert len(task.markers) == 43
    solved = dict(ik_offline.solve(places_m, task, config))
    ours = np.array([solved[frame].free for frame in range(len(places_m))])
    theirs = bench_trial.opensim(places_m, task, weights, body.files, body.factors).free
    cost, rms_mm = {}, {}
    for name, free in (("ours", ours), ("OpenSim", theirs)):
        error_m = np.linalg.norm(forward.markers_m(task.machine, free) - places_m, axis=-1)
        cost[name] = costs_m2(free, error_m, task).mean()
        rms_mm[name] = 1e3 * float(np.sqrt((error_m**2).mean(axis=1)).mean())
    lumbar_deg = np.rad2deg(ours[:, task.tree.free_names.index("L5_S1_Flex_Ext")])
    print(
        f"{body.files.osim.stem}, L5_S1 task {weights}: cost {cost['ours'] / cost['OpenSim']:.5f} "
        f"of OpenSim's, RMS {rms_mm}, L5_S1 {lumbar_deg.min():.1f} to {lumbar_deg.max():.1f} deg"
    )
    assert cost["ours"] <= SHARE_OF_OPENSIMS * cost["OpenSim"]
    assert 20.0 < rms_mm["ours"] < most_mm
