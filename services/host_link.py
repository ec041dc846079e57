"""Questions of another host to the hub, and the clock that follows from the answers."""

import secrets
import time

from core import host_clock
from core.host_clock import HostClock, RoundTrip
from services import host_words
from services.bus_hosts import Asking
from services.host_words import Answer, Question

ANSWER_WITHIN_S = 0.25


class Link:
    """Questions to the hub of one run, and the clock that follows from the answers."""

    def __init__(self, address: str, host: str) -> None:
        self.clock = HostClock()
        self.trips: list[RoundTrip] = []
        """Since they were taken last."""
        self._asking = Asking(address)
        self._host, self._life = host, secrets.randbits(62)
        self._serial = 0

    def ask(
        self,
        *,
        wants_run: bool = False,
        ready: bool = False,
        finished: tuple[str, ...] = (),
        leaving: bool = False,
    ) -> Answer | None:
        """Ask once; None when no answer came in time."""
        self._serial += 1
        question = Question(
            host=self._host,
            life=self._life,
            serial=self._serial,
            wants_run=wants_run,
            ready=ready,
            finished=finished,
            leaving=leaving,
        )
        words = host_words.encode(question)
        sent_ns = time.monotonic_ns()
        return self._hear(sent_ns) if self._asking.ask(words) else None

    def _hear(self, sent_ns: int) -> Answer | None:
        """Wait for the answer to the last question; older ones are passed over."""
        left_ms = round(1000 * ANSWER_WITHIN_S)
        while left_ms > 0 and (words := self._asking.hear(left_ms)) is not None:
            back_ns = time.monotonic_ns()
            answer = host_words.decode(words, Answer)
            if answer is not None and answer.serial == self._serial:
                trip = RoundTrip(sent_ns, answer.there_ns, back_ns)
                self.clock = host_clock.hear(self.clock, trip)
                self.trips.append(trip)
                return answer
            left_ms = round(1000 * ANSWER_WITHIN_S - (back_ns - sent_ns) * 1e-6)
        return None

    def forget_clock(self) -> None:
        """Begin anew: the rig clock is another one."""
        self.clock, self.trips = HostClock(), []

    def close(self) -> None:
        """Close the socket."""
        self._asking.close()
