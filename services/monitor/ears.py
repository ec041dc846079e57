"""What a page may say, and what comes of it: the one place where a browser changes anything.

A page is not trusted: what it says is bounded in size by the server, each word is decoded to its
own type, words that we do not know are passed over, and all that is refused is counted by reason.
The counts and the pins are written on the event loop and read from the thread of the bus.
"""

from collections.abc import Iterable

import msgspec

from core.messages import MAX_SUBJECTS
from services.monitor.wire import FromPage

_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_words = msgspec.json.Decoder(FromPage)
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)

UNKNOWN, MALFORMED, FULL = "page: unknown word", "page: malformed", "page: too many pinned"


class NotSaid(ValueError):
    """What came is nothing that a page says."""


class Ears:
    """Reads what pages say; ``pinned`` are the people of interest."""

    def __init__(self, pinned: Iterable[int] = ()) -> None:
        self.pinned: tuple[int, ...] = tuple(sorted(set(pinned)))
        self.drops: dict[str, int] = {UNKNOWN: 0, MALFORMED: 0, FULL: 0}
        """By reason; all reasons from the start, so that another thread may copy it."""

    def hear(self, text: str | None) -> FromPage:
        """Decode one message, and pin or unpin as it says.

        Raises:
            NotSaid: no text, no JSON object, or a word of another type or out of range.
        """
        try:
            if text is None:
                raise NotSaid("bytes instead of text")
            unknown = _envelope.decode(text).keys() - set(FromPage.__struct_fields__)
            said = _words.decode(text)
        except (NotSaid, *_REFUSALS) as error:
            self.drops[MALFORMED] += 1
            raise NotSaid(f"not what a page says: {error}") from error
        self.drops[UNKNOWN] += len(unknown)
        self._pin(said)
        return said

    def _pin(self, said: FromPage) -> None:
        if said.unpin is not None:
            self.pinned = tuple(one for one in self.pinned if one != said.unpin)
        if said.pin is None or said.pin in self.pinned:
            return
        if len(self.pinned) >= MAX_SUBJECTS:
            self.drops[FULL] += 1
            return
        self.pinned = tuple(sorted((*self.pinned, said.pin)))
