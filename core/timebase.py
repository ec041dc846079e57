"""Capture times on a grid common to all cameras, without asking any clock; and the clock model.

The clock model turns a device's ticks into times of the host's clock. What queues only comes later,
so the fastest arrival in a while tells the offset.
"""

import msgspec

START_PHASE_NS = 4_000_000
"""A rig starts this long after a grid point, so that jitter does not move frames across it."""


def grid_cell(t_ns: int, rate_hz: float) -> int:
    """Number of the grid cell of a capture time; cells are 1/rate long and begin at 1970."""
    return int(t_ns * round(rate_hz * 1000) // 1_000_000_000_000)


def grid_start_ns(now_ns: int) -> int:
    """First rig start after ``now_ns`` that lies well within the cells of any whole rate."""
    second = 1_000_000_000
    return (now_ns // second + 1) * second + START_PHASE_NS


class DeviceClock(msgspec.Struct, frozen=True):
    """What is known of a device's clock."""

    ticks_hz: float
    wraps_at: int = 0
    """The counter goes from here less one to 0; 0: never."""
    tolerance_ppm: float = 200.0
    """How far ``ticks_hz`` may be off."""
    least_delay_ns: int = 0
    """The part of the way to the host that is never undercut."""


class ClockModel(msgspec.Struct, frozen=True):
    """The fastest arrival of the last ones."""

    delays_ns: tuple[int, ...] = ()
    last_ticks: int = -1
    laps: int = 0
    epoch: int = 0


class CaptureTime(msgspec.Struct, frozen=True):
    """When a frame was taken."""

    t_ns: int
    uncertainty_ns: int
    """Half-width that covers the truth in 95 % of frames."""
    epoch: int
    """Goes up by one each time the model had to begin anew."""


def step(
    model: ClockModel, ticks: int, host_ns: int, device: DeviceClock
) -> tuple[ClockModel, CaptureTime]:
    """Take in one frame's ticks and arrival; return its time on the host's clock."""
    laps, epoch, kept = model.laps, model.epoch, model.delays_ns
    if ticks < model.last_ticks:
        wrapped = device.wraps_at and model.last_ticks - ticks > device.wraps_at // 2
        laps, epoch, kept = (laps + 1, epoch, kept) if wrapped else (0, epoch + 1, ())
    device_ns = round((ticks + laps * device.wraps_at) * 1e9 / device.ticks_hz)
    kept = (*kept, host_ns - device_ns)[-600:]
    t_ns = device_ns + min(kept) - device.least_delay_ns
    uncertain_ns = 1_000_000 + 20_000_000 // len(kept)
    return ClockModel(kept, ticks, laps, epoch), CaptureTime(t_ns, uncertain_ns, epoch)
