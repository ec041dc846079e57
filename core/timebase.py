"""Capture times on a grid common to all cameras, without asking any clock."""

START_PHASE_NS = 4_000_000
"""A rig starts this long after a grid point, so that jitter does not move frames across it."""


def grid_cell(t_ns: int, rate_hz: float) -> int:
    """Number of the grid cell of a capture time; cells are 1/rate long and begin at 1970."""
    return int(t_ns * round(rate_hz * 1000) // 1_000_000_000_000)


def grid_start_ns(now_ns: int) -> int:
    """First rig start after ``now_ns`` that lies well within the cells of any whole rate."""
    second = 1_000_000_000
    return (now_ns // second + 1) * second + START_PHASE_NS
