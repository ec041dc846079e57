"""Markers frame by frame against the published networks over the whole sequence."""

import numpy as np
import pytest

from core.errors import ConfigError
from core.kinematics import augment, lstm
from core.kinematics.augment import AugmentConfig, Augmented, AugmentState, Track
from core.kinematics.augment_inputs import HALVES, HIP, INPUTS, LOWER, MARKERS, N_INPUTS
from tests.unit.kinematics.augment_reference import (
    TRIAL,
    WALKER,
    apart_mm,
    features,
    markers_m,
    networks,
    shipped,
    ticks_ns,
    trial_m,
    walk_m,
)

CONFIG = AugmentConfig()
LOWER_PART, UPPER_PART = slice(0, len(LOWER.gives)), slice(len(LOWER.gives), None)
MOTIONS = {"trial": (trial_m, TRIAL), "walk": (walk_m, WALKER)}


def each(inputs_m: np.ndarray, config: AugmentConfig = CONFIG, rate_hz: float = 60.0) -> Track:
    times_ns = ticks_ns(len(inputs_m), rate_hz)
    return augment.each(times_ns, inputs_m, networks(), WALKER, config)


@pytest.mark.parametrize("motion", MOTIONS)
def test_frame_by_frame_is_the_published_network_over_the_whole_sequence(motion):
    make, who = MOTIONS[motion]
    inputs_m = make()
    ours = augment.each(ticks_ns(len(inputs_m)), inputs_m, networks(), who, CONFIG)
    far_mm = apart_mm(ours.markers_m, markers_m(inputs_m, who, shipped))
    print(f"{motion}: {far_mm:.6f} mm at most from the published network")
    assert far_mm < 0.001
    assert not ours.held.any()
    assert not ours.missing.any()


@pytest.mark.parametrize("warm_frames", [0, 60])
def test_a_sequence_at_once_has_the_same_bits(warm_frames):
    inputs_m, config = trial_m(), AugmentConfig(warm_frames=warm_frames)
    times_ns = ticks_ns(len(inputs_m))
    at_once = augment.track(times_ns, inputs_m, networks(), TRIAL, config)
    one_by_one = augment.each(times_ns, inputs_m, networks(), TRIAL, config)
    np.testing.assert_array_equal(at_once.markers_m, one_by_one.markers_m)


def test_an_empty_sequence_has_no_markers():
    empty = np.empty((0, N_INPUTS, 3))
    at_once = augment.track([], empty, networks(), TRIAL, CONFIG)
    assert at_once.markers_m.shape == each(empty).markers_m.shape == (0, len(MARKERS), 3)


@pytest.mark.parametrize("rate_hz", [60.0, 30.0, 50.0, 100.0, 120.0])
def test_the_past_does_not_know_the_future(rate_hz):
    inputs_m = walk_m(60, rate_hz)
    other_m = inputs_m.copy()
    other_m[40:] += np.random.default_rng(0).normal(0, 0.1, other_m[40:].shape)
    before, after = each(inputs_m, rate_hz=rate_hz), each(other_m, rate_hz=rate_hz)
    np.testing.assert_array_equal(before.markers_m[:40], after.markers_m[:40])
    assert apart_mm(before.markers_m[40:], after.markers_m[40:]) > 10
    short = each(inputs_m[:30], rate_hz=rate_hz)
    np.testing.assert_array_equal(short.markers_m, before.markers_m[:30])


def test_two_people_do_not_know_of_each_other():
    walks_m = [walk_m(40), walk_m(40)[::-1] + 2.0]
    alone = [each(one) for one in walks_m]
    people = {1: AugmentState(), 2: AugmentState()}
    for frame, t_ns in enumerate(ticks_ns(40)):
        people = augment.thaw(augment.freeze(people))
        for number, inputs_m in enumerate(walks_m):
            state = people[number + 1]
            people[number + 1], found = augment.step(
                state, t_ns, inputs_m[frame], networks(), WALKER, CONFIG
            )
            np.testing.assert_array_equal(found.markers_m, alone[number].markers_m[frame])


def test_a_state_comes_back_as_it_was():
    times_ns, inputs_m = ticks_ns(50, 50.0), walk_m(50, 50.0)
    inputs_m[20:25, INPUTS.index("RWrist")] = np.nan
    state = AugmentState()
    for t_ns, one in zip(times_ns, inputs_m, strict=True):
        state, _ = augment.step(state, t_ns, one, networks(), WALKER, CONFIG)
    frozen = augment.freeze({7: state})
    again = augment.thaw(frozen)
    assert augment.freeze(again) == frozen
    assert again[7].chains["lower"].after.flags.writeable
    assert again[7].pace == state.pace


def test_turning_and_moving_the_world_moves_the_markers_with_it():
    inputs_m = walk_m(30)
    moved = each(inputs_m + np.array([3.0, -2.0, 0.5])).markers_m - np.array([3.0, -2.0, 0.5])
    assert apart_mm(moved, each(inputs_m).markers_m) < 0.001


def test_a_warm_start_is_nearer_to_the_settled_markers():
    """On the trial, which is slow; in mid-stride it helps the first frame only."""
    inputs_m = trial_m()
    settled = each(inputs_m).markers_m[30:]
    cold, warm = (each(inputs_m[30:], AugmentConfig(warm_frames=n)).markers_m for n in (0, 60))
    for first, last in ((0, 5), (10, 15), (30, 35)):
        part = slice(first, last)
        cold_mm, warm_mm = (apart_mm(one[part], settled[part]) for one in (cold, warm))
        print(f"frames {first}..{last}: cold {cold_mm:.1f} mm, warm {warm_mm:.1f} mm at most")
        assert warm_mm < 0.7 * cold_mm


