"""A camera whose clock is off is named, with its delay; one that was turned is not."""

import numpy as np
import pytest

from core import fusion, synthetic, synthetic_scenes
from core.cameras import Rig, project
from core.config import FusionConfig
from core.messages import Keypoints2D, RigQuality
from core.watch_time import Clocks, lateness, step
from services.fusion import QualityWatch
from tests.unit.test_watch import turned

RATE_HZ = 30
RIG = synthetic.ring(4)


def walking(
    seconds: float,
    late_s: dict[str, float] | None = None,
    *,
    real_rig: Rig = RIG,
    noise_px: float = 2.0,
    turned_after_s: float = 0.0,
) -> list[Keypoints2D]:
    """What cameras say of a walker; each shows what was ``late_s`` ago."""
    rng = np.random.default_rng(0)
    said = []
    for frame in range(round(seconds * RATE_HZ)):
        rig = real_rig if frame / RATE_HZ >= turned_after_s else RIG
        for place, name in enumerate(RIG.names):
            t_s = 1.0 + frame / RATE_HZ - (late_s or {}).get(name, 0.0)
            points_m = synthetic.at(t_s, np.array([np.sin(t_s), -np.cos(t_s)]), t_s)
            points_px = project(rig, points_m)[place] + rng.normal(0.0, noise_px, (26, 2))
            said.append(synthetic.keypoints(name, frame, round(frame * 1e9 / RATE_HZ), points_px))
    return said


def watched(messages: list[Keypoints2D]) -> list[RigQuality]:
    """All words of the fusion's watch over these keypoints."""
    config = FusionConfig()
    state, watch, words = fusion.FusionState(), QualityWatch(RIG, config), []
    for message in messages:
        watch.remember(message)
        state, poses = fusion.step(state, message, RIG, config)
        words += [word for pose in poses if (word := watch.look(pose, RIG)) is not None]
    return words


def says(words: list[RigQuality]) -> set[tuple[str, str]]:
    return {(one.camera, one.says) for word in words for one in word.cameras if one.says}


def test_nothing_is_said_of_a_minute_of_clean_footage():
    words = watched(walking(60))
    assert len(words) >= 59
    assert says(words) == set()
    assert all(abs(one.late_ms) < 1.0 for one in words[-1].cameras)


@pytest.mark.parametrize(("name", "late_ms"), [("cam03", 12.0), ("cam02", -15.0), ("cam01", 40.0)])
def test_a_clock_that_is_off_is_named_with_its_delay(name, late_ms):
    words = watched(walking(20, {name: late_ms * 1e-3}))
    delays_ms = {one.camera: one.late_ms for one in words[-1].cameras}
    assert delays_ms.pop(name) == pytest.approx(late_ms, rel=0.15)
    assert max(map(abs, delays_ms.values())) < 2.0
    assert {camera for camera, _ in says(words)} == {name}
    last = next(one.says for one in words[-1].cameras if one.camera == name)
    assert last.startswith(f"{name} is ")
    assert last.endswith(f"ms {'late' if late_ms > 0 else 'early'}")


def test_two_clocks_that_are_off_are_told_apart():
    last = watched(walking(20, {"cam02": 0.020, "cam03": -0.015}))[-1]
    np.testing.assert_allclose([one.late_ms for one in last.cameras], [0, 20, -15, 0], atol=3.0)


@pytest.mark.parametrize("turned_after_s", [0.0, 12.0])
def test_a_turned_camera_is_not_late(turned_after_s):
    really = turned(RIG, "cam02", 2.0)
    words = watched(walking(30, real_rig=really, turned_after_s=turned_after_s))
    told = says(words)
    assert not any("late" in text or "early" in text for _, text in told)
    assert {camera for camera, _ in told} == ({"cam02"} if turned_after_s else set())


def test_a_late_camera_that_is_then_turned_is_said_to_be_both():
    really = turned(RIG, "cam02", 2.0)
    words = watched(walking(40, {"cam02": 0.03}, real_rig=really, turned_after_s=20.0))
    assert any("moved" in text and "late" in text for _, text in says(words))


@pytest.mark.parametrize("noise_px", [2.0, 12.0])
def test_a_person_who_stands_still_tells_nothing_of_time(noise_px):
    """An error of a pixel moves the velocity of the filter along, which could pass for a delay."""
    rng = np.random.default_rng(0)
    standing = project(RIG, synthetic.standing_m())
    said = [
        synthetic.keypoints(
            name,
            frame,
            round(frame * 1e9 / RATE_HZ),
            standing[c] + rng.normal(0, noise_px, (26, 2)),
        )
        for frame in range(20 * RATE_HZ)
        for c, name in enumerate(RIG.names)
    ]
    last = watched(said)[-1]
    assert all(np.isnan(one.late_ms) for one in last.cameras)


def test_every_person_counts_for_the_quality():
    """The first of several people may be seen well and the second badly."""
    people_m = synthetic_scenes.crossing_m(2, 4 * RATE_HZ, RATE_HZ)
    faults = synthetic_scenes.Faults(noise_px=2.0)
    last = watched(synthetic_scenes.seen(RIG, people_m, faults, rate_hz=RATE_HZ))[-1]
    assert all(0.5 < one.held_out_px < 10 for one in last.cameras)
    keypoint_px = np.frombuffer(last.keypoint_px, "<f4")
    assert keypoint_px.shape == (26,)
    assert (keypoint_px[np.isfinite(keypoint_px)] < 10).all()


def test_a_keypoint_that_is_bad_in_one_camera_stands_out():
    wrist = 9
    said = []
    for message in walking(5, noise_px=1.0):
        pixels = np.frombuffer(message.persons[0].keypoints_px, "<f4").reshape(26, 2).copy()
        pixels[wrist, 0] += 40.0 if message.camera in ("cam01", "cam03") else 0.0
        said.append(synthetic.keypoints(message.camera, message.frame, message.t_ns, pixels))
    last = watched(said)[-1]
    assert int(np.nanargmax(np.frombuffer(last.keypoint_px, "<f4"))) == wrist


def test_nobody_changes_nothing():
    state = Clocks()
    assert step(state, 5, {}) is state
    assert np.isnan(lateness(state, 4).late_ms).all()
    assert not lateness(state, 4).certain.any()
