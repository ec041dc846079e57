"""When a disk is about to be full, and what is then still written."""

import math

import pytest

from core.disk_space import Inflow, floor_bytes, level, measure, minutes_left, warning_due
from core.recorder_config import RecorderConfig, objection

SECOND_NS = 1_000_000_000
CONFIG = RecorderConfig()


def inflow(mb_per_s: float, seconds: int = 120) -> Inflow:
    """What is measured of a steady stream."""
    state = Inflow()
    for second in range(seconds):
        state = measure(state, round(second * mb_per_s * 1e6), second * SECOND_NS)
    return state


def test_a_steady_stream_is_measured() -> None:
    assert inflow(40.0).bytes_per_s == pytest.approx(40e6)
    assert Inflow().bytes_per_s is None


def test_a_clock_that_is_set_back_does_not_spoil_the_rate() -> None:
    before = inflow(10.0)
    after = measure(before, before.total_bytes + 10**9, 5)
    assert after.bytes_per_s == before.bytes_per_s
    assert measure(after, after.total_bytes + 10**7, 5 + SECOND_NS).bytes_per_s == pytest.approx(
        10e6
    )


def test_the_floor_is_the_larger_of_size_and_time() -> None:
    assert floor_bytes(Inflow(), CONFIG) == 5e9
    assert floor_bytes(inflow(4.0), CONFIG) == 5e9
    assert floor_bytes(inflow(500.0), CONFIG) == pytest.approx(60e9)


def test_video_stops_at_the_floor_and_all_at_a_tenth_of_it() -> None:
    assert level(6e9, 5e9, "roomy") == "roomy"
    assert level(4.9e9, 5e9, "roomy") == "tight"
    assert level(0.4e9, 5e9, "tight") == "full"


def test_video_comes_back_with_some_room_to_spare() -> None:
    assert level(5.5e9, 5e9, "tight") == "tight"
    assert level(6.3e9, 5e9, "tight") == "roomy"
    assert level(5.5e9, 5e9, "full") == "tight"


def test_without_a_floor_nothing_stops() -> None:
    assert level(0, 0.0, "roomy") == "roomy"


def test_the_minutes_that_are_left() -> None:
    assert minutes_left(5e9 + 600 * 10e6, 5e9, inflow(10.0)) == pytest.approx(10.0)
    assert minutes_left(4e9, 5e9, inflow(10.0)) == 0
    assert minutes_left(4e9, 5e9, Inflow()) == math.inf


def test_a_warning_comes_at_the_limit_and_at_each_half() -> None:
    warned, told = math.inf, list[float]()
    for minutes in (20.0, 11.0, 9.5, 9.0, 5.0, 4.7, 2.5, 2.0, 1.0):
        if warning_due(minutes, warned, CONFIG):
            warned = minutes
            told.append(minutes)
    assert told == [9.5, 4.7, 2.0, 1.0]


@pytest.mark.parametrize("named", [("cam09",), ("cam01", "cam01")])
def test_only_known_cameras_can_be_given_up_first(named: tuple[str, ...]) -> None:
    assert "cam01, cam02" in objection(RecorderConfig(give_up_first=named), ["cam01", "cam02"])
    assert not objection(RecorderConfig(give_up_first=("cam02",)), ["cam01", "cam02"])
