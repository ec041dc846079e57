import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core.envelope import Cloud, Prior, extended, line_under, lower_hull
from core.errors import ConfigError
from core.synthetic_clocks import CLOCKS, ClockScene, pairs_of
from core.timebase import CaptureTime, ClockModel, DeviceClock, refit, step

MS, SECOND = 1_000_000, 1_000_000_000
HOST_NS = 1_700_000_000 * SECOND
PERIOD_NS = 16_666_667
NANOSECONDS = DeviceClock(1e9)


def online(pairs, device):
    model, times = ClockModel(), []
    for ticks, host_ns in pairs:
        model, time = step(model, ticks, host_ns, device)
        times.append(time)
    return model, times


def steady(n, delay_ns: Callable[[int], int] = lambda _: 0, ticks=10**12):
    """Pairs of 60 Hz of a perfect clock in nanoseconds."""
    return [(ticks + i * PERIOD_NS, HOST_NS + i * PERIOD_NS + delay_ns(i)) for i in range(n)]


def jitter_ns(seed, n, mean_ms=5.0):
    delays_ns = np.random.default_rng(seed).exponential(mean_ms * MS, n).astype(int).tolist()
    return lambda i: delays_ns[i]


@given(
    strategies.lists(
        strategies.tuples(strategies.integers(0, 10**6), strategies.integers(-(10**6), 10**6)),
        min_size=1,
        max_size=40,
    )
)
def test_the_hull_lies_under_all_points_and_grows_as_it_is_built(points):
    hull = lower_hull(sorted(points))
    grown = ()
    for point in points:
        grown = extended(grown, point)
    assert grown == hull
    xs, ys = np.array(hull, float).T
    assert (np.diff(xs) > 0).all()
    inside = np.array(points, float)
    assert (inside[:, 1] >= np.interp(inside[:, 0], xs, ys) - 1e-3).all()


def test_the_line_is_the_mean_of_the_likelihood_over_all_lines_under_the_points():
    rng = np.random.default_rng(3)
    x_ns = np.arange(40) * 16 * MS
    y_ns = (3e-5 * x_ns + rng.exponential(5 * MS, 40)).astype(int)
    hull = lower_hull(zip(x_ns.tolist(), y_ns.tolist(), strict=True))
    prior = Prior(1e-4, 5e6)
    line = line_under(Cloud(hull, 40, x_ns.mean(), y_ns.mean()), prior, int(x_ns[-1]))
    slopes = np.linspace(-1e-4, 1e-4, 20_001)
    highest_ns = np.min(y_ns[:, None] - np.outer(x_ns, slopes), axis=0)  # (S,) at x = 0
    least_ns = line.mean_delay_ns / 40
    weight = np.exp((highest_ns + slopes * x_ns.mean()) / least_ns - 20)
    weight /= weight.sum()
    height_ns = highest_ns + slopes * x_ns[-1]
    mean_ns = weight @ height_ns
    assert line.y_ns == pytest.approx(mean_ns - least_ns, abs=2e3)
    assert line.slope == pytest.approx(weight @ slopes, abs=1e-7)
    variance = weight @ (height_ns - mean_ns) ** 2 + least_ns**2
    assert line.sd_ns == pytest.approx(math.sqrt(variance), rel=1e-2)


@given(
    strategies.sampled_from([2**11, 2**32, 10**9]),
    strategies.integers(0, 2**62),
    strategies.integers(0, 10**7),
    strategies.floats(-0.45, 0.45),
)
def test_wraps_are_counted_by_the_host_s_time(wraps_at, first, passed, off):
    device = DeviceClock(1e6, wraps_at=wraps_at)
    about_ns = passed * 1000 + round(off * wraps_at * 1000)
    before, after = first % wraps_at, (first + passed) % wraps_at
    assert device.ticks_between(before, after, about_ns) == passed


def test_ticks_are_exact_at_any_length():
    assert NANOSECONDS.ns_of(2**63 - 1) == 2**63 - 1
    assert DeviceClock(90_000.0).ns_of(9 * 2**60) == 2**60 * 100_000


