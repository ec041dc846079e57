"""How long a disk lasts, and what is still written on it: free space against the rate of recording.

The floor for video is the larger of a fixed size and of a time at the present rate: the size keeps
room for hours of keypoints and for the rest of the machine, the time lets somebody act where the
rate is so high that the size is gone in seconds.
"""

import math
from dataclasses import dataclass
from typing import Literal

from core.recorder_config import RecorderConfig

Level = Literal["roomy", "tight", "full"]
"""roomy: for all; tight: for all but video; full: for nothing."""

RESUME_AT = 1.25
"""Video comes back when this many floors are free, not at each file that is deleted."""
ALL_STOPS_AT = 0.1
"""Part of the floor for video below which nothing is written."""
RATE_OVER_S = 10.0
_LEAST_S = 0.5


@dataclass(frozen=True, slots=True)
class Inflow:
    """What comes in, measured: also what is not written at the time, so that the floor does not
    sink when video stops."""

    at_ns: int | None = None
    total_bytes: int = 0
    bytes_per_s: float | None = None
    """None: not known yet."""


def measure(state: Inflow, total_bytes: int, now_ns: int) -> Inflow:
    """Follow the rate of all that came in; a clock that was set back begins anew."""
    if state.at_ns is None or now_ns < state.at_ns:
        return Inflow(now_ns, total_bytes, state.bytes_per_s)
    passed_s = (now_ns - state.at_ns) / 1e9
    if passed_s < _LEAST_S:
        return state
    present = (total_bytes - state.total_bytes) / passed_s
    before = present if state.bytes_per_s is None else state.bytes_per_s
    share = 1 - math.exp(-passed_s / RATE_OVER_S)
    return Inflow(now_ns, total_bytes, before + share * (present - before))


def floor_bytes(inflow: Inflow, config: RecorderConfig) -> float:
    """Free space below which no video is written."""
    by_time = config.min_free_minutes * 60 * (inflow.bytes_per_s or 0.0)
    return max(config.min_free_gb * 1e9, by_time)


def level(free_bytes: float, floor: float, before: Level) -> Level:
    """What is written with so much space, given what was written ``before``."""
    if free_bytes < ALL_STOPS_AT * floor:
        return "full"
    if free_bytes < floor * (1.0 if before == "roomy" else RESUME_AT):
        return "tight"
    return "roomy"


def minutes_left(free_bytes: float, floor: float, inflow: Inflow) -> float:
    """Minutes until the floor is reached; infinite where the rate is not known, or nothing."""
    if not inflow.bytes_per_s:
        return math.inf
    return max(0.0, free_bytes - floor) / inflow.bytes_per_s / 60


def warning_due(minutes: float, warned_minutes: float, config: RecorderConfig) -> bool:
    """Whether to warn: below the limit, and again each time that half of the time is gone."""
    return minutes <= min(config.warn_minutes, warned_minutes / 2)
