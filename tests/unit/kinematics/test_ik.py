"""Inverse kinematics on poses that are known, on the published trial's model."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core import smoothing
from core.kinematics import forward, ik, ik_offline
from core.kinematics.ik import IkState, Observed, Solution
from core.kinematics.ik_task import IkConfig, Task, bind
from core.kinematics.marker_weights import weights_of
from core.kinematics.tree import ROTATIONAL
from tests.unit.kinematics import trial
from tools.opensim_model import read_model

F64 = NDArray[np.float64]

pytestmark = pytest.mark.slow

FREE = IkConfig(coordinate_weights={})
LIVE = IkConfig(coordinate_weights={}, prior_weight=1e-4)
BODY = ("pelvis", "hip", "knee", "ankle", "subtalar", "L5", "elbow")
# A wrist has two places of elbow, upper arm and forearm that fit to the last bit, a degree apart.
TWOFOLD = ("arm", "elbow", "pro_sup")
WITHOUT_MARKER = ("wrist_flex_r", "wrist_dev_r", "wrist_flex_l", "wrist_dev_l")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    osim = trial.scaled("Model_Pose2Sim_simple.osim", tmp_path_factory.mktemp("model"))
    tree = read_model(osim)
    return bind(tree, weights_of(trial.trajectories().markers, tree.markers), FREE)


@pytest.fixture(scope="module")
def truth(task: Task) -> F64:
    """Free coordinates (T, N) of the trial, low-passed at 6 Hz, away from the bounds."""
    solved = solve(trial_points(task), task, FREE)
    smooth = smoothing.butterworth(np.array([one.free for one in solved])[:, :, None], 60.0, 6.0, 4)
    lower, upper = task.bounds
    return np.clip(smooth[:, :, 0], lower + 0.02, upper - 0.02)


def trial_points(task: Task) -> F64:
    of = trial.trajectories()
    return of.points_m[:, [of.markers.index(name) for name in task.markers]]


def solve(points_m: F64, task: Task, config: IkConfig) -> list[Solution]:
    return [one for _, one in sorted(ik_offline.solve(points_m, task, config), key=lambda x: x[0])]


def numbers(task: Task, begins: tuple[str, ...]) -> list[int]:
    return [c for c, name in enumerate(task.tree.free_names) if name.startswith(begins)]


def wrong_deg(solved: list[Solution], truth: F64, task: Task) -> F64:
    """(T, N) of the turning coordinates, 0 where a frame's markers say nothing of them."""
    wrong = np.rad2deg(np.array([one.free for one in solved]) - truth)
    seen = ~np.array([one.unobserved for one in solved])[:, task.tree.free]
    turns = task.tree.coordinate_kind[task.tree.free] == ROTATIONAL
    return np.where(seen & turns, wrong, 0.0)


def test_the_truth_is_found_where_there_is_no_noise(task: Task, truth: F64):
    solved = solve(forward.markers_m(task.machine, truth), task, FREE)
    wrong = np.abs(wrong_deg(solved, truth, task)).max(axis=0)
    for name, worst_deg in zip(task.tree.free_names, wrong, strict=True):
        print(f"{name} {worst_deg:.5f} deg")
    assert max(one.rms_m for one in solved) < 1e-5
    assert np.delete(wrong, numbers(task, TWOFOLD)).max() < 0.05
    assert wrong.max() < 1.0
    for name in WITHOUT_MARKER:
        number = task.tree.coordinates.index(name)
        assert all(one.unobserved[number] for one in solved)
        assert np.ptp([one.coordinates[number] for one in solved]) == 0.0


@pytest.mark.parametrize(("share", "prior"), [(0.1, 1e-4), (0.5, 1e-3)])
def test_missing_markers_make_no_spikes(share: float, prior: float, task: Task, truth: F64):
    rng = np.random.default_rng(0)
    points_m = forward.markers_m(task.machine, truth)
    points_m += rng.normal(0.0, 0.003, points_m.shape)
    points_m[1:][rng.random(points_m.shape[:2])[1:] < share] = np.nan
    config = IkConfig(coordinate_weights={}, prior_weight=prior)
    solved = solve(points_m, task, config)
    wrong = np.rad2deg(np.array([one.free for one in solved]) - truth)
    spike_deg = np.abs(np.diff(wrong, axis=0))[:, numbers(task, BODY)].max()
    print(f"{share:.0%} missing: largest spike {spike_deg:.1f} deg")
    assert spike_deg < 20.0