@pytest.mark.parametrize("hz", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_no_clock_has_is_refused(hz):
    with pytest.raises(ConfigError):
        DeviceClock(hz)


def test_a_restart_begins_an_epoch():
    before, after = steady(300, jitter_ns(0, 300)), steady(300, jitter_ns(1, 300), ticks=5)
    gone_ns = 310 * PERIOD_NS
    pairs = before + [(ticks, host_ns + gone_ns) for ticks, host_ns in after]
    model, times = online(pairs, NANOSECONDS)
    assert model.epoch == 1
    assert {one.epoch for one in times[:300]} == {0}
    assert {one.epoch for one in times[310:]} == {1}
    assert [one.epoch for one in refit(pairs, NANOSECONDS)] == [0] * 300 + [1] * 300
    assert abs(times[-1].t_ns - (HOST_NS + gone_ns + 299 * PERIOD_NS)) < MS


@pytest.mark.parametrize("step_ms", [-60_000, -100, 20, 60_000])
def test_a_step_of_the_device_s_clock_begins_an_epoch_within_a_few_frames(step_ms):
    pairs = steady(900, jitter_ns(0, 900, mean_ms=1.0))
    pairs = pairs[:600] + [(ticks + step_ms * MS, host_ns) for ticks, host_ns in pairs[600:]]
    _, times = online(pairs, NANOSECONDS)
    assert times[599].epoch == 0
    assert times[606].epoch == times[-1].epoch == 1
    for i, time in enumerate(times[600:], 600):
        assert abs(time.t_ns - (HOST_NS + i * PERIOD_NS)) <= max(time.uncertainty_ns, 10 * MS)


def test_a_small_step_back_is_found_after_seconds_and_not_claimed_before():
    pairs = steady(1800, jitter_ns(0, 1800, mean_ms=1.0))
    pairs = pairs[:600] + [(ticks - 5 * MS, host_ns) for ticks, host_ns in pairs[600:]]
    _, times = online(pairs, NANOSECONDS)
    assert times[-1].epoch == 1
    error_ns = [abs(one.t_ns - HOST_NS - i * PERIOD_NS) for i, one in enumerate(times)]
    assert max(error_ns[1300:]) < MS
    stated = [e <= one.uncertainty_ns for e, one in zip(error_ns, times, strict=True)]
    assert np.mean(stated[720:1100]) >= 0.95


def test_a_stalled_way_that_is_drained_begins_nothing():
    pairs = steady(1200, jitter_ns(0, 1200))
    released_ns = pairs[600][1] + 3 * SECOND
    pairs = [
        (ticks, max(host_ns, released_ns + i * MS) if i >= 600 else host_ns)
        for i, (ticks, host_ns) in enumerate(pairs)
    ]
    model, times = online(pairs, NANOSECONDS)
    assert (model.epoch, model.dropped) == (0, 0)
    assert max(abs(t.t_ns - HOST_NS - i * PERIOD_NS) for i, t in enumerate(times[200:], 200)) < MS


@pytest.mark.parametrize("ticks", [0, 2 * 10**12])
def test_a_glitch_is_dropped_and_counted(ticks):
    pairs = steady(900, jitter_ns(0, 900))
    glitched = list(pairs)
    glitched[600] = (ticks, pairs[600][1])
    model, times = online(glitched, NANOSECONDS)
    assert (model.epoch, model.dropped, model.refused) == (0, 1, (600,))
    for found in (times, refit(glitched, NANOSECONDS)):
        for i in (599, 600, 601, 605, 899):
            assert abs(found[i].t_ns - HOST_NS - i * PERIOD_NS) <= found[i].uncertainty_ns


def test_the_least_delay_is_taken_off():
    device = DeviceClock(1e9, least_delay_ns=7 * MS)
    _, times = online(steady(600, lambda _: 7 * MS), device)
    assert abs(times[-1].t_ns - HOST_NS - 599 * PERIOD_NS) < 0.05 * MS


def test_hours_and_high_counts_lose_nothing():
    first, day_ns = 2**63 - 10**14, 86_400 * SECOND
    model, time = ClockModel(), CaptureTime(0, 0, 0)
    for begin_ns in (0, day_ns):
        for ticks, host_ns in steady(900, jitter_ns(0, 900), ticks=first):
            model, time = step(model, ticks + begin_ns, host_ns + begin_ns, NANOSECONDS)
    truth_ns = HOST_NS + day_ns + 899 * PERIOD_NS
    assert model.epoch == 0
    assert abs(time.t_ns - truth_ns) < 0.2 * MS


def checked(pairs, device):
    """Step through pairs; within one epoch times go on while ticks do."""
    model, before, last = ClockModel(), None, None
    for ticks, host_ns in pairs:
        model, time = step(model, ticks, host_ns, device)
        assert time.uncertainty_ns >= 0
        if before is not None and last is not None:
            assert time.epoch >= before.epoch
            forward = device.wraps_at == 0 and ticks > last and time.epoch == before.epoch
            assert time.t_ns > before.t_ns or not forward
        before, last = time, ticks
    assert len(model.window.hull) <= 31 * 70
    return model


_HOSTILE = strategies.lists(
    strategies.tuples(
        strategies.one_of(
            strategies.integers(0, 2**64), strategies.integers(0, 50), strategies.just(7)
        ),
        strategies.one_of(
            strategies.integers(-(2**63), 2**63), strategies.integers(0, 50), strategies.just(7)
        ),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(_HOSTILE, strategies.sampled_from([*CLOCKS, DeviceClock(1.0), DeviceClock(0.3, wraps_at=1)]))
def test_hostile_pairs_do_no_harm(pairs, device):
    checked(pairs, device)
    assert all(isinstance(one, CaptureTime) for one in refit(pairs, device))
    assert len(refit(pairs, device)) == len(pairs)


_FRAMES = strategies.lists(
    strategies.tuples(
        strategies.integers(1, 400),  # ms to the frame before
        strategies.integers(0, 60_000),  # µs of delay
        strategies.sampled_from([0] * 30 + [-900, -5, 5, 900]),  # ms of the device's step
    ),
    min_size=2,
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(_FRAMES, strategies.floats(-150, 150))
def test_times_go_on_while_ticks_do(frames, drift_ppm):
    t_ns = stepped_ns = 0
    pairs = []
    for period_ms, delay_us, step_ms in frames:
        t_ns += period_ms * MS
        stepped_ns += step_ms * MS
        ticks = 10**13 + stepped_ns + t_ns + round(drift_ppm * 1e-6 * t_ns)
        pairs.append((ticks, HOST_NS + t_ns + delay_us * 1000))
    checked(pairs, NANOSECONDS)


@settings(max_examples=25, deadline=None)
@given(strategies.integers(0, 2**32), strategies.integers(-(2**40), 2**40))
def test_where_the_clocks_begin_does_not_matter(first, shift_ns):
    pairs = steady(150, jitter_ns(5, 150))
    moved = [(ticks + first, host_ns + shift_ns) for ticks, host_ns in pairs]
    _, times = online(pairs, NANOSECONDS)
    _, others = online(moved, NANOSECONDS)
    assert [one.t_ns + shift_ns for one in times] == [one.t_ns for one in others]


@settings(max_examples=25, deadline=None)
@given(strategies.integers(0, 10_000), strategies.integers(0, 10))
def test_a_wrap_changes_nothing(seed, wrap_after_s):
    plain = ClockScene(CLOCKS[2], seconds=12.0, drift_ppm=50.0, wrap_after_s=wrap_after_s)
    wrapping = msgspec.structs.replace(plain, device=CLOCKS[3])
    _, times = online(pairs_of(plain, seed).pairs(), plain.device)
    _, others = online(pairs_of(wrapping, seed).pairs(), wrapping.device)
    assert [one.t_ns for one in times] == [one.t_ns for one in others]
