"""When a process that died is started again: pure rules over the times of its deaths."""

from typing import Literal

FORGET_NS = 20_000_000_000
FIRST_WAIT_NS = 50_000_000
LONGEST_WAIT_NS = 5_000_000_000
LOOP_DEATHS = 6

Verdict = Literal["restart", "give up"]


def recent(deaths_ns: tuple[int, ...], now_ns: int) -> tuple[int, ...]:
    """Deaths that still count."""
    return tuple(t_ns for t_ns in deaths_ns if now_ns - t_ns < FORGET_NS)


def wait_ns(deaths_ns: tuple[int, ...]) -> int:
    """How long after the last of its recent deaths to start it again: doubles each time."""
    return min(FIRST_WAIT_NS << max(0, len(deaths_ns) - 1), LONGEST_WAIT_NS)


def verdict(deaths_ns: tuple[int, ...], *, keep_trying: bool) -> Verdict:
    """Whether to go on starting it: a crash loop ends it, unless a device may come back."""
    return "give up" if len(deaths_ns) >= LOOP_DEATHS and not keep_trying else "restart"
