"""The relation of a device's clock to the host's from all recorded pairs, afterwards.

The same line as online, but over 30 s around each second instead of before it: between pairs a
line is surer than at its end, and a wandering crystal is met on its average.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import msgspec
import numpy as np

from core import clock_window
from core.clock_model import (
    FIRST_DELAY_NS,
    ORDINARY_DELAYS,
    CaptureTime,
    ClockModel,
    Reading,
    beginning,
    read,
    step,
)
from core.clock_window import BLOCK_NS, N_BLOCKS, OLDEST_NS, Block, Window
from core.device_clock import DeviceClock
from core.envelope import Line, Point, Prior
from core.jit import F64


def refit(pairs: Sequence[tuple[int, int]], device: DeviceClock) -> list[CaptureTime]:
    """Capture times of recorded pairs (ticks, host_ns) in the order of arrival, from all of them.

    Epochs and glitches are those that ``step`` finds, an epoch from the first pair that belongs to
    it; its line is fitted from both sides.
    """
    begins, refused = _epochs(pairs, device)
    times: list[CaptureTime] = []
    for (begin, epoch), (end, _) in pairwise([*begins, (len(pairs), 0)]):
        good = [i not in refused for i in range(begin, end)]
        times += _refitted(pairs[begin:end], good, epoch, device)
    return times


def _epochs(
    pairs: Sequence[tuple[int, int]], device: DeviceClock
) -> tuple[list[tuple[int, int]], set[int]]:
    """First pair and number of each epoch, and the pairs taken for glitches."""
    model = ClockModel()
    begins, refused = [(0, 0)], set[int]()
    for i, (ticks, host_ns) in enumerate(pairs):
        model, _ = step(model, ticks, host_ns, device)
        refused.update(model.refused)
        if model.epoch > begins[-1][1]:
            first = i + 1 - model.frames - len(model.doubts)
            begins.append((max(first, begins[-1][0]), model.epoch))
    pending = len(pairs) - len(model.doubts)
    refused.update(pending + i for i, doubt in enumerate(model.doubts) if doubt.kind)
    return begins, refused


def _refitted(
    pairs: Sequence[tuple[int, int]], good: Sequence[bool], epoch: int, device: DeviceClock
) -> list[CaptureTime]:
    """Capture times of the pairs of one epoch; those not believed have theirs from receipt."""
    if not pairs:
        return []
    if not any(good):
        good = [True] * len(pairs)
    origin_ns, readings = _readings(pairs, good, device)
    believed = [one for one, fits in zip(readings, good, strict=True) if fits]
    prior = Prior(device.tolerance_ppm * 1e-6, FIRST_DELAY_NS)
    knots = fitted([(one.x_ns, one.y_ns) for one in believed], prior)
    delay_ns = knots.mean_delay_ns
    y_ns, half_ns = knots.at([one.x_ns for one in readings])
    times: list[CaptureTime] = []
    for reading, fits, y, half in zip(readings, good, y_ns.tolist(), half_ns.tolist(), strict=True):
        y, half = (y, half) if fits else (reading.y_ns - delay_ns, ORDINARY_DELAYS * delay_ns)
        times.append(CaptureTime(origin_ns + reading.x_ns + round(y), round(half), epoch))
    return times


def _readings(
    pairs: Sequence[tuple[int, int]], good: Sequence[bool], device: DeviceClock
) -> tuple[int, list[Reading]]:
    """The host time of the origin, and the pairs with their wraps counted."""
    model = beginning(ClockModel(), *pairs[good.index(True)], device)
    readings: list[Reading] = []
    for (ticks, host_ns), fits in zip(pairs, good, strict=True):
        reading = read(model, ticks, host_ns, device)
        readings.append(reading)
        if fits:
            model = msgspec.structs.replace(
                model, ticks=ticks, total_ticks=reading.total_ticks, host_ns=host_ns
            )
    return model.origin_ns, readings


class Knots(msgspec.Struct, frozen=True):
    """The relation as a chain of straight pieces."""

    x_ns: F64  # (K,) rising, relative to first_ns
    y_ns: F64  # (K,)
    half_width_ns: F64  # (K,)
    first_ns: int
    mean_delay_ns: float

    def at(self, x_ns: Sequence[int]) -> tuple[F64, F64]:
        """y and its half-width, each (T,), at any x."""
        x = np.array([one - self.first_ns for one in x_ns], float)
        return np.interp(x, self.x_ns, self.y_ns), np.interp(x, self.x_ns, self.half_width_ns)


def fitted(points: Sequence[Point], prior: Prior) -> Knots:
    """The relation at the first of the points (x, y) in each second, and at the last."""
    last_ns = points[-1][0]
    rough = _blocks(points, None)
    lines = {
        block.number: line
        for block, (_, line) in zip(rough, _lines(rough, last_ns, prior), strict=False)
    }
    blocks = _blocks(points, lines)
    found = list(_lines(blocks, last_ns, prior))
    first_ns = found[0][1].x_ns
    halves = [_half_width_ns(blocks, i, *one) for i, one in enumerate(found)]
    return Knots(
        x_ns=np.array([line.x_ns - first_ns for _, line in found], float),
        y_ns=np.array([line.y_ns for _, line in found]),
        half_width_ns=np.array(halves),
        first_ns=first_ns,
        mean_delay_ns=found[-1][1].mean_delay_ns,
    )


def _half_width_ns(blocks: list[Block], i: int, window: Window, line: Line) -> float:
    """Half-width at the beginning of block i."""
    lows = [
        msgspec.structs.replace(block, low_ns=min(y - line.at(x) for x, y in block.hull))
        for block in window.blocks
    ]
    here = blocks[min(i, len(blocks) - 1)].number
    lows.sort(key=lambda block: -abs(block.number - here))
    window = msgspec.structs.replace(window, lag_ns=clock_window.lag_ns(lows))
    unexplained_ns = clock_window.unexplained_ns(lows[-2:], line)
    return clock_window.half_width_ns(window, line) + unexplained_ns


def _blocks(points: Sequence[Point], lines: dict[int, Line] | None) -> list[Block]:
    """Blocks of a second; with lines, long delays are limited by them."""
    blocks: list[Block] = []
    for number, some in groupby(sorted(points), lambda point: point[0] // BLOCK_NS):
        block = Block(number=number)
        for point in some:
            block = clock_window.grown(block, point, lines[number] if lines else None)
        blocks.append(block)
    return blocks


def _lines(blocks: list[Block], last_ns: int, prior: Prior) -> Iterator[tuple[Window, Line]]:
    """The line at the beginning of each block, from the blocks around it, and at the end."""
    for i in range(len(blocks) + 1):
        here = blocks[min(i, len(blocks) - 1)]
        x_ns = last_ns if i == len(blocks) else here.hull[0][0]
        begin = max(0, min(i - N_BLOCKS // 2, len(blocks) - N_BLOCKS))
        reach = OLDEST_NS // 2 // BLOCK_NS
        window = clock_window.of_blocks(
            tuple(
                block
                for block in blocks[begin : begin + N_BLOCKS]
                if abs(block.number - here.number) <= reach
            )
        )
        line = clock_window.line_of(window, prior, x_ns)
        exponents = clock_window.tail_exponents(window.blocks, line)
        window = msgspec.structs.replace(window, exponents=exponents)
        better = msgspec.structs.replace(prior, exponent=exponents[1])
        yield window, clock_window.line_of(window, better, x_ns)
