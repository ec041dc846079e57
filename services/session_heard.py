"""What a life of the recorder has heard so far, for the manifest: how long, and how many marks."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from core import wire
from core.messages import MARK, Event
from services.session_format import Life
from services.session_series import Entry


@dataclass(slots=True)
class Heard:
    """Grows while a session is written."""

    first_ns: int | None = None
    last_ns: int = 0
    marks: int = 0

    def at(self, now_ns: int) -> None:
        """Something has come by now; a replay that sets the clock back begins anew."""
        if self.first_ns is None or now_ns < self.last_ns:
            self.first_ns = now_ns
        self.last_ns = now_ns

    def safe(self, entries: Iterable[Entry]) -> None:
        """These are on the disk."""
        self.marks += sum(map(_is_mark, entries))

    def in_life(self, life: Life) -> Life:
        """The same life with what was heard."""
        heard_s = 0.0 if self.first_ns is None else (self.last_ns - self.first_ns) / 1e9
        return msgspec.structs.replace(life, heard_s=round(heard_s, 3), marks=self.marks)


def _is_mark(entry: Entry) -> bool:
    if entry.key != "event":
        return False
    event = wire.decode(entry.key, entry.raw)
    return isinstance(event, Event) and event.name == MARK
