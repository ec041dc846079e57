"""Capture times: from a device's clock to the host's, and on a grid common to all cameras.

A camera stamps a frame with the ticks of its own clock, and the frame reaches the host some time
later: never too early, often too late. ``step`` learns the relation of the two clocks from these
pairs and gives each frame its capture time; ``refit`` does so afterwards, from recorded pairs.
Neither asks a clock. docs/timing.md tells how, and how well.
"""

from core.clock_model import CaptureTime as CaptureTime
from core.clock_model import ClockModel as ClockModel
from core.clock_model import is_refused as is_refused
from core.clock_model import step as step
from core.clock_offline import refit as refit
from core.device_clock import DeviceClock as DeviceClock

START_PHASE_NS = 4_000_000
"""A rig starts this long after a grid point, so that jitter does not move frames across it."""


def grid_cell(t_ns: int, rate_hz: float) -> int:
    """Number of the grid cell of a capture time; cells are 1/rate long and begin at 1970."""
    return int(t_ns * round(rate_hz * 1000) // 1_000_000_000_000)


def grid_start_ns(now_ns: int) -> int:
    """First rig start after ``now_ns`` that lies well within the cells of any whole rate."""
    second = 1_000_000_000
    return (now_ns // second + 1) * second + START_PHASE_NS
