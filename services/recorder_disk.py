"""The recorder's disk thread: takes what waits, writes it, waits until the disk has it.

A thread, for a disk may stand still for seconds in ``write`` and ``fsync``, and the bus must be
emptied all the same: while Python waits for the disk, the other thread runs. A process of its own
would only add a copy of all video.
"""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from services.backlog import Backlog
from services.session_writer import SessionWriter

LEAST_BYTES, MOST_BYTES = 2**18, 2**24
"""Video that is written at once, on a slow disk and on a fast one: keypoints wait that long."""


class Clock(Protocol):
    """What tells the time."""

    def now_ns(self) -> int:
        """Time on the rig clock."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What the disk thread has done so far; a value that is replaced, not changed."""

    counts: Counter[str]
    drops: Counter[str]
    minutes_left: float


class Disk:
    """Writes a backlog into a session; all of it in one thread."""

    def __init__(
        self,
        backlog: Backlog,
        writer: SessionWriter,
        clock: Clock,
        drops: Counter[str],
        counts: Counter[str],
    ) -> None:
        """``drops`` and ``counts`` are those of the writer."""
        self._backlog, self._writer, self._clock = backlog, writer, clock
        self._drops, self._counts = drops, counts
        self._video_bytes = float(MOST_BYTES)
        self.written = Written(Counter(counts), Counter(drops), writer.space.minutes_left)

    def round(self, within_s: float) -> float:
        """Write once, and as much at once as the disk takes in about ``within_s``; returns how long
        it took, in seconds."""
        begin_s, now_ns = time.monotonic(), self._clock.now_ns()

        def takes(name: str) -> bool:
            return self._writer.takes(name, now_ns)

        batch = self._backlog.take(takes, self._video_bytes)
        for entry in batch:
            self._writer.offer(entry, now_ns)
        self._writer.flush(now_ns, self._backlog.received_bytes)
        returned = self._writer.take_back()
        self._backlog.settle(returned, self._blocked())
        self.written = Written(
            Counter(self._counts), Counter(self._drops), self._writer.space.minutes_left
        )
        took_s = time.monotonic() - begin_s
        self._pace(took_s, within_s, bool(batch))
        return took_s

    def finish(self, offset_ns: int, heard: Counter[str], end_s: float) -> None:
        """Write what waits, give up what the time until ``end_s`` (monotonic) is too short for."""
        self._writer.try_again()
        while self._backlog.waits and time.monotonic() < end_s:
            before = self._backlog.waiting_bytes
            self.round(0.1)
            if self._backlog.waiting_bytes >= before:
                break
        self._backlog.give_up_video()
        self.round(0.1)
        self._backlog.give_up_all()
        self._writer.close(self._clock.now_ns(), offset_ns, self._backlog.drops + heard)

    def _blocked(self) -> dict[str, str]:
        blocked = [one for one in self._backlog.series if self._writer.is_blocked(one)]
        return {name: self._writer.cause(name) for name in blocked}

    def _pace(self, took_s: float, within_s: float, busy: bool) -> None:
        if busy:
            factor = 2.0 if took_s < within_s else 0.5
            self._video_bytes = min(max(self._video_bytes * factor, LEAST_BYTES), MOST_BYTES)


class DiskThread:
    """Runs a ``Disk`` each ``period_s``, without a rest where that is too short.

    Use it in ``with``; left without ``finish`` the session looks as after a crash.
    """

    def __init__(self, disk: Disk, period_s: float) -> None:
        self._disk, self._period_s = disk, period_s
        self._end = threading.Event()
        self._last: tuple[int, Counter[str], float] | None = None
        self._bug: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    @property
    def written(self) -> Written:
        """What is done so far."""
        return self._disk.written

    def check(self) -> None:
        """Raise what ended the thread, a bug: the recorder is to end with it."""
        if self._bug is not None:
            raise self._bug

    def finish(self, offset_ns: int, heard: Counter[str], within_s: float) -> None:
        """Let it write what waits and close the session; it may be left where the disk hangs."""
        self._last = offset_ns, heard, time.monotonic() + within_s
        self._end.set()
        self._thread.join(within_s + 1.0)
        self.check()
        if self._thread.is_alive():
            logging.error("the disk did not take the end of the recording in time")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._end.set()

    def _run(self) -> None:
        try:
            took_s = 0.0
            while not self._end.wait(max(0.0, self._period_s - took_s)):
                took_s = self._disk.round(self._period_s)
            if self._last is not None:
                self._disk.finish(*self._last)
        except BaseException as error:  # noqa: BLE001 - told to the main thread, which raises it
            self._bug = error
