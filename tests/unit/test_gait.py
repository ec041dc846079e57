"""Gait events of walkers whose feet are known at any time, of people who do not walk, and of the
published balancing trial."""

import msgspec
import numpy as np
import pytest

from core import freezing, gait, synthetic, trc
from core.gait import Gait
from core.messages import Walking
from core.skeletons import HALPE_26, SKELETONS
from services import models
from tests.unit import gait_scenes as scenes
from tests.unit.gait_scenes import CONFIG, FINE_HZ

SECONDS = 10.0
SPAN_NS = (1.5e9, (SECONDS - 0.5) * 1e9)
SLOW_120 = pytest.param(120.0, marks=pytest.mark.slow)
NOISES = {"clean": (0.0, 0.0), "10 mm": (4.0, 0.0), "20 mm, 5 % gaps": (8.0, 0.05)}
STANDING_STILL = {
    "standing": scenes.standing,
    "swaying": scenes.swaying,
    "squatting": scenes.squatting,
    "marching, knees high": lambda t_s: scenes.marching(t_s, 1.1),
    "marching, knees low": lambda t_s: scenes.marching(t_s, 0.6),
    "turning on the spot": scenes.turning,
}


def times_s(rate_hz: float, seconds: float = SECONDS) -> np.ndarray:
    return np.arange(round(seconds * rate_hz)) / rate_hz


@pytest.mark.timeout(120)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("rate_hz", [10.0, 15.0, 30.0, 60.0, SLOW_120])
def test_walkers_of_all_cadences(rate_hz, noise):
    """Found, false and error against where the feet turn; the walk is told all along."""
    noise_px, gaps = NOISES[noise]
    n_true = hits = false = 0
    errors_ms, off_per_min = [], []
    for cadence in (60.0, 100.0, 140.0):
        seen = scenes.walker(times_s(rate_hz), cadence)
        if gaps:
            seen = scenes.with_gaps(seen, gaps, max(1, round(0.1 * rate_hz)))
        said = scenes.walk_through(scenes.fused(seen, rate_hz, noise_px))
        truth_ns = scenes.turns_ns(scenes.walker(times_s(FINE_HZ), cadence))
        found = scenes.score(said.events, truth_ns, SPAN_NS)
        n_true, hits, false = n_true + found.n_true, hits + found.hits, false + found.false
        errors_ms += list(found.error_ms)
        settled_ns = 1.5e9 + 4 * 60e9 / cadence
        walks = [walk for t_ns, walk in said.walks if t_ns > settled_ns]
        told = [abs(walk.cadence_per_min - cadence) for walk in walks if walk]
        assert len(told) > 0.9 * len(walks)
        off_per_min += told
    print(
        f"| {rate_hz:.0f} Hz | {noise} | {hits} of {n_true} | {false} | {np.mean(errors_ms):.0f} ± "
        f"{np.std(errors_ms):.0f} ms | {max(off_per_min):.1f} /min |"
    )
    assert hits >= 0.9 * n_true
    assert false <= 0.1 * n_true
    assert abs(np.mean(errors_ms)) < 60
    assert max(off_per_min) < 8


def test_a_limp_does_not_move_the_cadence():
    said = scenes.walk_through(
        scenes.fused(scenes.walker(times_s(60.0), 100.0, uneven=0.08), 60.0, 2.0)
    )
    told = [walk for t_ns, walk in said.walks if walk and t_ns > 5e9]
    assert all(walk.cadence_per_min == pytest.approx(100, abs=2) for walk in told)
    assert all(0.6 < walk.symmetry < 0.85 for walk in told)
    assert all(walk.step_spread_s < 0.03 for walk in told)


def test_events_of_a_walk_in_a_circle():
    truth_m = synthetic.walk_m(480)
    said = scenes.walk_through(scenes.fused(truth_m, 60.0, 2.0))
    truth_ns = scenes.turns_ns(synthetic.walk_m(8000, FINE_HZ))
    found = scenes.score(said.events, truth_ns, (1.5e9, 7.5e9))
    print(f"{found.hits} of {found.n_true}, {found.false} false, {found.error_ms.mean():.0f} ms")
    assert found.hits == found.n_true
    assert found.false == 0
    last = said.walks[-1][1]
    assert last is not None
    assert last.cadence_per_min == pytest.approx(108, rel=0.03)


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 60.0])
@pytest.mark.parametrize("what", STANDING_STILL)
def test_who_stays_on_the_spot_does_not_walk(what, rate_hz):
    poses = scenes.fused(STANDING_STILL[what](times_s(rate_hz)), rate_hz, 8.0)
    said = scenes.walk_through(poses)
    print(f"{what}, {rate_hz:.0f} Hz: {len(said.events)} events")
    assert len(said.events) <= (2 if what.startswith("marching") else 0)  # of 17 steps, by noise
    assert not any(walk for _, walk in said.walks)


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 60.0])
def test_who_swings_a_leg_does_not_walk(rate_hz):
    """A foot that swings far behind does leave the floor there, for all that can be seen; noise
    puts the standing one behind the hips now and then."""
    said = scenes.walk_through(scenes.fused(scenes.leg_swinging(times_s(rate_hz)), rate_hz, 8.0))
    print(f"{len(said.events)} events of 16 turns")
    assert not any(walk for _, walk in said.walks)


