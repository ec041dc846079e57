import numpy as np
import pytest

from core.kinematics import pace
from core.kinematics.pace import EVEN, UNEVEN, Pace, Rhythm


def after(times_ns: list[int]) -> list[Rhythm]:
    state, found = Pace(), []
    for t_ns in times_ns:
        state = pace.add(state, t_ns)
        found.append(state.rhythm)
    return found


def times_ns(rate_hz: float, n: int = 200, jitter_ms: float = 0.0) -> list[int]:
    rng = np.random.default_rng(0)
    return [round(k * 1e9 / rate_hz + jitter_ms * 1e6 * rng.normal()) for k in range(n)]


RATES = {
    60: EVEN, 59.94: EVEN, 61: EVEN, 30: Rhythm(2, 1), 29.97: Rhythm(2, 1), 20: Rhythm(3, 1),
    15: Rhythm(4, 1), 120: Rhythm(1, 2), 240: Rhythm(1, 4),
    24: UNEVEN, 25: UNEVEN, 50: UNEVEN, 55: UNEVEN, 75: UNEVEN, 90: UNEVEN, 100: UNEVEN,
}  # fmt: skip


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_second_frame_tells_the_rate(rate_hz):
    assert set(after(times_ns(rate_hz))[1:]) == {RATES[rate_hz]}


@pytest.mark.parametrize("rate_hz", RATES)
def test_jitter_does_not_matter_for_long(rate_hz):
    """Of 1 ms in each capture time; of 0.2 ms where frames are 4 ms apart."""
    found = after(times_ns(rate_hz, jitter_ms=0.2 if rate_hz == 240 else 1.0))
    assert set(found[15:]) == {RATES[rate_hz]}


@pytest.mark.parametrize("rate_hz", [60, 30, 50, 120])
def test_missing_frames_do_not_change_the_rate(rate_hz):
    kept = np.random.default_rng(1).random(200) > 0.3
    kept[:3] = True
    found = after([t for t, is_there in zip(times_ns(rate_hz), kept, strict=True) if is_there])
    assert set(found[1:]) == {RATES[rate_hz]}


def test_a_long_interval_at_the_start_is_forgotten():
    assert set(after([0, 200_000_000, *(200_000_000 + t for t in times_ns(30)[1:])])[3:]) == {
        Rhythm(2, 1)
    }


def test_an_interruption_says_nothing_of_the_rate():
    state = Pace()
    for t_ns in times_ns(120, 20):
        state = pace.add(state, t_ns)
    resumed = pace.resume(state, 10**10)
    assert pace.add(resumed, 10**10 + 8_333_333).rhythm == Rhythm(1, 2)


def test_plain_is_each_tick():
    assert pace.is_plain(times_ns(60), 1e9)
    assert pace.is_plain([], 1e9)
    assert not pace.is_plain(times_ns(60), 1e6)
    assert not pace.is_plain(times_ns(50), 1e9)
    assert not pace.is_plain([0, *times_ns(60)[2:]], 1e9)
