"""A camera that is knocked is left out and found again; one that is only bad is let alone."""

import numpy as np
import pytest

from core import config, fusion, mending_looks, mending_state, synthetic, synthetic_scenes
from core.calibration import place
from core.config import FusionConfig
from core.errors import ConfigError
from core.messages import PlaceDecision
from core.synthetic_scenes import Faults, miscalibrated
from tests.unit import mending_scenes as scenes
from tests.unit.mending_scenes import RATE_HZ, Watched, filmed, knocked

RIG = synthetic.ring(4)
KNOCK_S = 12
WALK_M = synthetic.walk_m(40 * RATE_HZ, RATE_HZ)[None]


def walk(seconds: float) -> np.ndarray:
    return WALK_M[:, : round(seconds * RATE_HZ)]


@pytest.fixture(scope="module")
def knock() -> Watched:
    """cam03 is knocked by 2° and 3 cm after 12 s; 22 s in all."""
    real = {0: RIG, KNOCK_S: knocked(RIG, "cam03", 2.0, 0.03)}
    return Watched(RIG, walk(22)).feed(filmed(real, walk(22)))


@pytest.mark.parametrize(
    ("n_cameras", "camera", "seed"),
    [(3, "cam02", 1), (4, "cam01", 2), (4, "cam04", 3), (8, "cam05", 4)],
)
def test_a_knocked_camera_is_named_within_5_s_and_found_again(n_cameras, camera, seed):
    rig = synthetic.ring(n_cameras)
    real = {0: rig, KNOCK_S: knocked(rig, camera, 2.0, 0.03, seed)}
    seen = Watched(rig, walk(32)).feed(filmed(real, walk(32), seed=seed))
    assert seen.states == [(f"{camera} suspect",), (f"{camera} new",)]
    named_s, mended_s = (seen.told[i][0] - KNOCK_S for i in (0, 1))
    (found,) = seen.told[-1][1]
    error_mm = [seen.error_mm(*span) for span in ((5, 12), (12, 12 + mended_s), (24, 32))]
    print(
        f"{n_cameras} cameras, {camera} knocked by 2.0°, 30 mm: named after {named_s:.1f} s, "
        f"new place after {mended_s:.1f} s: {found.turned_deg:.1f}°, {found.moved_m:.3f} m; "
        "3D error {:.1f} mm before, {:.1f} meanwhile, {:.1f} after".format(*error_mm)
    )
    assert named_s < 5
    assert found.turned_deg == pytest.approx(2.0, abs=0.4)
    assert error_mm[2] < 1.1 * error_mm[0]


def test_without_mending_the_error_stays():
    real = {0: RIG, KNOCK_S: knocked(RIG, "cam03", 2.0, 0.03)}
    left_alone = FusionConfig(mend_cameras=False)
    seen = Watched(RIG, walk(22), left_alone).feed(filmed(real, walk(22)))
    assert seen.told == []
    print(f"3D error {seen.error_mm(5, 12):.1f} mm before, {seen.error_mm(16, 22):.1f} after")
    assert seen.error_mm(16, 22) > 1.05 * seen.error_mm(5, 12)


def test_the_new_place_is_about_the_true_one(knock):
    real = knocked(RIG, "cam03", 2.0, 0.03)
    found = mending_state.in_force(knock.state.mending, RIG)
    off_m, off_deg = place.moved_m(real, found), place.turned_deg(real, found)
    print(f"new place off by {1000 * off_m[2]:.0f} mm, {off_deg[2]:.2f}°")
    assert off_deg[2] < 0.4
    assert off_m.tolist()[:2] == [0, 0]


def test_nobody_is_lost_meanwhile_and_a_suspect_has_no_say(knock):
    ids = [[person.id for person in pose.persons] for pose in knock.poses[10:]]
    assert all(one == [1] for one in ids)
    (suspect_s, _), (new_s, _) = knock.told[:2]
    left_out = [one for one in knock.poses if suspect_s < scenes.second(one) <= new_s]
    assert all(max(pose.persons[0].n_views) <= 3 for pose in left_out)
    assert any(max(pose.persons[0].n_views) == 4 for pose in knock.poses[-10:])


def test_a_frozen_state_goes_on_with_the_same_bits(knock):
    """At any moment: before, as a suspect, with a new place."""
    real = {0: RIG, KNOCK_S: knocked(RIG, "cam03", 2.0, 0.03)}
    messages = filmed(real, walk(22))
    state, thawed, poses, again = fusion.FusionState(), fusion.FusionState(), [], []
    for number, one in enumerate(messages):
        state, done = fusion.step(state, one, RIG, FusionConfig())
        thawed, same = fusion.step(thawed, one, RIG, FusionConfig())
        poses, again = poses + done, again + same
        if number % 150 == 149:
            thawed = fusion.thaw(fusion.freeze(thawed))
    assert poses == again == knock.poses
    print(f"a frozen state has {len(fusion.freeze(state)) / 1e3:.0f} kB")


def decided(wish, number=1) -> tuple[PlaceDecision, ...]:
    return (PlaceDecision("cam03", wish, number),)