def test_a_walk_ends_when_the_next_step_is_overdue():
    walked = scenes.walker(times_s(60.0, 6.0), 100.0)
    stood = np.repeat(walked[-1:], 180, axis=0)
    said = scenes.walk_through(scenes.fused(np.concatenate([walked, stood]), 60.0, 2.0))
    told_ns = [t_ns for t_ns, walk in said.walks if walk]
    strike_ns = max(one.t_ns for one in said.events if one.kind == "heel strike")
    assert 0.9e9 < told_ns[-1] - strike_ns < 1.5e9
    assert said.walks[-1][1] is None


def trial_m() -> np.ndarray:
    """Keypoints (100, 26, 3) of the published trial, 60 Hz: two steps with a balance between."""
    raw = trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())
    points_m = np.full((len(raw.frames), 26, 3), np.nan)
    for number, name in enumerate(raw.markers):
        if name in HALPE_26.names:
            points_m[:, HALPE_26.index(name)] = trc.to_world(raw.points_m)[:, number]
    points_m[..., :2] -= np.nanmean(points_m[..., :2], axis=(0, 1))
    return points_m


def ms(kind: str, side: str, *times: float) -> tuple[tuple[str, str], np.ndarray]:
    return (kind, side), np.array(times) * 1e6


@pytest.mark.parametrize(("rate_hz", "every"), [(60.0, 1), (30.0, 2), (15.0, 4)])
def test_the_balancing_trial(rate_hz, every):
    """Labelled offline: zero-phase filtered keypoints (7 Hz), turns of more than 10 cm, and the
    pictures, which show the foot leave and land within 5 frames of them. The left foot is in the
    air when the footage ends."""
    labels_ns = dict(
        [
            ms("toe off", "right", 217),
            ms("heel strike", "right", 1167),
            ms("toe off", "left", 1383),
            ms("heel strike", "left"),
        ]
    )
    said = scenes.walk_through(scenes.fused(trial_m()[::every], rate_hz))
    found = scenes.score(said.events, labels_ns, (0, 1.6e9))
    print(f"{rate_hz:.0f} Hz: {found.hits} of 3, {found.false} false, {found.error_ms.round()} ms")
    assert found.hits == 3
    assert found.false == 0
    assert np.abs(found.error_ms).max() < 60
    again = scenes.walk_through(scenes.fused(np.tile(trial_m(), (8, 1, 1))[::every], rate_hz))
    assert not any(walk for _, walk in again.walks)  # as the demo plays it, over and over


def test_missing_feet_and_sets_without_feet():
    gone = np.full((26, 3), np.nan)
    state, events = gait.step(Gait(), 0, gone, gone, HALPE_26, CONFIG)
    state, events = gait.step(state, 16_666_667, gone, gone, HALPE_26, CONFIG)
    assert events == []
    assert gait.can_walk(HALPE_26)
    assert not gait.can_walk(SKELETONS["COCO_17"])


def test_the_state_goes_through_a_recording():
    said, state = [], Gait()
    walk_m = scenes.walker(times_s(30.0, 4.0), 100.0)
    velocity = np.asarray(np.gradient(walk_m, 1 / 30.0, axis=0))
    for number, (points_m, speed) in enumerate(zip(walk_m, velocity, strict=True)):
        state = freezing.thaw(freezing.freeze(state), Gait)
        state, events = gait.step(state, number * 33_333_333, points_m, speed, HALPE_26, CONFIG)
        said += events
    plain, expected = Gait(), []
    for number, (points_m, speed) in enumerate(zip(walk_m, velocity, strict=True)):
        plain, events = gait.step(plain, number * 33_333_333, points_m, speed, HALPE_26, CONFIG)
        expected += events
    assert (said, state) == (expected, plain)
    assert len(said) > 8


def test_recordings_from_before_the_spread_are_read():
    old = msgspec.msgpack.encode(
        {"cadence_per_min": 100.0, "step_time_s": {"left": 0.6}, "symmetry": 1.0}
    )
    assert np.isnan(msgspec.msgpack.decode(old, type=Walking).step_spread_s)