def test_half_a_second_without_markers_leaves_no_trace(task: Task, truth: F64):
    points_m = forward.markers_m(task.machine, truth)
    points_m[30:60] = np.nan
    cut = solve(points_m, task, FREE)
    assert [one.status for one in cut[30:60]] == ["kept"] * 30
    assert cut[60].status == "found"
    after = np.abs(wrong_deg(cut, truth, task))[60:].max(axis=0)
    assert np.delete(after, numbers(task, TWOFOLD)).max() < 0.05


def test_the_body_is_not_looked_for_without_its_core(task: Task, truth: F64):
    points_m = forward.markers_m(task.machine, truth)[0]
    points_m[task.markers.index("LKnee")] = np.nan
    state, solution = ik.step(IkState(), Observed(points_m), task, FREE)
    assert solution.status == "waiting"
    assert np.isnan(solution.coordinates).all()
    assert not len(state.free)


def test_every_heading_is_found(task: Task, truth: F64):
    there_m = forward.markers_m(task.machine, truth)[10]
    names = task.tree.free_names
    legs = [names.index(name) for name in ("hip_flexion_r", "hip_flexion_l", "knee_angle_r")]
    for angle in np.linspace(0.0, 2 * np.pi, 9):
        c, s = np.cos(angle), np.sin(angle)
        turned_m = there_m @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
        _, solution = ik.step(IkState(), Observed(turned_m), task, FREE)
        assert solution.rms_m < 1e-4
        np.testing.assert_allclose(solution.free[legs], truth[10, legs], atol=1e-4)


def test_the_state_survives_freezing(task: Task, truth: F64):
    points_m = forward.markers_m(task.machine, truth)
    state, _ = ik.step(IkState(), Observed(points_m[0]), task, LIVE)
    again = ik.thaw(ik.freeze(state))
    here, there = (ik.step(s, Observed(points_m[1]), task, LIVE) for s in (state, again))
    assert np.array_equal(here[1].coordinates, there[1].coordinates)
    assert ik.freeze(here[0]) == ik.freeze(there[0])


def test_the_sd_is_that_of_the_errors(task: Task, truth: F64):
    """With covariances as weights the scatter is what the information promises."""
    config = IkConfig(coordinate_weights={}, use_covariance=True, marker_sd_m=1e-4)
    rng, sd_m = np.random.default_rng(0), 0.002
    covariance_m2 = np.tile(sd_m**2 * np.eye(3), (len(task.markers), 1, 1))
    even = bind(task.tree, dict.fromkeys(task.markers, 1.0), config)
    clean_m = forward.markers_m(task.machine, truth[10])
    state, _ = ik.step(IkState(), Observed(clean_m, covariance_m2), even, config)
    names = task.tree.coordinates
    chosen = [names.index(name) for name in ("pelvis_tilt", "hip_flexion_r", "knee_angle_l")]
    drawn = []
    for _ in range(200):
        noisy_m = clean_m + rng.normal(0.0, sd_m, clean_m.shape)
        _, one = ik.step(state, Observed(noisy_m, covariance_m2), even, config)
        drawn.append((one.coordinates[chosen], one.sd[chosen]))
    values, sd = np.array(drawn).swapaxes(0, 1)
    np.testing.assert_allclose(values.std(axis=0), sd.mean(axis=0), rtol=0.25)


def test_markers_in_a_file_may_be_missing_at_its_begin(task: Task, truth: F64):
    points_m = forward.markers_m(task.machine, truth)
    points_m[:5, task.markers.index("RAnkle")] = np.nan
    solved = solve(points_m, task, FREE)
    assert solved[5].status == "found"
    assert {one.status for one in solved[:5]} == {"tracked"}
