"""Whether a camera's wall clock can be taken for the host's: its times are held against arrivals.

A frame cannot come before it was taken, and the fastest of many does not come long after. One late
frame says nothing of the clock: what the network held up was taken when its camera says.
"""

import msgspec

N_ARRIVALS = 60
"""Of these the fastest is judged."""


class WallClock(msgspec.Struct, frozen=True):
    """The last arrivals of one camera."""

    delays_ns: tuple[int, ...] = ()
    """Arrival less the time that the camera's clock says."""
    objection: str = ""
    """Why its times are not believed; empty while they are."""


def step(state: WallClock, delay_ns: int, tolerance_ns: int, slowest_ns: int) -> WallClock:
    """Take in one frame's delay by the camera's clock, and judge the clock.

    Args:
        state: what came before.
        delay_ns: arrival less the time that the camera's clock says.
        tolerance_ns: how far the two clocks may be from each other.
        slowest_ns: the longest way to the host that the fastest frame may take.
    """
    delays_ns = (*state.delays_ns, delay_ns)[-N_ARRIVALS:]
    fastest_ns = min(delays_ns)
    if fastest_ns < -tolerance_ns:
        return WallClock(delays_ns, "ahead")
    return WallClock(delays_ns, "behind" if fastest_ns > slowest_ns else "")
