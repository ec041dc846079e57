"""Frame rates other than 60 Hz, and capture times that jitter."""

import numpy as np
import pytest

from core.kinematics import augment
from core.kinematics.augment import AugmentConfig
from core.kinematics.augment_inputs import INPUTS
from tests.unit.kinematics.augment_reference import (
    WALKER,
    apart_mm,
    markers_m,
    networks,
    shipped,
    ticks_ns,
    walk_m,
)
from tools import bench_augment

CONFIG = AugmentConfig()


def at(rate_hz: float, inputs_m: np.ndarray, jitter_ms: float = 0.0) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, jitter_ms * 1e6, len(inputs_m))
    times_ns = [round(t + n) for t, n in zip(ticks_ns(len(inputs_m), rate_hz), noise, strict=True)]
    return augment.track(times_ns, inputs_m, networks(), WALKER, CONFIG).markers_m


def test_at_30_hz_the_ticks_between_get_the_mean_of_both_frames():
    inputs_m = walk_m(100, 30.0)
    doubled_m = np.repeat(inputs_m, 2, axis=0)[1:]
    doubled_m[1::2] = 0.5 * (inputs_m[:-1] + inputs_m[1:])
    expected_m = markers_m(doubled_m, WALKER, shipped)[::2]
    assert apart_mm(at(30.0, inputs_m), expected_m) < 0.001


@pytest.mark.parametrize("turns", [2, 4])
def test_at_120_and_240_hz_networks_take_turns(turns):
    inputs_m = walk_m(160, 60.0 * turns)
    found_m = at(60.0 * turns, inputs_m)
    for turn in range(turns):
        expected_m = markers_m(inputs_m[turn::turns], WALKER, shipped)
        assert apart_mm(found_m[turn::turns], expected_m) < 0.001


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0])
def test_a_frame_that_never_came_is_put_on_the_straight_line(rate_hz):
    inputs_m, times_ns = walk_m(90, rate_hz), ticks_ns(90, rate_hz)
    straight_m = inputs_m.copy()
    straight_m[50] = 0.5 * (inputs_m[49] + inputs_m[51])
    kept = [k for k in range(90) if k != 50]
    found_m = augment.track(
        [times_ns[k] for k in kept], inputs_m[kept], networks(), WALKER, CONFIG
    ).markers_m
    assert apart_mm(found_m, at(rate_hz, straight_m)[kept]) < 0.001


@pytest.mark.parametrize("rate_hz", [24.0, 25.0, 50.0, 60.0, 100.0, 120.0])
def test_times_that_jitter_change_little(rate_hz):
    inputs_m = walk_m(round(4 * rate_hz), rate_hz)
    exact_m, jittered_m = at(rate_hz, inputs_m), at(rate_hz, inputs_m, jitter_ms=0.3)
    settled = round(rate_hz)
    far_mm = apart_mm(exact_m[settled:], jittered_m[settled:])
    print(f"{rate_hz:g} Hz with 0.3 ms of jitter: {far_mm:.2f} mm at most")
    assert far_mm < 6


def test_a_camera_that_changes_its_rate_is_followed():
    fast_m, slow_m = walk_m(240, 60.0), walk_m(300, 50.0)
    times_ns = [*ticks_ns(120), *(2_000_000_000 + t for t in ticks_ns(200, 50.0))]
    inputs_m = np.concatenate([fast_m[:120], slow_m[100:]])
    found_m = augment.track(times_ns, inputs_m, networks(), WALKER, CONFIG).markers_m
    assert apart_mm(found_m[130:], at(50.0, slow_m)[110:]) < 12
    assert apart_mm(found_m[200:], at(50.0, slow_m)[180:]) < 2


@pytest.mark.slow
def test_other_rates_are_off_by_a_millimetre_or_so():
    rows = {row["rate_hz"]: row for row in bench_augment.rates()}
    for rate_hz, row in rows.items():
        print(f"{rate_hz:5g} Hz", {name: round(value, 3) for name, value in row.items()})
    limits_mm = {30: 0.8, 50: 0.6, 60: 0.0, 90: 0.3, 100: 0.3, 120: 0.001, 200: 0.3, 240: 0.001}
    for rate_hz, limit_mm in limits_mm.items():
        assert rows[rate_hz]["walk_rms_mm"] <= limit_mm
        assert rows[rate_hz]["trial_rms_mm"] <= limit_mm


def test_the_bench_compares_like_with_like():
    """Fed plainly, 50 Hz as if it were 60 Hz is off by much more."""
    inputs_m = bench_augment.walk(np.arange(150) / 50)
    plain_m = at(60.0, inputs_m)
    assert apart_mm(plain_m[75:], at(50.0, inputs_m)[75:]) > 3
    assert inputs_m.shape == (150, len(INPUTS), 3)
