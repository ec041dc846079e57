"""The last half minute of clock pairs, as blocks of a second that keep their lower hulls only.

Whole blocks are forgotten, so that the rest's hull needs no points which were thrown away. The
length is chosen for crystals that wander by up to 0.1 ppm a second, as after power-on: a straight
line over 30 s is then at most 11 us off (the sagitta, wander * (span / 2)^2 / 2), about as much as
the line's standard deviation for delays of 5 ms at 60 Hz.
"""

import math
from collections.abc import Sequence
from statistics import median

import msgspec

from core.envelope import Cloud, Line, Point, Prior, extended, line_under, lower_hull

BLOCK_NS = 1_000_000_000
N_BLOCKS = 30
OLDEST_NS = 120_000_000_000
"""Where frames are missing the blocks may be this old; older ones say nothing."""
_WANDER_PER_NS = 0.1e-6 / 1e9
_OUTLIER = 5.0  # mean delays; longer delays count as this long
_LEAST_DELAY_NS = 1e3  # of the mean
N_LAG, _LAG = 8, 1.5
_LIKELY_DELAYS = 8.0  # mean delays over the number of delays: the least one is below it
_BLOCKS_FOR_EXPONENT = 5
_LEAST_EXPONENT = 0.3
_UNKNOWN_EXPONENTS = (0.8, 1.0)


class Block(msgspec.Struct, frozen=True):
    """The pairs of one second."""

    number: int = 0
    """x // 1 s."""
    hull: tuple[Point, ...] = ()
    n: int = 0
    sum_x_ns: int = 0
    sum_y_ns: int = 0
    low_ns: float = math.inf
    """Height of the lowest point above the line that was known before it."""


class Window(msgspec.Struct, frozen=True):
    """Closed blocks, the open one, and what the line needs of all of them."""

    blocks: tuple[Block, ...] = ()
    open: Block = Block()
    hull: tuple[Point, ...] = ()
    n: int = 0
    sum_x_ns: int = 0
    sum_y_ns: int = 0
    exponents: tuple[float, float] = _UNKNOWN_EXPONENTS
    """Least and greatest that is likely, of ``Prior.exponent``."""
    lag_ns: float = 0.0
    """How far the last seconds are above the line, where they are more so than those before."""

    @property
    def span_ns(self) -> int:
        """Device time from the oldest to the newest point of the hull."""
        return self.hull[-1][0] - self.hull[0][0]


def added(window: Window, point: Point, line: Line | None) -> Window:
    """Take in one pair; ``line`` is what was known before it, None at the start."""
    block = grown(window.open, point, line)
    return Window(
        blocks=window.blocks,
        open=block,
        hull=extended(window.hull, point),
        n=window.n + 1,
        sum_x_ns=window.sum_x_ns + point[0],
        sum_y_ns=window.sum_y_ns + block.sum_y_ns - window.open.sum_y_ns,
        exponents=window.exponents,
        lag_ns=window.lag_ns,
    )


def grown(block: Block, point: Point, line: Line | None) -> Block:
    """A block with one more pair; its height is limited, that a few long delays do not rule."""
    x, y = point
    low, counted = block.low_ns, y
    if line is not None:
        expected = line.at(x)
        low = min(low, y - expected)
        counted = min(y, round(expected + _OUTLIER * max(line.mean_delay_ns, _LEAST_DELAY_NS)))
    return Block(
        number=block.number if block.n else x // BLOCK_NS,
        hull=extended(block.hull, point),
        n=block.n + 1,
        sum_x_ns=block.sum_x_ns + x,
        sum_y_ns=block.sum_y_ns + counted,
        low_ns=low,
    )


def closed(window: Window, x_ns: int, line: Line) -> Window:
    """Close the open block before a pair at ``x_ns``, and forget those that are too old."""
    oldest = (x_ns - OLDEST_NS) // BLOCK_NS
    kept = [block for block in (*window.blocks, window.open) if block.number >= oldest]
    blocks = tuple(kept[-N_BLOCKS:]) or (window.open,)
    return msgspec.structs.replace(
        of_blocks(blocks), exponents=tail_exponents(blocks, line), lag_ns=lag_ns(blocks)
    )


def lag_ns(blocks: Sequence[Block]) -> float:
    """How far the last blocks are above the line, if more so than those before them; else 0."""
    before = [block.low_ns for block in blocks[:-N_LAG]]
    if len(before) < N_LAG:
        return 0.0
    lag_ns = median(block.low_ns for block in blocks[-N_LAG:])
    return lag_ns if lag_ns > _LAG * sum(before) / len(before) else 0.0


def of_blocks(blocks: tuple[Block, ...]) -> Window:
    """The window of closed blocks, all of them."""
    return Window(
        blocks=blocks,
        hull=lower_hull(sorted(point for block in blocks for point in block.hull)),
        n=sum(block.n for block in blocks),
        sum_x_ns=sum(block.sum_x_ns for block in blocks),
        sum_y_ns=sum(block.sum_y_ns for block in blocks),
    )


def tail_exponents(blocks: Sequence[Block], line: Line) -> tuple[float, float]:
    """How the least of n delays shrinks with n, by what the blocks' least ones are to the mean.

    Delays whose distribution begins as x**k have least ones of mean * n**(-1/k) (Weibull's law of
    minima). The exponent less and plus its standard deviation.
    """
    full = [block for block in blocks if 2 * block.n > max(one.n for one in blocks)]
    if len(full) < _BLOCKS_FOR_EXPONENT or full[0].n < 2:
        return _UNKNOWN_EXPONENTS
    lows = [min(y - line.at(x) for x, y in block.hull) for block in full]
    limit = _OUTLIER * median(lows)  # a whole second may lie in one queue
    least = max(sum(min(low, limit) for low in lows) / len(lows), 1e-6 * line.mean_delay_ns)
    log_n = math.log(sum(block.n for block in full) / len(full))
    exponent, sd = math.log(line.mean_delay_ns / least) / log_n, 1 / (math.sqrt(len(lows)) * log_n)
    return (
        min(max(exponent - sd, _LEAST_EXPONENT), 1.0),
        min(max(exponent + sd, _LEAST_EXPONENT), 1.0),
    )


def line_of(window: Window, prior: Prior, x_ns: int) -> Line:
    """The line under the window's pairs, at ``x_ns``."""
    n = window.n
    cloud = Cloud(window.hull, n, window.sum_x_ns / n, window.sum_y_ns / n)
    return line_under(cloud, prior, x_ns)


def half_width_ns(window: Window, line: Line) -> float:
    """Half-width that covers the truth in 95 % of frames and more.

    Two standard deviations are 95 % for the exponential shape that the line's height has; more
    while there are few pairs, and where short delays may be rarer than in that shape; and what the
    line lags behind and the crystal may have wandered.
    """
    least, most = window.exponents
    unlike = (2.0 - least) * window.n ** (most - least)
    wander_ns = _WANDER_PER_NS * (window.span_ns / 2) ** 2 / 2
    return (2.0 + 6 / window.n) * unlike * line.sd_ns + window.lag_ns + wander_ns + 1e3


def unexplained_ns(recent: Sequence[Block], line: Line) -> float:
    """The shortest delay of the last seconds, if it is too long for chance; else 0."""
    least_ns = min(block.low_ns for block in recent)
    if math.isinf(least_ns):
        return 0.0
    likely_ns = _LIKELY_DELAYS * line.mean_delay_ns / sum(block.n for block in recent)
    return least_ns if least_ns > likely_ns else 0.0
