"""Pairs that the line so far cannot explain: a glitch, or another relation of the clocks.

Three ways lead to a new beginning. A device whose clock leapt forward seems to be heard before it
spoke: of five pairs three that are far below the line decide. A clock that went back shows by its
ticks: five pairs in a row. A clock that went back while frames were missing, or by less than a
frame, or whose rate fell, only looks like longer delays: seconds without one short delay decide.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Literal

import msgspec

from core.clock_window import Block

Kind = Literal["", "early", "back"]
N_DOUBTS = 5
_N_EARLY = 3
_EARLY_NS = 5e6
_EARLY_HALF_WIDTHS = 5.0

_N_HIGH, _HIGH_FALL = 8, 0.7
_HIGH_NS, _HIGH_LEAST_DELAYS = 50e3, 12.0
_N_FAR, _FAR_FALL = 2, 0.9
_FAR_NS, _FAR_DELAYS = 200e6, 20.0


class Doubt(msgspec.Struct, frozen=True):
    """One pair that waits for a decision; the first one made the doubt."""

    ticks: int
    host_ns: int
    kind: Kind
    """Empty: it fits the line."""
    back_ns: int = 0
    """How far its ticks lie before those of the last pair that was believed."""


def kind_of(height_ns: float, back_ns: int, half_width_ns: float, doubts: Sequence[Doubt]) -> Kind:
    """What speaks against a pair of that height above the line."""
    if height_ns < -(_EARLY_NS + _EARLY_HALF_WIDTHS * half_width_ns):
        return "early"
    if back_ns > 0:
        return "back"
    since_back = bool(doubts) and doubts[0].kind == "back"
    return "back" if since_back and height_ns > doubts[0].back_ns else ""


def is_another_clock(doubts: Sequence[Doubt]) -> bool:
    """Whether the doubted pairs are the beginning of something new."""
    kinds = [one.kind for one in doubts]
    return kinds.count("early") >= _N_EARLY or (len(kinds) == N_DOUBTS and all(kinds))


def blocks_above(blocks: Sequence[Block], mean_delay_ns: float) -> tuple[Block, ...]:
    """The last blocks, where not one of their pairs came near the line; none otherwise.

    Eight seconds, or two where the pairs are farther off than queues last. While the heights
    fall, a queue is drained and nothing is decided.
    """
    far_ns = _FAR_NS + _FAR_DELAYS * mean_delay_ns
    far = tuple(takewhile(lambda block: block.low_ns > far_ns, reversed(blocks)))
    if len(far) >= _N_FAR and far[0].low_ns >= _FAR_FALL * far[_N_FAR - 1].low_ns:
        return far[:_N_FAR][::-1]
    high = tuple(
        takewhile(
            lambda block: block.low_ns > _HIGH_NS + _HIGH_LEAST_DELAYS * mean_delay_ns / block.n,
            reversed(blocks),
        )
    )
    if len(high) >= _N_HIGH and high[0].low_ns >= _HIGH_FALL * high[_N_HIGH - 1].low_ns:
        return high[:_N_HIGH][::-1]
    return ()
