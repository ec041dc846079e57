"""Frames that cannot be: doubled, out of order, from the future, or long past. Turned away by name.

A camera that restarts, a network that sends twice and a broken clock all do this; what gets through
here is in the order of capture, one frame a time.
"""

import msgspec

STALE_NS = 1_000_000_000
FUTURE_NS = 20_000_000


class Arrivals(msgspec.Struct, frozen=True):
    """The newest frame let through."""

    t_ns: int = -(2**62)
    frame_id: int | None = None
    ticks: int | None = None


def raw_objection(state: Arrivals, frame_id: int | None, ticks: int | None) -> str:
    """Why a frame is turned away before its time is looked at; empty if it is not.

    A doubled frame must not reach the clock model: its second arrival says nothing of the clock.
    """
    if frame_id is not None and state.frame_id is not None:
        if frame_id == state.frame_id:
            return "doubled"
        if frame_id < state.frame_id:
            return "out of order"
    if ticks is not None and ticks == state.ticks:
        return "doubled"
    return ""


def objection(state: Arrivals, t_ns: int, now_ns: int, uncertainty_ns: int) -> str:
    """Why a frame of that capture time is turned away; empty if it is not.

    Args:
        state: what came before.
        t_ns: capture time of the frame, rig clock.
        now_ns: its arrival, rig clock.
        uncertainty_ns: half-width of the capture time.
    """
    if t_ns == state.t_ns:
        return "doubled"
    if t_ns < state.t_ns:
        return "out of order"
    if t_ns - now_ns > FUTURE_NS + uncertainty_ns:
        return "from the future"
    if now_ns - t_ns > STALE_NS:
        return "stale"
    return ""


def missing(state: Arrivals, frame_id: int | None) -> int:
    """Frames that the device counted between the last one and this."""
    if frame_id is None or state.frame_id is None:
        return 0
    return max(0, frame_id - state.frame_id - 1)
