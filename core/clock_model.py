"""The relation of a device's clock to the host's, online, from pairs of ticks and times of receipt.

One pair after the other goes into the line under the pairs (``core/envelope.py``) of the last half
minute (``core/clock_window.py``), if it is believed (``core/clock_doubt.py``).
"""

import msgspec

from core import clock_doubt, clock_window
from core.clock_doubt import Doubt, Kind
from core.clock_window import Window
from core.device_clock import DeviceClock
from core.envelope import Line, Prior

FIRST_DELAY_NS = 10e6
ORDINARY_DELAYS = 6.0
_STEP_NS = 2e6


class CaptureTime(msgspec.Struct, frozen=True):
    """When a frame was captured, on the host's clock."""

    t_ns: int
    uncertainty_ns: int
    """Half-width that covers the truth in 95 % of frames and more."""
    epoch: int
    """Goes up by one each time the model had to begin anew: the device restarted, or its clock
    stepped. Within one epoch ``t_ns`` does not go back while ticks go forward."""


class ClockModel(msgspec.Struct, frozen=True):
    """What is known of the relation of a device's clock to the host's; ``ClockModel()`` begins.

    x is the device's time since the first frame of the epoch at the nominal rate, y by how much
    the host's time since then is beyond it.
    """

    epoch: int = 0
    frames: int = 0
    """Pairs believed in this epoch."""
    seen: int = 0
    """Pairs in all."""
    dropped: int = 0
    """Pairs taken for glitches."""
    refused: tuple[int, ...] = ()
    """The numbers of those of the last decision; the first pair is number 0."""
    origin_ns: int = 0
    """Host time at which x and y are 0."""
    ticks: int = 0
    """Last counter reading believed."""
    total_ticks: int = 0
    """The same since the epoch's first, wraps counted."""
    host_ns: int = 0
    window: Window = Window()
    line: Line = Line(mean_delay_ns=FIRST_DELAY_NS)
    half_width_ns: float = 0.0
    first_delay_ns: float = FIRST_DELAY_NS
    """The mean delay as believed before the first pair."""
    newest_ns: int = 0
    """Capture time given with the last counter reading believed."""
    last: tuple[int, int] = (0, 0)
    """Ticks since the epoch's first, and capture time, of the last frame, believed or not."""
    doubts: tuple[Doubt, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """One pair in the terms of the model."""

    ticks: int
    total_ticks: int
    host_ns: int
    x_ns: int
    y_ns: int


def step(
    model: ClockModel, ticks: int, host_ns: int, device: DeviceClock
) -> tuple[ClockModel, CaptureTime]:
    """Take in the pair of one frame, in the order of arrival; return its capture time.

    The line under the pairs of the last 30 s (of device time; up to 120 s where frames are
    missing) is chosen for clocks that wander by up to 0.1 ppm a second.
    """
    model = msgspec.structs.replace(model, seen=model.seen + 1)
    if model.frames == 0:
        model = beginning(model, ticks, host_ns, device)
    reading = read(model, ticks, host_ns, device)
    kind = _kind(model, reading, device)
    if kind or model.doubts:
        back_ns = device.ns_of(model.total_ticks - reading.total_ticks)
        return _doubted(model, reading, Doubt(ticks, host_ns, kind, back_ns), device)
    return _believed(model, reading, device)


def is_refused(model: ClockModel) -> bool:
    """Whether the newest pair is not believed: a glitch, or the first of another clock.

    Its frame has a time all the same, by its arrival; whether it shows that moment nobody knows.
    """
    if model.doubts:
        return bool(model.doubts[-1].kind)
    return model.seen - 1 in model.refused


def beginning(model: ClockModel, ticks: int, host_ns: int, device: DeviceClock) -> ClockModel:
    """The model at the first pair of an epoch, which is not taken in yet."""
    return ClockModel(
        epoch=model.epoch,
        seen=model.seen,
        dropped=model.dropped,
        refused=model.refused,
        origin_ns=host_ns - device.least_delay_ns,
        ticks=ticks,
        host_ns=host_ns,
        line=Line(mean_delay_ns=model.first_delay_ns),
        first_delay_ns=model.first_delay_ns,
    )


def read(model: ClockModel, ticks: int, host_ns: int, device: DeviceClock) -> Reading:
    """The pair in the terms of the model, its ticks counted on from the last believed."""
    passed = device.ticks_between(model.ticks, ticks, host_ns - model.host_ns)
    total = model.total_ticks + passed
    x_ns = device.ns_of(total)
    y_ns = host_ns - device.least_delay_ns - model.origin_ns - x_ns
    return Reading(ticks, total, host_ns, x_ns, y_ns)


def _kind(model: ClockModel, reading: Reading, device: DeviceClock) -> Kind:
    if model.frames == 0:
        return ""
    height_ns = reading.y_ns - model.line.at(reading.x_ns)
    back_ns = device.ns_of(model.total_ticks - reading.total_ticks)
    return clock_doubt.kind_of(height_ns, back_ns, model.half_width_ns, model.doubts)


def _believed(
    model: ClockModel, reading: Reading, device: DeviceClock
) -> tuple[ClockModel, CaptureTime]:
    prior = Prior(
        device.tolerance_ppm * 1e-6, model.first_delay_ns, exponent=model.window.exponents[1]
    )
    model = _with_blocks(model, reading.x_ns, prior)
    before = model.line if model.frames else None
    window = clock_window.added(model.window, (reading.x_ns, reading.y_ns), before)
    line = clock_window.line_of(window, prior, reading.x_ns)
    half_ns = clock_window.half_width_ns(window, line)
    half_ns += clock_window.unexplained_ns((window.open, *window.blocks[-1:]), line)
    t_ns = model.origin_ns + reading.x_ns + round(line.y_ns)
    model, time = _told(model, reading, t_ns, half_ns)
    model = msgspec.structs.replace(
        model,
        frames=model.frames + 1,
        ticks=reading.ticks,
        total_ticks=reading.total_ticks,
        host_ns=reading.host_ns,
        window=window,
        line=line,
        half_width_ns=half_ns,
        newest_ns=time.t_ns,
    )
    return model, time


def _with_blocks(model: ClockModel, x_ns: int, prior: Prior) -> ClockModel:
    """Close the open block where the pair is beyond it; leave behind what no longer holds."""
    if not model.frames or x_ns // clock_window.BLOCK_NS <= model.window.open.number:
        return model
    window = clock_window.closed(model.window, x_ns, model.line)
    above = clock_doubt.blocks_above(window.blocks, model.line.mean_delay_ns)
    if not above:
        return msgspec.structs.replace(model, window=window)
    window = clock_window.of_blocks(above)
    line = clock_window.line_of(window, prior, x_ns)
    stepped = line.y_ns - model.line.at(x_ns) > _STEP_NS
    return msgspec.structs.replace(
        model,
        window=window,
        line=line,
        epoch=model.epoch + stepped,
        frames=window.n if stepped else model.frames,
    )


def _told(
    model: ClockModel, reading: Reading, t_ns: int, half_ns: float
) -> tuple[ClockModel, CaptureTime]:
    """Give a time that does not lie before an earlier frame's; the difference is uncertain."""
    earliest_ns = t_ns
    if model.frames and reading.total_ticks > model.total_ticks:
        earliest_ns = max(earliest_ns, model.newest_ns + 1)
    if model.frames and reading.total_ticks > model.last[0]:
        earliest_ns = max(earliest_ns, model.last[1] + 1)
    half_ns += earliest_ns - t_ns
    model = msgspec.structs.replace(model, last=(reading.total_ticks, earliest_ns))
    return model, CaptureTime(earliest_ns, round(half_ns), model.epoch)


def _doubted(
    model: ClockModel, reading: Reading, doubt: Doubt, device: DeviceClock
) -> tuple[ClockModel, CaptureTime]:
    doubts = (*model.doubts, doubt)
    if clock_doubt.is_another_clock(doubts):
        return _anew(model, doubts, device)
    model, time = _guessed(model, reading, doubt)
    if len(doubts) < clock_doubt.N_DOUBTS:
        return msgspec.structs.replace(model, doubts=doubts), time
    return _settled(model, doubts, device), time


def _anew(
    model: ClockModel, doubts: tuple[Doubt, ...], device: DeviceClock
) -> tuple[ClockModel, CaptureTime]:
    """Begin a new epoch with the pairs that were doubted."""
    model = ClockModel(
        epoch=model.epoch + 1,
        seen=model.seen - len(doubts),
        dropped=model.dropped,
        first_delay_ns=model.line.mean_delay_ns,
    )
    time = CaptureTime(0, 0, 0)
    for doubt in doubts:
        model, time = step(model, doubt.ticks, doubt.host_ns, device)
    return model, time


def _settled(model: ClockModel, doubts: tuple[Doubt, ...], device: DeviceClock) -> ClockModel:
    """Go on as before, without the glitches."""
    first = model.seen - len(doubts)
    refused = tuple(first + i for i, doubt in enumerate(doubts) if doubt.kind)
    last = model.last
    for doubt in doubts:
        if not doubt.kind:
            reading = read(model, doubt.ticks, doubt.host_ns, device)
            model, _ = _believed(model, reading, device)
    return msgspec.structs.replace(
        model, doubts=(), dropped=model.dropped + len(refused), refused=refused, last=last
    )


def _guessed(model: ClockModel, reading: Reading, doubt: Doubt) -> tuple[ClockModel, CaptureTime]:
    """A time while it is not decided: from the line where that is possible, else from receipt."""
    line_ns = model.line.at(reading.x_ns)
    delay_ns = model.line.mean_delay_ns
    ordinary_ns = ORDINARY_DELAYS * delay_ns
    fits = 0 <= reading.y_ns - line_ns <= ordinary_ns
    y_ns = line_ns if fits else reading.y_ns - delay_ns
    t_ns = model.origin_ns + reading.x_ns + round(y_ns)
    return _told(model, reading, t_ns, model.half_width_ns + ordinary_ns)
