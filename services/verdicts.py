"""What comparisons of a recording with its recomputation share: order, counts, holes, excuses."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from core.messages import Health, Message
from services.session import Stored
from services.session_format import DISK_CAUSES, RECORDER

SETTLE_NS = 2_000_000_000
"""Messages of different writers are recorded out of order by less than this."""
END_OF_TIME_NS = 2**63
Excuse = tuple[int | None, int | None, str]
"""From, to, and why messages of that time are not there: as whoever edited the session says."""


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded instants that could not be computed again."""

    life_ns: int
    """Life of the process that said them."""
    first_instant: int
    outputs: int
    from_ns: int
    """When the first of them was recorded, rig clock."""
    reason: str = ""
    """What the recorder says of that time; empty: nothing, so it should not be."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of the comparison."""

    compared: int
    different: int
    not_comparable: int
    holes: tuple[Hole, ...]
    first_different: tuple[int, int] | None
    """(life, instant) of the first output that differs."""

    @property
    def identical(self) -> bool:
        """All that can be compared is equal, and the recorder accounts for the rest."""
        explained = all(hole.reason for hole in self.holes)
        return self.compared > 0 and self.different == 0 and explained


def settled(messages: Iterable[Stored], inputs: type[Message]) -> Iterator[Stored]:
    """Hold back all but the inputs, so that an output comes after all that went into it."""
    held: deque[Stored] = deque()
    for stored in messages:
        while held and held[0].log_time_ns < stored.log_time_ns - SETTLE_NS:
            yield held.popleft()
        if isinstance(stored.message, inputs):
            yield stored
        elif not isinstance(stored.message, Health):
            held.append(stored)
    yield from held


class Tally:
    """Counts the answers and gathers neighbouring ones that could not be given into holes."""

    def __init__(self) -> None:
        self._compared = 0
        self._different: list[tuple[int, int]] = []
        self._holes: list[Hole] = []

    def count(self, stored: Stored, instant: int, equal: bool | None, *, new_hole: bool) -> None:
        """Take in the answer on one output; ``new_hole``: the one before could be computed."""
        life_ns = stored.header.life_ns
        if equal is not None:
            self._compared += 1
            self._different += [] if equal else [(life_ns, instant)]
        elif new_hole:
            hole = Hole(
                life_ns=life_ns, first_instant=instant, outputs=1, from_ns=stored.log_time_ns
            )
            self._holes.append(hole)
        else:
            last = max(i for i, hole in enumerate(self._holes) if hole.life_ns == life_ns)
            hole = self._holes[last]
            self._holes[last] = msgspec.structs.replace(hole, outputs=hole.outputs + 1)

    def verdict(self, log: "RecorderLog") -> Verdict:
        """What came out, each hole with what the recorder says of it."""
        holes = (
            msgspec.structs.replace(hole, reason=log.says_at(hole.from_ns)) for hole in self._holes
        )
        return Verdict(
            compared=self._compared,
            different=len(self._different),
            not_comparable=sum(hole.outputs for hole in self._holes),
            holes=tuple(holes),
            first_different=self._different[0] if self._different else None,
        )


class RecorderLog:
    """When the recorder was down or lost messages that matter here, by its own account."""

    def __init__(
        self,
        final_drops: Mapping[int, Mapping[str, int]],
        closed: bool,
        topics: Sequence[str],
        excuses: Sequence[Excuse] = (),
    ) -> None:
        self._final_drops, self._closed = final_drops, closed
        self._excuses = [
            (-END_OF_TIME_NS if from_ns is None else from_ns, to_ns or END_OF_TIME_NS, why)
            for from_ns, to_ns, why in excuses
        ]
        self._mattering = (*DISK_CAUSES, *(f"lost {topic}" for topic in topics))
        self._spans: list[tuple[int, int, str]] = []
        self._last_ns, self._health_ns = 0, 0
        self._life, self._lost = 0, 0

    def watch(self, stored: Stored) -> Stored:
        """Take notice of a message on its way."""
        now_ns, message = stored.log_time_ns, stored.message
        if now_ns < self._last_ns:  # a replay has set the clock back
            self._health_ns = now_ns
        if stored.recorder_life != self._life:
            if self._life:
                self._spans.append((self._last_ns, now_ns, "the recorder was started again"))
            self._life, self._lost, self._health_ns = stored.recorder_life, 0, now_ns
        if isinstance(message, Health) and stored.header.source == RECORDER:
            self._lost_until(now_ns, self._lost_of(message.drops))
            self._health_ns = now_ns
        self._last_ns = now_ns
        return stored

    def says_at(self, t_ns: int) -> str:
        """What the recorder says of a time, once all has been watched; empty: nothing."""
        self._lost_until(END_OF_TIME_NS, self._lost_of(self._final_drops.get(self._life, {})))
        end = [] if self._closed else [(self._last_ns, END_OF_TIME_NS, "the recording was cut")]
        says = (
            reason
            for from_ns, to_ns, reason in (*self._spans, *end, *self._excuses)
            if from_ns - SETTLE_NS <= t_ns <= to_ns + SETTLE_NS
        )
        return next(says, "")

    def _lost_until(self, now_ns: int, lost: int) -> None:
        if lost > self._lost:
            self._spans.append((self._health_ns, now_ns, "the recorder lost messages"))
            self._lost = lost

    def _lost_of(self, drops: Mapping[str, int]) -> int:
        """Dropped messages that may have been an input or an output."""
        return sum(n for why, n in drops.items() if why.split("/", 1)[0] in self._mattering)
