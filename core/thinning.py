"""Fewer frames when a pose worker cannot follow, and the same ones in every worker.

Workers that each take the newest frame they can get see different instants when the machine is
short of time, and the fusion gets instants with half of the cameras. So an overloaded worker goes
down a level on which it takes fewer cells of the grid all cameras share; what a lower level takes,
a higher one takes too.
"""

from typing import NamedTuple

LEVELS = 4
_CELLS = ((), (0,), (0, 2), (0, 1, 2), (0, 1, 2, 3))  # of four cells in a row, by level
_WINDOW_NS = 1_000_000_000
_BUSY = 0.95
_IDLE = 0.75
_HOLD_NS = 10_000_000_000
_GRACE_NS = 4_000_000_000


class Thinning(NamedTuple):
    """Level and what was measured since the window began."""

    level: int = LEVELS
    since_ns: int = 0
    busy_ns: int = 0
    passed: int = 0
    """Frames passed over for newer ones."""
    starved: int = 0
    """Frames that came late from the camera: the machine had no time even for them."""
    hold_ns: int = 0
    """Not up again before this."""


def takes(level: int, cell: int) -> bool:
    """Whether frames of a grid cell are taken on a level; all on the highest."""
    return cell % LEVELS in _CELLS[level]


def step(state: Thinning, t_ns: int, busy_ns: int) -> Thinning:
    """Take in the work done on a frame of a capture time; ``passed`` and ``starved`` are added by
    the worker as they come.

    Once a second: down a level when frames were passed over while the worker was busy all the
    time, or when cameras were starved; up, after a while, when the level above would leave the
    worker idle for a quarter of the time.
    """
    if not state.since_ns:
        state = state._replace(since_ns=t_ns + _GRACE_NS)
    if t_ns < state.since_ns:  # everything is slow at first
        return Thinning(state.level, state.since_ns)
    state = state._replace(busy_ns=state.busy_ns + busy_ns)
    elapsed_ns = t_ns - state.since_ns
    if elapsed_ns < _WINDOW_NS:
        return state
    load = state.busy_ns / elapsed_ns
    if state.starved > 1 or (state.passed > 1 and load > _BUSY):
        return Thinning(max(1, state.level - 1), t_ns, hold_ns=t_ns + _HOLD_NS)
    room = load * (state.level + 1) / state.level < _IDLE
    if state.level < LEVELS and room and t_ns >= state.hold_ns:
        return Thinning(state.level + 1, t_ns, hold_ns=state.hold_ns)
    return Thinning(state.level, t_ns, hold_ns=state.hold_ns)
