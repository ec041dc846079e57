"""A camera's wall clock is believed as long as arrivals allow it."""

import pytest

from core import wall_time
from core.wall_time import N_ARRIVALS, WallClock

MS = 1_000_000


def judged(delays_ms: list[int], state: WallClock | None = None) -> WallClock:
    state = state or WallClock()
    for delay_ms in delays_ms:
        state = wall_time.step(state, delay_ms * MS, 10 * MS, 500 * MS)
    return state


@pytest.mark.parametrize(
    ("delays_ms", "objection"),
    [
        ([40, 60, 45], ""),
        ([-9, 5], ""),
        ([40, -11], "ahead"),
        ([501], "behind"),
        ([501, 499], ""),
        ([3_600_000], "behind"),
    ],
)
def test_what_is_believed(delays_ms: list[int], objection: str) -> None:
    assert judged(delays_ms).objection == objection


def test_frames_that_the_network_held_up_say_nothing_of_the_clock() -> None:
    assert not judged([40, *[2000] * (N_ARRIVALS - 1)]).objection
    assert judged([40, *[2000] * N_ARRIVALS]).objection == "behind"


def test_a_clock_that_was_mended_is_believed_again() -> None:
    wrong = judged([-5000] * 3)
    assert judged([40] * (N_ARRIVALS - 1), wrong).objection == "ahead"
    assert not judged([40] * N_ARRIVALS, wrong).objection
