"""The rig clock of a host: it follows its relation, and never goes back."""

import itertools

import numpy as np
import pytest

from core import rig_time
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
