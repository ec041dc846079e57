"""How frames come, in ticks of the 60 Hz at which the marker networks were trained.

Told from capture times alone, in the middle of a stream as at its start: single frames may be
missing, and times may jitter.
"""

from itertools import pairwise
from statistics import median
from typing import NamedTuple

import msgspec

TICK_NS = 16_666_667

_N_INTERVALS = 15
_TOLERANCE = 0.03  # of the rate; twice that before a pace that was settled on is given up
_ODD = 0.5  # an interval that differs from the middle one by this part is left out
_MOST = 8  # ticks a frame, or frames a tick


class Rhythm(NamedTuple):
    """Whole ticks a frame or whole frames a tick; one of both is 1. Zeros: neither."""

    ticks: int
    frames: int


UNEVEN = Rhythm(0, 0)
EVEN = Rhythm(1, 1)


class Pace(msgspec.Struct, frozen=True):
    """What is known of the rate."""

    t_ns: int | None = None
    """Capture time of the last frame."""
    intervals_ns: tuple[float, ...] = ()
    """Of the last frames; where frames are missing, their share of the interval."""
    rhythm: Rhythm = EVEN


def add(pace: Pace, t_ns: int) -> Pace:
    """Take in the capture time of a frame, later than the last one."""
    if pace.t_ns is None:
        return Pace(t_ns)
    interval_ns = t_ns - pace.t_ns
    usual_ns = median(pace.intervals_ns) if pace.intervals_ns else interval_ns
    share_ns = interval_ns / max(1, round(interval_ns / usual_ns))
    intervals_ns = (*pace.intervals_ns, share_ns)[-_N_INTERVALS:]
    return Pace(t_ns, intervals_ns, _rhythm(_period_ns(intervals_ns), pace.rhythm))


def resume(pace: Pace, t_ns: int) -> Pace:
    """Take in the first frame after an interruption, which says nothing of the rate."""
    return msgspec.structs.replace(pace, t_ns=t_ns)


def _period_ns(intervals_ns: tuple[float, ...]) -> float:
    """Mean of the usual intervals: jitter cancels in it, from one interval to the next."""
    middle_ns = median(intervals_ns)
    usual = [one for one in intervals_ns if abs(one - middle_ns) < _ODD * middle_ns]
    return sum(usual) / len(usual) if usual else middle_ns


def _rhythm(period_ns: float, settled: Rhythm) -> Rhythm:
    if settled != UNEVEN and _misfit(period_ns, settled) <= 2 * _TOLERANCE:
        return settled
    nearest = Rhythm(max(1, round(period_ns / TICK_NS)), max(1, round(TICK_NS / period_ns)))
    fits = _misfit(period_ns, nearest) <= _TOLERANCE and max(nearest) <= _MOST
    return nearest if fits else UNEVEN


def _misfit(period_ns: float, rhythm: Rhythm) -> float:
    """By what part the rate differs from that of a rhythm."""
    return abs(period_ns * rhythm.frames / (TICK_NS * rhythm.ticks) - 1)


def is_plain(times_ns: list[int], longest_gap_ns: float) -> bool:
    """Whether frames come with each tick from the first to the last, without a gap."""
    intervals_ns = [b - a for a, b in pairwise(times_ns)]
    return all(
        abs(one / TICK_NS - 1) <= _TOLERANCE and one <= longest_gap_ns for one in intervals_ns
    )
