"""Steps in a row are a walk: cadence, step times and their spread.

"Walks" is claimed on evidence only: both feet in turn, several steps in a row, none of them much
longer than another. So it is said about three steps after a walk has begun, and taken back when the
next step is overdue. Apart from ``core.gait``, which finds the heel strikes.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
import numpy as np

from core.messages import GaitEvent, Side, Walking
from core.settings import Positive, Settings

Strike = tuple[Side, int]
"""Which foot, and when in ns."""

_STRIKES_KEPT = 10
_SD_FROM_MAD = 1.4826  # for errors that are normally distributed


class WalkingConfig(Settings, frozen=True):
    """When steps are a walk."""

    steps_needed: Annotated[int, msgspec.Meta(ge=2, le=_STRIKES_KEPT - 1)] = 3
    """So many steps in a row, of both feet in turn."""
    shortest_step_ms: Positive = 250.0
    longest_step_ms: Positive = 1500.0
    most_uneven: Positive = 2.0
    """The longest of the steps is at most so many times as long as the shortest."""


def with_strikes(strikes: tuple[Strike, ...], events: Iterable[GaitEvent]) -> tuple[Strike, ...]:
    """The last strikes, with those of one more instant, in the order of their times."""
    new: list[Strike] = [(one.side, one.t_ns) for one in events if one.kind == "heel strike"]
    return tuple(sorted([*strikes, *new], key=lambda one: one[1])[-_STRIKES_KEPT:])


def figures(strikes: tuple[Strike, ...], t_ns: int, config: WalkingConfig) -> Walking | None:
    """Figures of the walk that goes on at ``t_ns``; None while nobody walks for certain.

    The cadence is made of each side's median step time, so that neither one odd step nor a limp
    moves it to and fro.
    """
    steps = _in_a_row(strikes, config)
    if len(steps) < config.steps_needed:
        return None
    overdue_s = min(config.most_uneven * max(s for _, s in steps), config.longest_step_ms * 1e-3)
    if (t_ns - strikes[-1][1]) * 1e-9 > overdue_s:
        return None
    median = {side: float(np.median([s for who, s in steps if who == side])) for side, _ in steps}
    off_s = [abs(s - median[side]) for side, s in steps]
    return Walking(
        cadence_per_min=60.0 / float(np.mean(list(median.values()))),
        step_time_s=median,
        symmetry=min(median.values()) / max(median.values()),
        step_spread_s=_SD_FROM_MAD * float(np.median(off_s)),
    )


def _in_a_row(strikes: tuple[Strike, ...], config: WalkingConfig) -> list[tuple[Side, float]]:
    """Side and time in s of the steps that led to the last strike, the last first."""
    steps = list[tuple[Side, float]]()
    for then, now in zip(strikes[-2::-1], strikes[:0:-1], strict=True):
        step_s = (now[1] - then[1]) * 1e-9
        times_s = [step_s, *(s for _, s in steps)]
        possible = config.shortest_step_ms <= 1e3 * step_s <= config.longest_step_ms
        even = max(times_s) <= config.most_uneven * min(times_s)
        if then[0] == now[0] or not possible or not even:
            break
        steps.append((now[0], step_s))
    return steps
