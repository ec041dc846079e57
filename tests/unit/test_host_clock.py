import numpy as np
import pytest
from hypothesis import given, strategies

from core.host_clock import HostClock, RoundTrip, hear, relation

MS, SECOND = 1_000_000, 1_000_000_000
LOCAL_NS = 5_000 * SECOND


def exchanges(there_ms, back_ms, n=60, drift_ppm=30.0, offset_ns=1_700_000_000 * SECOND):
    """Trips each second with these ways, each (n,); the hub is ahead by the offset, and drifts."""
    for i in range(n):
        sent_ns = LOCAL_NS + i * SECOND
        asked_ns = sent_ns + round(there_ms[i] * MS)
        there_ns = asked_ns + offset_ns + round(drift_ppm * 1e-6 * (asked_ns - LOCAL_NS))
        yield RoundTrip(sent_ns, there_ns, asked_ns + round(back_ms[i] * MS))


def heard(trips):
    clock = HostClock()
    for trip in trips:
        clock = hear(clock, trip)
    return clock


def errors_ns(trips, drift_ppm=30.0, offset_ns=1_700_000_000 * SECOND):
    """Errors a second after each exchange, and what is stated; each (n,)."""
    clock, found = HostClock(), []
    for trip in trips:
        clock = hear(clock, trip)
        known, at_ns = relation(clock), trip.back_ns + SECOND
        truth_ns = at_ns + offset_ns + round(drift_ppm * 1e-6 * (at_ns - LOCAL_NS))
        found.append((known.hub_ns(at_ns) - truth_ns, known.uncertainty_ns))
    return np.array(found).T


def test_nothing_is_claimed_before_the_first_answer():
    assert relation(HostClock()).uncertainty_ns > 10 * 365 * 86400 * SECOND


@pytest.mark.parametrize("seed", range(10))
def test_a_quiet_link_gives_the_offset_within_half_a_millisecond(seed):
    rng = np.random.default_rng(seed)
    ways_ms = 0.15 + rng.exponential(0.05, (2, 120))
    error_ns, stated_ns = errors_ns(exchanges(*ways_ms, n=120))
    assert np.abs(error_ns).max() < 0.2 * MS
    assert np.abs(error_ns[10:]).max() < 0.05 * MS
    assert (np.abs(error_ns) <= stated_ns).all()
    assert stated_ns[30:].max() < 0.5 * MS


@pytest.mark.parametrize("seed", range(10))
def test_busy_moments_are_passed_over(seed):
    rng = np.random.default_rng(seed)
    ways_ms = 0.3 + rng.exponential(8.0, (2, 120)) * (rng.random((2, 120)) < 0.6)
    error_ns, stated_ns = errors_ns(exchanges(*ways_ms, n=120))
    assert np.abs(error_ns[30:]).max() < 0.5 * MS
    assert (np.abs(error_ns) <= stated_ns).mean() >= 0.95


@pytest.mark.parametrize("longer", [0, 1])
def test_an_asymmetry_stays_within_what_is_stated(longer):
    rng = np.random.default_rng(longer)
    ways_ms = 0.3 + rng.exponential(0.1, (2, 120))
    ways_ms[longer] += 5.0
    error_ns, stated_ns = errors_ns(exchanges(*ways_ms, n=120))
    assert np.abs(error_ns).max() > 2.4 * MS
    assert (np.abs(error_ns) <= stated_ns).all()


def test_the_drift_is_found():
    rng = np.random.default_rng(0)
    ways_ms = 0.3 + rng.exponential(0.1, (2, 60))
    known = relation(heard(exchanges(*ways_ms, drift_ppm=-42.0)))
    assert known.drift_ppm == pytest.approx(-42.0, abs=1.5)


@pytest.mark.parametrize("step_ms", [-3_600_000.0, -20.0, 20.0, 3_600_000.0])
def test_a_step_of_the_hub_is_followed_after_three_exchanges(step_ms):
    quiet = np.full(60, 0.3)
    clock = heard(exchanges(quiet, quiet))
    stepped = [
        RoundTrip(trip.sent_ns, trip.there_ns + round(step_ms * MS), trip.back_ns)
        for trip in exchanges(np.full(63, 0.3), np.full(63, 0.3), n=63)
    ][60:]
    for trip in stepped[:2]:
        clock = hear(clock, trip)
    assert clock.epoch == 0
    clock = hear(clock, stepped[2])
    assert clock.epoch == 1
    last = stepped[2]
    assert abs(relation(clock).hub_ns(last.middle_ns) - last.there_ns) < 0.1 * MS


def test_one_wild_answer_changes_nothing():
    quiet = np.full(60, 0.3)
    clock = heard(exchanges(quiet, quiet))
    wild = RoundTrip(LOCAL_NS + 60 * SECOND, 0, LOCAL_NS + 60 * SECOND + MS)
    assert relation(hear(clock, wild)) == relation(clock)
    backwards = RoundTrip(LOCAL_NS, LOCAL_NS, LOCAL_NS - 1)
    assert relation(hear(clock, backwards)) == relation(clock)
    assert hear(clock, backwards).impossible == 1


_TIMES = strategies.integers(-(2**63), 2**63)


@given(strategies.lists(strategies.tuples(_TIMES, _TIMES, _TIMES), max_size=12))
def test_hostile_exchanges_do_no_harm(trips):
    clock = heard(RoundTrip(*trip) for trip in trips)
    known = relation(clock)
    assert known.uncertainty_ns >= 0
    assert abs(known.drift_ppm) < 1e12
    assert len(clock.best) <= 31


@given(
    strategies.floats(-80, 80),
    strategies.lists(
        strategies.tuples(strategies.floats(0.1, 20), strategies.floats(0.1, 20)),
        min_size=5,
        max_size=40,
    ),
)
def test_any_ways_stay_within_their_round_trip(drift_ppm, ways_ms):
    there_ms, back_ms = np.array(ways_ms).T
    trips = list(exchanges(there_ms, back_ms, len(ways_ms), drift_ppm))
    error_ns, _ = errors_ns(trips, drift_ppm)
    longest_ns = max(trip.took_ns for trip in trips)
    assert np.abs(error_ns).max() <= longest_ns + 2 * MS
