"""What waits for the disk: memory with a limit between the bus and the thread that writes.

The bus is emptied into it whatever the disk does. What is too much is given up here, and counted
by cause: video, whole groups of pictures, of one camera after the other (``core.shedding``); other
messages only where no video is left to give up, on a disk that has stood still for minutes.
"""

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from core import shedding
from core.shedding import WaitingPacket
from services.bus import Received
from services.session_format import STREAM, cause_of
from services.session_series import Entry, entry_of

_ENTRY_BYTES = 500
"""What Python needs for a message beside its bytes."""


class Backlog:
    """Filled by one thread, emptied by another one."""

    def __init__(self, cameras: Sequence[str], order: Sequence[str], limit_bytes: float) -> None:
        """``order``: all cameras, in the order in which their video is given up."""
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Entry]] = {name: deque() for name in (STREAM, *cameras)}
        self._order, self._limit_bytes = tuple(order), limit_bytes
        self._bytes, self._taken_bytes, self._most_bytes = 0, 0, 0
        self._refused: set[str] = set()
        """Cameras whose video is given up until it may resume."""
        self._drops: Counter[str] = Counter()
        self._blocked: Mapping[str, str] = {}
        self.received_bytes = 0
        """All that was ever put in."""

    def put(self, batch: Iterable[Received], now_ns: int) -> None:
        """Take messages over; gives up what is too much."""
        with self._lock:
            for received in batch:
                self.received_bytes += len(received.raw)
                self._put(entry_of(received, now_ns))
            self._give_up(self._bytes + self._taken_bytes - self._limit_bytes)
            self._most_bytes = max(self._most_bytes, self._bytes + self._taken_bytes)

    def take(self, takes: Callable[[str], bool], video_bytes: float) -> list[Entry]:
        """What waits of the series that are taken: all but video, and so much of that.

        The oldest of each series first. It counts as memory in use until ``settle``.
        """
        wanted = [name for name in (STREAM, *reversed(self._order)) if self._waiting[name]]
        taken = [name for name in wanted if takes(name)]
        n_cameras = len(taken) - (STREAM in taken)
        found: list[Entry] = []
        for name in taken:
            found += self._pop(name, math.inf if name == STREAM else video_bytes / n_cameras)
        return found

    def settle(self, returned: Iterable[Entry], blocked: Mapping[str, str]) -> None:
        """What was taken is on the disk but for ``returned``, in order of each series.

        ``blocked``: why series are not taken at the time, as counters.
        """
        with self._lock:
            self._taken_bytes, self._blocked = 0, blocked
            for entry in reversed(list(returned)):
                self._waiting[entry.series].appendleft(entry)
                self._bytes += _size(entry)

    def give_up_video(self) -> None:
        """Give up all video that waits: there is no time left for it."""
        with self._lock:
            self._give_up(math.inf)

    def give_up_all(self) -> None:
        """Give up all that waits: nobody takes it any more."""
        with self._lock:
            for name in self._waiting:
                self._drop(name, 0)

    @property
    def series(self) -> tuple[str, ...]:
        """The names of all series."""
        return tuple(self._waiting)

    @property
    def waits(self) -> bool:
        """Whether anything does."""
        return self._bytes > 0

    @property
    def waiting_bytes(self) -> int:
        """Memory of what waits, and of what is being written."""
        return self._bytes + self._taken_bytes

    @property
    def most_bytes(self) -> int:
        """The most that it ever was."""
        return self._most_bytes

    @property
    def given_up(self) -> frozenset[str]:
        """Cameras whose video is given up at the time because the disk is too slow."""
        with self._lock:
            return frozenset(self._refused - self._blocked.keys())

    @property
    def drops(self) -> Counter[str]:
        """What was given up, by cause."""
        with self._lock:
            return Counter(self._drops)

    def _put(self, entry: Entry) -> None:
        name = entry.series
        if name in self._refused:
            filled = (self._bytes + self._taken_bytes) / self._limit_bytes
            if not shedding.may_resume(
                name, self._order, self._refused, filled, keyframe=entry.keyframe
            ):
                self._drops[self._cause(name)] += 1
                return
            self._refused.discard(name)
        if name not in self._waiting:  # a camera that the run does not name
            self._drops["unknown camera"] += 1
            return
        self._waiting[name].append(entry)
        self._bytes += _size(entry)

    def _pop(self, name: str, n_bytes: float) -> list[Entry]:
        found: list[Entry] = []
        with self._lock:
            waiting = self._waiting[name]
            while waiting and (n_bytes > 0 or not found):
                entry = waiting.popleft()
                n_bytes -= _size(entry)
                found.append(entry)
            size = sum(map(_size, found))
            self._bytes -= size
            self._taken_bytes += size
        return found

    def _give_up(self, excess_bytes: float) -> None:
        if excess_bytes <= 0:
            return
        video = {
            name: [WaitingPacket(_size(one), one.keyframe) for one in self._waiting[name]]
            for name in self._order
            if self._waiting[name]
        }
        for name, stays in shedding.kept(video, self._order, excess_bytes).items():
            excess_bytes -= self._drop(name, stays)
            self._refused.add(name)
        stream = self._waiting[STREAM]
        while 0 < excess_bytes < math.inf and stream:
            excess_bytes -= self._drop(STREAM, len(stream) - 1)

    def _drop(self, name: str, stays: int) -> int:
        waiting, size = self._waiting[name], 0
        while len(waiting) > stays:
            size += _size(waiting.pop())
            self._drops[self._cause(name)] += 1
        self._bytes -= size
        return size

    def _cause(self, name: str) -> str:
        return self._blocked.get(name) or cause_of("disk_slow", name)


def _size(entry: Entry) -> int:
    return len(entry.raw) + _ENTRY_BYTES