def test_the_operator_goes_back_and_keeps_and_each_word_counts_once():
    real = {0: RIG, KNOCK_S: knocked(RIG, "cam03", 2.0, 0.03)}
    messages = filmed(real, walk(30))
    seen = Watched(RIG, walk(30))
    parts = [
        [m for m in messages if a <= m.frame / RATE_HZ < b]
        for a, b in ((0, 18), (18, 22), (22, 30))
    ]
    seen.feed(parts[0])
    seen.feed(parts[1], decided("back"))
    assert seen.told[-1][1][0].state == "rejected"
    np.testing.assert_array_equal(
        mending_state.in_force(seen.state.mending, RIG).cam_from_world, RIG.cam_from_world
    )
    assert max(seen.poses[-1].persons[0].n_views) == 3
    assert seen.poses[-1].decisions == decided("back")
    seen.feed(parts[2], decided("keep", 2))
    assert seen.told[-1][1][0].state == "kept"
    assert max(seen.poses[-1].persons[0].n_views) == 4
    assert seen.states == [(f"cam03 {one}",) for one in ("suspect", "new", "rejected", "kept")]


def test_a_rejected_camera_that_is_put_back_has_a_say_again():
    real = {0: RIG, 12: knocked(RIG, "cam03", 2.0, 0.03), 20: RIG}
    messages = filmed(real, walk(26))
    seen = Watched(RIG, walk(26)).feed([one for one in messages if one.frame < 18 * RATE_HZ])
    seen.feed([one for one in messages if one.frame >= 18 * RATE_HZ], decided("back"))
    assert seen.states == [("cam03 suspect",), ("cam03 new",), ("cam03 rejected",), ()]


def test_a_camera_that_is_put_back_is_where_it_was_calibrated():
    real = {0: RIG, 12: knocked(RIG, "cam03", 2.0, 0.03), 24: RIG}
    seen = Watched(RIG, walk(34)).feed(filmed(real, walk(34)))
    assert seen.states == [("cam03 suspect",), ("cam03 new",), ("cam03 suspect",), ()]
    assert mending_state.in_force(seen.state.mending, RIG) is RIG


def test_cameras_are_knocked_one_after_the_other_and_one_twice():
    once = knocked(RIG, "cam03", 2.0, 0.03)
    other = knocked(once, "cam01", 2.5, 0.02, seed=5)
    twice = knocked(other, "cam03", 2.5, 0.05, seed=6)
    real = {0: RIG, 12: once, 21: other, 30: twice}
    seen = Watched(RIG, WALK_M).feed(filmed(real, WALK_M))
    assert seen.states == [
        ("cam03 suspect",),
        ("cam03 new",),
        ("cam01 suspect", "cam03 new"),
        ("cam01 new", "cam03 new"),
        ("cam01 new", "cam03 suspect"),
        ("cam01 new", "cam03 new"),
    ]
    print(f"{seen.error_mm(5, 12):.1f} mm before, {seen.error_mm(35, 40):.1f} after three knocks")
    assert seen.error_mm(35, 40) < 1.15 * seen.error_mm(5, 12)


BAD = Faults(noise_px=5, outlier_share=0.08, missing_share=0.1, swap_share=0.02, occlusion=True)


@pytest.mark.parametrize(
    ("why", "n_people", "off", "faults"),
    [
        ("badly placed", 1, (1.0, 0.04), BAD),
        ("late", 1, (0.2, 0.01), Faults(noise_px=3, clock_sd_ms=40)),
        ("badly placed, late", 2, (0.7, 0.03), Faults(noise_px=4, clock_sd_ms=30)),
        ("people in each other's way", 3, (0.7, 0.03), BAD),
        ("frames lost", 1, (0.7, 0.03), Faults(noise_px=4, lost=(("cam02", 300, 420),))),
    ],
)
def test_a_camera_that_is_only_bad_is_never_touched(why, n_people, off, faults):
    for seed in range(2):
        people_m = synthetic_scenes.crossing_m(n_people, 30 * RATE_HZ, RATE_HZ)
        messages = filmed({0: miscalibrated(RIG, *off, seed=seed)}, people_m, faults, seed)
        assert Watched(RIG, people_m).feed(messages).told == [], why


def test_a_camera_whose_clock_slips_is_late_and_has_not_moved():
    """From one moment on its pictures are 60 ms old: that is no other place."""
    people_m = synthetic_scenes.crossing_m(1, 30 * RATE_HZ, RATE_HZ)
    late_m = np.roll(people_m, 2, axis=1)
    messages = filmed({0: RIG}, people_m)
    late = filmed({0: RIG}, late_m)
    mixed = [
        b if a.camera == "cam02" and a.frame > 12 * RATE_HZ else a
        for a, b in zip(messages, late, strict=True)
    ]
    assert Watched(RIG, people_m).feed(mixed).told == []


def test_a_wrong_setting_is_refused():
    base = 'calibration = "c"\n[[cameras]]\nname = "a"\n[fusion]\nmend_cameras = '
    assert config.read(base + "false", "x").fusion.mend_cameras is False
    with pytest.raises(ConfigError, match="mend_cameras"):
        config.read(base + '"perhaps"', "x")


def test_looks_have_a_limit_and_are_spread_over_all_the_time():
    empty = np.zeros(0, np.float32)
    kept = mending_looks.Gathered(spacing_ns=1)
    for t_ns in range(10_000):
        kept = kept.plus(mending_looks.Look(t_ns, empty, empty, empty), 48)
        assert len(kept.looks) <= 48
    steps = np.diff([one.t_ns for one in kept.looks])
    assert len(kept.looks) >= 24
    assert kept.looks[0].t_ns == 0
    assert steps.max() <= 2 * steps.min()
