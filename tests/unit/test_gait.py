"""Gait events of the synthetic walker, whose feet are known at any time."""

import numpy as np
import pytest

from core import fusion, gait, synthetic
from core.config import FusionConfig
from core.gait import Gait, GaitConfig
from core.messages import view
from core.skeletons import HALPE_26, SKELETONS

CONFIG = GaitConfig()
FINE_HZ = 1000.0


def forward_m(points_m: np.ndarray, name: str) -> np.ndarray:
    """Place (T,) of a keypoint before the pelvis, along the way the person faces."""
    at = HALPE_26.index
    across = points_m[:, at("LHip"), :2] - points_m[:, at("RHip"), :2]
    forward = np.stack([across[:, 1], -across[:, 0]], axis=-1)
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    pelvis = 0.5 * (points_m[:, at("LHip"), :2] + points_m[:, at("RHip"), :2])
    return ((points_m[:, at(name), :2] - pelvis) * forward).sum(axis=-1)


def truth_ns(seconds: float) -> dict[tuple[str, str], np.ndarray]:
    fine_m = synthetic.walk_m(round(seconds * FINE_HZ), FINE_HZ)
    found = {}
    for side, letter in (("left", "L"), ("right", "R")):
        for kind, name, sign in (("heel strike", "Heel", 1), ("toe off", "BigToe", -1)):
            along = sign * forward_m(fine_m, letter + name)
            peaks = 1 + np.flatnonzero((along[1:-1] > along[:-2]) & (along[1:-1] >= along[2:]))
            found[kind, side] = peaks[along[peaks] > 0.1] * 1e9 / FINE_HZ
    return found


def walk_through(poses) -> tuple[Gait, list[gait.GaitEvent]]:
    state, events = Gait(), []
    for pose in poses:
        person = pose.persons[0]
        points_m = view(person, "keypoints_m").astype(float)
        velocity = view(person, "velocity_m_s").astype(float)
        state, found = gait.step(state, pose.t_ns, points_m, velocity, HALPE_26, CONFIG)
        events += found
    return state, events


@pytest.mark.parametrize(("rate_hz", "noise_px"), [(60.0, 0.0), (60.0, 2.0), (20.0, 2.0)])
def test_events_are_where_the_feet_turn(rate_hz, noise_px):
    rig = synthetic.ring(4)
    walk_m = synthetic.walk_m(round(8 * rate_hz), rate_hz)
    messages = synthetic.seen(
        rig, walk_m, noise_px=noise_px, period_ns=round(1e9 / rate_hz), start_ns=0
    )
    state, poses = fusion.FusionState(), []
    for message in messages:
        state, done = fusion.step(state, message, rig, FusionConfig())
        poses += done
    after, events = walk_through([pose for pose in poses if pose.persons])
    late_ms = []
    for (kind, side), times_ns in truth_ns(8).items():
        inner = times_ns[(times_ns > 1.2e9) & (times_ns < 7.7e9)]
        found = np.array([one.t_ns for one in events if (one.kind, one.side) == (kind, side)])
        found = found[(found > 1.0e9) & (found < 7.9e9)]
        assert len(inner) <= len(found) <= len(inner) + 1
        late_ms += [float(np.min(np.abs(found - t)) * 1e-6) for t in inner]
    print(
        f"{rate_hz:.0f} Hz, {noise_px} px: mean {np.mean(late_ms):.0f} ms, max {max(late_ms):.0f}"
    )
    assert np.mean(late_ms) < 40
    figures = gait.walking(after)
    assert figures is not None
    assert figures.cadence_per_min == pytest.approx(2 * 0.9 * 60, rel=0.03)
    assert figures.symmetry > 0.9


def test_who_stands_takes_no_steps():
    rng = np.random.default_rng(0)
    state = Gait()
    for number in range(600):
        velocity = rng.normal(0, 0.05, (26, 3))
        state, events = gait.step(
            state, number * 16_666_667, synthetic.standing_m(), velocity, HALPE_26, CONFIG
        )
        assert events == []
    assert gait.walking(state) is None


def test_missing_feet_and_sets_without_feet():
    gone = np.full((26, 3), np.nan)
    state, events = gait.step(Gait(), 0, gone, gone, HALPE_26, CONFIG)
    state, events = gait.step(state, 16_666_667, gone, gone, HALPE_26, CONFIG)
    assert events == []
    assert gait.can_walk(HALPE_26)
    assert not gait.can_walk(SKELETONS["COCO_17"])
