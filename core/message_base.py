"""What every message has, and what every process says: how it is.

Apart from the messages, so that each family of them can have its own file.
"""

from typing import Literal

import msgspec


class Header(msgspec.Struct, frozen=True, array_like=True):
    """Goes before each message: who said it, in which life of that process, as which number."""

    version: int
    source: str
    life_ns: int
    """Start of the process that speaks: a restart begins a new life, and ``seq`` at 0."""
    seq: int
    """Consecutive in one topic of one life: a missing number is a lost message."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What all messages have."""

    t_ns: int
    stamps: dict[str, int] = {}
    """Stage name to the time it was done, rig clock ns."""


class Health(Message, frozen=True, kw_only=True):
    """How one process is; counters run from the start of its life."""

    process: str
    state: Literal["running", "late", "stopping", "stopped"]
    pid: int
    counts: dict[str, int] = {}
    drops: dict[str, int] = {}
    """Dropped on purpose, by reason."""
    gauges: dict[str, float] = {}
