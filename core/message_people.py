"""Parts of messages that say something of one person: who, the walk, the size of the body.

Apart from the messages, which are many; ``core.messages`` gives these names, too.
"""

from typing import Annotated, Literal

import msgspec

Side = Literal["left", "right"]
GaitKind = Literal["heel strike", "toe off"]
PersonId = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
SizeState = Literal["measuring", "frozen", "frozen on request"]
SizeWish = Literal["freeze", "measure"]


class GaitEvent(msgspec.Struct, frozen=True):
    """One foot, one moment."""

    kind: GaitKind
    side: Side
    t_ns: int
    """When it was, between two instants; earlier than the instant that showed it."""


class Walking(msgspec.Struct, frozen=True):
    """Figures of the walk that goes on."""

    cadence_per_min: float
    """Steps a minute."""
    step_time_s: dict[str, float]
    """Mean time to a side's heel strike from that of the other side."""
    symmetry: float
    """Shorter step time / longer one, 0..1; NaN while one side is unknown."""


class BodySize(msgspec.Struct, frozen=True):
    """How far the size of a body is measured, and whether that goes on."""

    state: SizeState = "measuring"
    """frozen: all frames were measured; frozen on request: it was asked to stop before."""
    frames: int = 0
    """Upright frames that were measured …"""
    wanted_frames: int = 0
    """… of so many."""
    model_frames: int = 0
    """Upright frames that the model in force is scaled from; 0: there is none yet."""
    lacking_frames: int = 0
    """Greater than 0: freezing was asked for and refused, for so many upright frames are missing
    before there is a model to keep."""


class SizeRequest(msgspec.Struct, frozen=True):
    """What is asked of the size of one person's body."""

    person: PersonId
    wish: SizeWish
    """freeze: keep the model in force; measure: begin anew."""
    number: int
    """Another for each request: it is said again and again, and granted or refused once."""
