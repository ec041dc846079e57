"""The marks of a session: moments that the operator named while it was recorded."""

import msgspec

from core.messages import MARK, Event
from services.session import Session


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One named moment."""

    t_ns: int
    """When the monitor heard of it, rig clock."""
    seconds: float
    """The same in session time."""
    text: str


def mark_of(event: Event, zero_ns: int) -> Mark:
    """An event as a mark; ``zero_ns``: zero of session time."""
    seconds = round((event.t_ns - zero_ns) / 1e9, 6)
    return Mark(t_ns=event.t_ns, seconds=seconds, text=event.text)


def marks_of(session: Session, zero_ns: int) -> tuple[Mark, ...]:
    """All marks of a session, in the order of reception."""
    events = (one.message for one in session.messages(["event"]))
    return tuple(
        mark_of(one, zero_ns) for one in events if isinstance(one, Event) and one.name == MARK
    )