@pytest.mark.parametrize(("n_missing", "limit_mm"), [(1, 2), (4, 15), (13, 40)])
def test_frames_missing_for_a_moment_are_bridged(n_missing, limit_mm):
    found = with_gap(100, n_missing)
    whole = each(walk_m(200)).markers_m
    far_mm = apart_mm(found[100].markers_m, whole[100 + n_missing])
    print(f"{n_missing} frames missing: {far_mm:.2f} mm off in the first frame after")
    assert [one.begun for one in found if one.begun] == [("lower", "upper")]
    assert far_mm < limit_mm
    assert apart_mm(found[-1].markers_m, whole[-1]) < 1.0


def test_frames_missing_for_long_begin_anew():
    found = with_gap(100, 16)
    assert [k for k, one in enumerate(found) if one.begun] == [0, 100]
    anew = each(walk_m(200)[116:]).markers_m
    np.testing.assert_array_equal([one.markers_m for one in found[100:]], anew)


def with_gap(start: int, n_missing: int) -> list[Augmented]:
    """200 frames at 60 Hz, some of which never came."""
    inputs_m, times_ns, state, out = walk_m(200), ticks_ns(200), AugmentState(), []
    for k in (*range(start), *range(start + n_missing, 200)):
        state, found = augment.step(state, times_ns[k], inputs_m[k], networks(), WALKER, CONFIG)
        out.append(found)
    return out


def test_a_keypoint_missing_for_a_moment_stays_where_its_limb_goes():
    inputs_m = walk_m(200)
    whole = each(inputs_m).markers_m
    gone_m = inputs_m.copy()
    toe = INPUTS.index("RSmallToe")
    gone_m[100:110, toe] = np.nan
    found = each(gone_m)
    np.testing.assert_array_equal(np.flatnonzero(found.held[:, toe]), np.arange(100, 110))
    assert np.isfinite(found.markers_m).all()
    np.testing.assert_array_equal(found.markers_m[:, UPPER_PART], whole[:, UPPER_PART])
    far_mm = apart_mm(found.markers_m, whole)
    print(f"small toe missing for 10 frames: {far_mm:.1f} mm off at most")
    assert far_mm < 60


def test_a_keypoint_missing_for_long_silences_its_half_only():
    inputs_m = walk_m(200)
    whole = each(inputs_m).markers_m
    gone_m = inputs_m.copy()
    gone_m[100:140, INPUTS.index("LWrist")] = np.nan
    found = each(gone_m)
    np.testing.assert_array_equal(found.markers_m[:, LOWER_PART], whole[:, LOWER_PART])
    silent = np.isnan(found.markers_m[:, UPPER_PART]).all(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(silent), np.arange(115, 140))
    anew = each(inputs_m[140:]).markers_m[:, UPPER_PART]
    np.testing.assert_array_equal(found.markers_m[140:, UPPER_PART], anew)


@pytest.mark.parametrize("names", ["Hip", "Hip RHip", "Hip RHip LHip"])
def test_a_hip_missing_for_a_moment_goes_with_the_trunk(names):
    inputs_m = walk_m(200)
    whole = each(inputs_m).markers_m
    gone_m = inputs_m.copy()
    gone_m[100:108, [INPUTS.index(name) for name in names.split()]] = np.nan
    found = each(gone_m)
    far_mm = apart_mm(found.markers_m, whole)
    print(f"{names} missing for 8 frames: {far_mm:.1f} mm off at most")
    assert far_mm < 60
    assert found.held[100:108, HIP].all()


def test_without_anybody_there_is_nothing_and_then_it_goes_on():
    gone_m = walk_m(200)
    whole = each(gone_m).markers_m
    gone_m[100:104] = np.nan
    found = each(gone_m).markers_m
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found).any(axis=(1, 2))), range(100, 104))
    assert apart_mm(found[104:], whole[104:]) < 15
    assert apart_mm(found[199], whole[199]) < 0.5


def test_frames_out_of_order_are_passed_over_and_a_new_clock_begins_anew():
    inputs_m = walk_m(3)
    state, first = augment.step(AugmentState(), 10**12, inputs_m[0], networks(), WALKER, CONFIG)
    for t_ns in (10**12, 10**12 - 1000):
        after, found = augment.step(state, t_ns, inputs_m[1], networks(), WALKER, CONFIG)
        assert after is state
        assert np.isnan(found.markers_m).all()
    _, anew = augment.step(state, 0, inputs_m[0], networks(), WALKER, CONFIG)
    assert anew.begun == ("lower", "upper")
    np.testing.assert_array_equal(anew.markers_m, first.markers_m)


@pytest.mark.parametrize(("height_m", "mass_kg"), [(175, 70), (1.75, 0), (float("nan"), 70)])
def test_a_subject_that_cannot_be_is_refused(height_m, mass_kg):
    with pytest.raises(ConfigError, match="expected"):
        augment.subject(height_m, mass_kg)


@pytest.mark.slow
def test_twenty_minutes_do_not_drift():
    """The trial over and over, 72,000 frames: the last time as the tenth time."""
    for half in HALVES:
        network, rows = networks()[half.name], features(trial_m(), half, TRIAL)
        memory, loops = lstm.blank(network), []
        for _ in range(720):
            outputs, memory = lstm.run(network, rows.astype(np.float64), memory)
            loops.append(outputs)
        drift_mm = 1e3 * TRIAL.height_m * np.abs(loops[-1] - loops[9]).max()
        print(f"{half.name}: {drift_mm:.6f} mm after 72,000 frames")
        assert drift_mm < 0.001
