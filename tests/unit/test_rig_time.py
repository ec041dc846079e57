"""The rig clock of a host: it follows its relation, and never goes back."""

import itertools

import numpy as np
import pytest

from core import host_clock, rig_time
from core.host_clock import HostClock, RoundTrip
from core.rig_time import Mapping

SECOND = 1_000_000_000


def test_a_mapping_is_offset_and_drift():
    mapping = Mapping(at_ns=100 * SECOND, offset_ns=7, drift=10e-6)
    assert rig_time.rig_ns(mapping, 100 * SECOND) == 100 * SECOND + 7
    assert rig_time.rig_ns(mapping, 101 * SECOND) == 101 * SECOND + 7 + 10_000


@pytest.mark.parametrize("wrong_ns", [0, 3_000, -400_000, 5_000_000, -80_000_000])
def test_a_correction_is_continuous_and_arrives(wrong_ns):
    shown = Mapping(at_ns=0, offset_ns=wrong_ns, drift=-3e-6)
    target = Mapping(at_ns=0, offset_ns=0, drift=2e-6, uncertainty_ns=1000)
    now_ns = 10 * SECOND
    mapping = rig_time.corrected(shown, target, now_ns)
    assert rig_time.rig_ns(mapping, now_ns) == rig_time.rig_ns(shown, now_ns)
    times = [rig_time.rig_ns(mapping, now_ns + i * SECOND // 50) for i in range(10_000)]
    assert all(b > a for a, b in itertools.pairwise(times))
    later_ns = mapping.slew_ends_ns + 5 * SECOND
    error_ns = rig_time.rig_ns(mapping, later_ns) - rig_time.rig_ns(target, later_ns)
    assert abs(error_ns) <= 1
    assert abs(mapping.slew) <= rig_time.STEEPEST_SLEW


def test_frames_read_over_many_corrections_stay_in_order():
    """A wandering relation, renewed each second; frames are turned into rig time late."""
    rng = np.random.default_rng(3)
    mapping, last_ns = Mapping(), -1
    for frame in range(1, 6000):
        taken_ns = frame * SECOND // 60
        arrived_ns = taken_ns + 40_000_000
        if frame % 60 == 0:
            target = Mapping(arrived_ns, int(rng.normal(0, 2e6)), rng.normal(0, 20e-6))
            mapping = rig_time.corrected(mapping, target, arrived_ns)
        t_ns = rig_time.rig_ns(mapping, taken_ns)
        assert t_ns > last_ns
        last_ns = t_ns


def test_the_stated_uncertainty_covers_what_is_left_of_a_correction():
    target = Mapping(at_ns=0, offset_ns=0, uncertainty_ns=1000)
    mapping = rig_time.corrected(Mapping(offset_ns=900_000), target, SECOND)
    assert rig_time.uncertainty_ns(mapping, SECOND) >= 900_000 + 1000


def test_a_relation_that_is_not_renewed_gets_less_certain_but_ones_own_clock_never():
    mapping = Mapping(uncertainty_ns=1000)
    assert rig_time.uncertainty_ns(mapping, 0) == 1000
    assert rig_time.uncertainty_ns(mapping, 10 * SECOND) == 1000 + 500_000
    assert rig_time.uncertainty_ns(Mapping(), 10 * SECOND) == 0


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 30.0])
def test_the_clock_of_a_drifting_host_stays_within_what_it_states(drift_ppm):
    """Two minutes of ten round trips a second over an uneven way with queues; the relation is put
    in force each second, as ``kinelive join`` does."""
    rng = np.random.default_rng(11)

    def true_ns(local_ns: float) -> int:
        return round(local_ns * (1 + drift_ppm * 1e-6)) + 7_000_000_000_123

    clock, mapping, last_ns, worst_ns = HostClock(), None, -(2**62), 0
    for i in range(1200):
        sent_ns = i * SECOND // 10
        there_ns, back_ns = (
            400_000 + rng.exponential(3e5),
            150_000 + rng.exponential(3e5),
        )
        trip = RoundTrip(sent_ns, true_ns(sent_ns + there_ns), round(sent_ns + there_ns + back_ns))
        clock = host_clock.hear(clock, trip)
        if i % 10 == 9:
            known = host_clock.relation(clock)
            target = Mapping(
                at_ns=known.at_ns,
                offset_ns=known.offset_ns,
                drift=known.drift_ppm * 1e-6,
                uncertainty_ns=known.uncertainty_ns,
            )
            mapping = target if not mapping else rig_time.corrected(mapping, target, trip.back_ns)
        if mapping:
            shown_ns = rig_time.rig_ns(mapping, trip.back_ns)
            assert shown_ns > last_ns
            last_ns = shown_ns
            error_ns = abs(shown_ns - true_ns(trip.back_ns))
            worst_ns = max(worst_ns, error_ns)
            assert error_ns <= rig_time.uncertainty_ns(mapping, trip.back_ns)
    print(f"drift {drift_ppm:+.0f} ppm: never more than {worst_ns * 1e-6:.3f} ms off")
