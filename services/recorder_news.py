"""What the recorder tells of its disks: events for the page, the log and the recording itself."""

import logging
import queue

from core.messages import Event
from services.bus import Publisher
from services.recorder_disk import Clock
from services.session_format import RECORDER

KEEPS_UP_AFTER_NS = 30_000_000_000
"""A disk that was too slow keeps up again when nothing was given up for so long."""


class News:
    """Collects what is said in any thread; ``publish`` sends it from the one with the socket."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher, self._clock = publisher, clock
        self._said: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._slow_for: frozenset[str] = frozenset()
        self._slow_ns = 0

    def say(self, name: str, text: str) -> None:
        """Take something to be told."""
        logging.warning("%s", text)
        now_ns = self._clock.now_ns()
        self._said.put(Event(t_ns=now_ns, name=name, text=text, process=RECORDER))

    def watch(self, given_up: frozenset[str], now_ns: int) -> None:
        """Tell of the cameras whose video is given up; each once while the disk is too slow."""
        if given_up:
            self._slow_ns = now_ns
        if given_up - self._slow_for:
            self._slow_for |= given_up
            names = ", ".join(sorted(self._slow_for))
            self.say(
                "disk_slow",
                f"the disk is slower than the cameras: of {names} some video is given up, keypoints"
                " are not; record to a faster disk, or fewer pictures",
            )
        elif self._slow_for and not 0 <= now_ns - self._slow_ns < KEEPS_UP_AFTER_NS:
            self._slow_for = frozenset()
            self.say("disk_keeps_up", "the disk keeps up again: all video is recorded")

    def publish(self) -> None:
        """Send what was said."""
        while not self._said.empty():
            self._publisher.send("event", self._said.get())
