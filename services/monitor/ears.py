"""What a page may say, and what comes of it: the one place where a browser changes anything.

A page is not trusted: what it says is bounded in size by the server, each word is decoded to its
own type, words that we do not know are passed over, and all that is refused is counted by reason.
The counts are written on the event loop and read from the thread of the bus; what is wanted is
changed by both.
"""

import threading
from collections import deque
from collections.abc import Iterable

import msgspec

from core.messages import (
    MARK,
    MAX_DECISIONS,
    MAX_SUBJECTS,
    Event,
    JointAngles,
    PlaceDecision,
    PlaceWish,
    SizeRequest,
    SizeWish,
)
from services.monitor.wire import FromPage

_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_words = msgspec.json.Decoder(FromPage)
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)

Requests = tuple[SizeRequest, ...]
Decided = tuple[PlaceDecision, ...]

UNKNOWN, MALFORMED, FULL = "page: unknown word", "page: malformed", "page: too many pinned"
TOO_MANY_MARKS = "page: too many marks"
MAX_MARKS_WAITING = 50
"""Marks that the bus has not taken yet; it does so twenty times a second."""


class NotSaid(ValueError):
    """What came is nothing that a page says."""


class Wanted(msgspec.Struct, frozen=True):
    """What the pages want of the kinematics, and of the fusion."""

    pinned: tuple[int, ...] = ()
    """The people of interest."""
    size_requests: tuple[SizeRequest, ...] = ()
    """The last one of each person, the newest one last; the oldest beyond ``MAX_SUBJECTS`` are
    dropped."""
    decisions: tuple[PlaceDecision, ...] = ()
    """The last one on each camera that moved; bounded in the same way."""


class Ears:
    """Reads what pages say, and keeps what they want."""

    def __init__(self, pinned: Iterable[int] = (), life_ns: int = 0) -> None:
        self.wanted = Wanted(tuple(sorted(set(pinned))))
        self.drops: dict[str, int] = {UNKNOWN: 0, MALFORMED: 0, FULL: 0, TOO_MANY_MARKS: 0}
        """By reason; all reasons from the start, so that another thread may copy it."""
        self._number = life_ns  # of the last request: no earlier life of the monitor had it
        self._asked = False
        self._marks: deque[Event] = deque()
        self._changing = threading.Lock()

    def hear(self, text: str | None) -> FromPage:
        """Decode one message, and change what is wanted as it says.

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
        with self._changing:
            before = self.wanted
            pinned, requests = self._pinned(said), self._requests(said)
            self.wanted = Wanted(pinned, requests, self._decisions(said))
            self._asked |= (pinned, requests) != (before.pinned, before.size_requests)
        return said

    def take_up(self, angles: JointAngles) -> None:
        """Want what the kinematics was told before, unless a page has wanted something since."""
        with self._changing:
            if not self._asked:
                decisions = self.wanted.decisions
                self.wanted = Wanted(angles.subjects, angles.size_requests, decisions)

    def mark(self, text: str, now_ns: int) -> Event | None:
        """Mark this moment; None, and counted, where more come than the bus takes."""
        shown = "".join(one if one.isprintable() else " " for one in text)
        event = Event(t_ns=now_ns, name=MARK, text=" ".join(shown.split()), process="monitor")
        with self._changing:
            if len(self._marks) >= MAX_MARKS_WAITING:
                self.drops[TOO_MANY_MARKS] += 1
                return None
            self._marks.append(event)
        return event

    def take_marks(self) -> list[Event]:
        """The marks since the last time, for the bus."""
        with self._changing:
            taken = list(self._marks)
            self._marks.clear()
        return taken

    def _pinned(self, said: FromPage) -> tuple[int, ...]:
        pinned = tuple(one for one in self.wanted.pinned if one != said.unpin)
        if said.pin is None or said.pin in pinned:
            return pinned
        if len(pinned) >= MAX_SUBJECTS:
            self.drops[FULL] += 1
            return pinned
        return tuple(sorted((*pinned, said.pin)))

    def _requests(self, said: FromPage) -> Requests:
        requests = self.wanted.size_requests
        if said.freeze_size is not None:
            requests = self._with(requests, said.freeze_size, "freeze")
        if said.measure_size is not None:
            requests = self._with(requests, said.measure_size, "measure")
        return requests

    def _with(self, requests: Requests, person: int, wish: SizeWish) -> Requests:
        self._number += 1
        others = (one for one in requests if one.person != person)
        return (*others, SizeRequest(person, wish, self._number))[-MAX_SUBJECTS:]

    def _decisions(self, said: FromPage) -> Decided:
        decisions = self.wanted.decisions
        if said.keep_place is not None:
            decisions = self._and(decisions, said.keep_place, "keep")
        if said.former_place is not None:
            decisions = self._and(decisions, said.former_place, "back")
        return decisions

    def _and(self, decisions: Decided, camera: str, wish: PlaceWish) -> Decided:
        self._number += 1
        others = (one for one in decisions if one.camera != camera)
        return (*others, PlaceDecision(camera, wish, self._number))[-MAX_DECISIONS:]
