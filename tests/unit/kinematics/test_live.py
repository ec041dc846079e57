"""Keypoints to joint angles while they come: plausible, each person alone, the same bits again."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core import synthetic, wire
from core.config import CameraConfig, RunConfig
from core.kinematics import live
from core.kinematics.live import Body, LiveState
from core.kinematics.settings import KinematicsConfig
from core.messages import JointAngles, Pose3D, view
from core.skeletons import HALPE_26
from services import body_models
from tools.body_models import prepared

RATE_HZ = 15.0
START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 66_666_667
N = 60


@cache
def prepared_config(*, augment: bool = True) -> KinematicsConfig:
    wanted = KinematicsConfig(augment=augment)
    run = RunConfig(cameras=(CameraConfig(name="cam"),), calibration="none", kinematics=wanted)
    return prepared(run, progress=print).kinematics


@cache
def body(*, augment: bool = True) -> Body:
    config = prepared_config(augment=augment)
    return body_models.body_of(config, Path(config.packed))


@pytest.fixture(scope="module")
def config() -> KinematicsConfig:
    return msgspec.structs.replace(prepared_config(), scale_after_frames=8)


def poses(n: int = N, people: int = 1, first: int = 0) -> list[Pose3D]:
    """A walker, or two side by side, the second one a tenth smaller and half a second behind."""
    walk_m = synthetic.walk_m(n + 8, RATE_HZ)
    speed_m_s = np.gradient(walk_m, 1 / RATE_HZ, axis=0)
    said = []
    for i in range(n):
        at_m, moving = {1: walk_m[i]}, {1: speed_m_s[i]}
        if people == 2:
            at_m[2], moving[2] = 0.9 * walk_m[i + 8] + [3.0, 0.0, 0.0], 0.9 * speed_m_s[i + 8]
        t_ns = START_NS + (first + i) * PERIOD_NS
        said.append(synthetic.pose(first + i, t_ns, at_m, moving))
    return said


def follow(
    said: list[Pose3D],
    config: KinematicsConfig,
    state: LiveState | None = None,
    subjects: tuple[int, ...] = (),
) -> tuple[LiveState, list[JointAngles]]:
    state, found = state or LiveState(), []
    augment = config.augment
    for pose in said:
        state, one = live.step(state, pose, body(augment=augment), config, subjects)
        found.append(one)
    return state, found


def told(found: Iterable[JointAngles]) -> list[bytes]:
    """All that is said, to the last bit: NaN is not equal to itself."""
    return [wire.encode(one) for one in found]


def column_deg(found: list[JointAngles], name: str, person: int = 0) -> np.ndarray:
    place = found[-1].coordinates.index(name)
    return np.rad2deg([view(one.persons[person], "value")[place] for one in found])


@pytest.fixture(scope="module")
def walked(config) -> list[JointAngles]:
    return follow(poses(), config)[1]


def test_nothing_looks_measured_before_the_model_is_scaled(walked):
    statuses = [one.persons[0].status for one in walked]
    first = statuses.index("found")
    assert set(statuses[:first]) == {"measuring"}
    assert 8 <= first <= 20
    for one in walked[:first]:
        assert np.isnan(view(one.persons[0], "value")).all()
        assert not view(one.persons[0], "observed").any()
    assert set(statuses[first + 1 :]) == {"tracked"}


def test_a_walkers_angles_are_plausible(walked):
    later = walked[25:]
    assert all(np.isfinite(view(one.persons[0], "value")).all() for one in later)
    for side in "lr":
        knee = column_deg(later, f"knee_angle_{side}")
        assert 0 < knee.min() < 25
        assert 45 < knee.max() < 85
        hip = column_deg(later, f"hip_flexion_{side}")
        assert -25 < hip.min() < 5
        assert 20 < hip.max() < 55
    assert all(one.persons[0].marker_rms_m < 0.04 for one in later)
    assert walked[-1].persons[0].height_m == pytest.approx(1.75, abs=0.03)


def test_what_no_marker_tells_is_said(walked):
    last = walked[-1].persons[0]
    observed = dict(zip(walked[-1].coordinates, view(last, "observed"), strict=True))
    sd = dict(zip(walked[-1].coordinates, view(last, "sd"), strict=True))
    assert observed["knee_angle_r"] == 1
    assert observed["neck_rotation"] == 0
    assert sd["knee_angle_r"] < np.deg2rad(6) < sd["neck_rotation"]


def test_rates_are_the_slopes_of_the_angles(walked):
    later = walked[30:]
    place = later[0].coordinates.index("knee_angle_r")
    rate = np.rad2deg([view(one.persons[0], "rate")[place] for one in later])
    slope = np.gradient(column_deg(later, "knee_angle_r")) * RATE_HZ
    assert np.corrcoef(rate[1:], slope[:-1])[0, 1] > 0.9  # a filter knows no later frame


def test_a_walker_is_said_to_walk(config):
    last = follow(poses(90), config)[1][-1].persons[0]
    assert last.walking is not None
    assert last.walking.cadence_per_min == pytest.approx(108, abs=8)


def test_two_people_do_not_know_of_each_other(config, walked):
    _, both = follow(poses(people=2), config)
    alone = [msgspec.structs.replace(one, persons=one.persons[:1]) for one in both]
    assert told(alone) == told(walked)
    assert both[-1].persons[1].height_m == pytest.approx(0.9 * 1.75, abs=0.03)


def test_only_subjects_are_computed_and_named(config):
    state, found = follow(poses(3, people=2), config, subjects=(2,))
    assert [person.id for person in found[-1].persons] == [2]
    assert found[-1].subjects == (2,)
    assert list(state.people) == [2]


@pytest.mark.parametrize("cut", [5, 30])
def test_a_frozen_state_goes_on_with_the_same_bits(config, walked, cut):
    state, _ = follow(poses()[:cut], config)
    thawed = live.thaw(live.freeze(state))
    assert live.freeze(thawed) == live.freeze(state)
    assert told(follow(poses()[cut:], config, thawed)[1]) == told(walked[cut:])


def test_again_gives_the_same_bits(config, walked):
    body().tasks.clear()
    assert told(follow(poses(), config)[1]) == told(walked)


def test_a_fusion_that_begins_again_knows_nobody(config):
    state, _ = follow(poses(20), config)
    later = [msgspec.structs.replace(one, t_ns=one.t_ns + 20 * PERIOD_NS) for one in poses(2)]
    _, found = follow(later, config, state)
    assert found[0].persons[0].status == "measuring"
    assert np.isnan(found[0].persons[0].height_m)


def test_whoever_is_away_too_long_is_forgotten(config):
    state, _ = follow(poses(20), config)
    nobody = [synthetic.pose(20 + i, START_NS + (20 + 10 * i) * PERIOD_NS, {}) for i in range(6)]
    assert list(follow(nobody[:3], config, state)[0].people) == [1]
    assert list(follow(nobody, config, state)[0].people) == []


def test_markers_that_are_missing_keep_nothing_that_looks_measured(config):
    state, _ = follow(poses(30), config)
    hidden_m = np.full((26, 3), np.nan)
    hidden_m[HALPE_26.index("LEye")] = (0.0, 0.0, 1.6)
    blind = [synthetic.pose(30 + i, START_NS + (30 + i) * PERIOD_NS, {1: hidden_m}) for i in (0, 9)]
    _, found = follow(blind, config, state)
    assert found[1].persons[0].status == "kept"
    assert np.isnan(view(found[1].persons[0], "value")).all()


def test_without_small_toes_there_are_angles_all_the_same(config):
    said = []
    for i, points_m in enumerate(synthetic.walk_m(30, RATE_HZ)):
        points_m[[HALPE_26.index(side + "SmallToe") for side in "RL"]] = np.nan
        said.append(synthetic.pose(i, START_NS + i * PERIOD_NS, {1: points_m}))
    _, found = follow(said, config)
    assert found[-1].persons[0].status == "tracked"
    assert np.isfinite(view(found[-1].persons[0], "value")).all()


def test_a_keypoint_set_without_limbs_gives_none_and_says_why(config):
    face = msgspec.structs.replace(poses(1)[0], skeleton="FACE_106", persons=())
    _, found = follow([face], config)
    assert "no joint angles" in found[0].says
    assert found[0].coordinates == ()


def test_keypoints_alone_give_angles_too():
    config = msgspec.structs.replace(prepared_config(augment=False), scale_after_frames=8)
    _, found = follow(poses(40), config)
    assert found[-1].persons[0].status == "tracked"
    knee = column_deg(found[25:], "knee_angle_r")
    assert 40 < knee.max() < 80
