"""The fusion against a known truth, as badly seen as by real cameras; scores are printed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import synthetic, synthetic_scenes, synthetic_trials
from core.config import FusionConfig
from core.synthetic_scenes import Faults
from core.synthetic_trials import TRIALS, Score, Trial

CONFIG = FusionConfig()
BY_NAME = {trial.name: trial for trial in TRIALS}


def scored(trial: Trial, seed: int = 0) -> Score:
    score = synthetic_trials.run(trial, CONFIG, seed)
    print(
        f"{trial.name} (seed {seed}): mean {score.mean_mm:.1f} mm, p95 {score.p95_mm:.1f}, max "
        f"{score.max_mm:.1f}, {score.switches} switches, {score.missing_share:.1%} missing"
    )
    assert (score.switches, score.strangers) == (0, 0)
    return score


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_outliers_and_gaps_do_little(seed):
    score = scored(BY_NAME["4 cameras, 2 px, 5 % at 100 px, 5 % missing"], seed)
    assert score.mean_mm < 10
    assert score.max_mm < 60
    assert score.missing_share == 0


@pytest.mark.slow
@pytest.mark.parametrize("n_cameras", [2, 3, 4, 6, 8, 12])
def test_more_cameras_see_better(n_cameras):
    score = scored(Trial(f"{n_cameras} cameras", n_cameras, faults=Faults(noise_px=2.0)))
    assert score.mean_mm < {2: 25, 3: 9}.get(n_cameras, 7)
    assert score.missing_share == 0


@pytest.mark.parametrize(
    ("name", "limit_mm"),
    [
        ("4 cameras, heavy tails (t3), 2 px", 10),
        ("4 cameras, calibration off 0.2 deg, 5 mm", 20),
        ("4 cameras, clocks off 5 ms", 10),
        ("4 cameras, one lost for 2 s", 10),
    ],
)
def test_what_is_wrong_with_real_rigs_costs_millimetres(name, limit_mm):
    score = scored(BY_NAME[name])
    assert score.mean_mm < limit_mm
    assert score.missing_share == 0


def test_a_camera_lost_and_back_makes_no_step():
    """Ids stay, and nothing jumps when it goes or comes."""
    trial = BY_NAME["4 cameras, one lost for 2 s"]
    poses = synthetic_trials.fuse(*synthetic_trials.scene(trial), CONFIG)
    took_part = np.array([len(pose.cameras) for pose in poses])
    assert {3, 4} == set(took_part.tolist())
    assert took_part[-1] == 4
    assert synthetic_trials.score(poses, synthetic_trials.truth_m(trial), 60.0).max_mm < 40


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["3 people cross, 4 cameras", "4 people cross, 8 cameras"])
def test_who_cross_stay_who_they_are(name):
    score = scored(BY_NAME[name])
    assert score.mean_mm < 15
    assert score.missing_share < 0.01


RIG = synthetic.ring(3)
BRIEF = Trial("brief", 3, duration_s=0.2, faults=Faults(noise_px=2.0, missing_share=0.1))
MESSAGES = synthetic_trials.scene(BRIEF)[1]
IN_ORDER = synthetic_trials.fuse(RIG, MESSAGES, CONFIG)


@settings(max_examples=25, deadline=None)
@given(delay=st.lists(st.integers(0, 8), min_size=3, max_size=3), seed=st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter(delay, seed):
    """Each camera is late by some frames of its own, and whoever is there at once comes anyhow."""
    dice = np.random.default_rng(seed).random(len(MESSAGES))
    order = sorted(
        range(len(MESSAGES)),
        key=lambda i: (MESSAGES[i].frame + delay[RIG.index(MESSAGES[i].camera)], dice[i]),
    )
    poses = synthetic_trials.fuse(RIG, [MESSAGES[i] for i in order], CONFIG)
    assert [pose.persons for pose in poses] == [pose.persons for pose in IN_ORDER]


def test_a_perturbed_rig_is_off_by_what_was_asked_for():
    rig = synthetic.ring(12)
    same = synthetic_scenes.miscalibrated(rig, 0.0, 0.0)
    np.testing.assert_allclose(same.image_from_world, rig.image_from_world)
    off = synthetic_scenes.miscalibrated(rig, 1.0, 0.0)
    turns = off.cam_from_world[:, :, :3] @ rig.cam_from_world[:, :, :3].transpose(0, 2, 1)
    angles_deg = np.degrees(np.arccos((np.trace(turns, axis1=1, axis2=2) - 1) / 2))
    assert 0.8 < np.sqrt((angles_deg**2).mean() / 3) < 1.2


def test_a_late_camera_sees_where_somebody_was_then():
    trial = replace(BRIEF, faults=Faults(clock_sd_ms=20.0))
    messages = synthetic_trials.scene(trial)[1]
    exact = synthetic_trials.scene(replace(trial, faults=Faults()))[1]
    assert messages != exact
    assert [one.t_ns for one in messages] == [one.t_ns for one in exact]
