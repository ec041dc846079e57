"""What waits for each page: the newest letter of each key, never a queue.

All of it belongs to the event loop; only the hub's ``post``, ``watched``, ``n_pages`` and
``latency`` may be called from the thread that reads the bus.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from services.monitor.wire import Batch, Letter, ScreenLatency

MAX_IN_FLIGHT = 2
"""Batches sent and not acknowledged: one on the way while one is worked on."""
MAX_EVENTS = 50
KEPT = frozenset({"camera", "health", "restarts", "event", "subjects"})
"""What a new page is told of before it comes anew; old poses and pictures would look live."""
LATENCY_HOLDS_NS = 3_000_000_000


class Mailbox:
    """Newest letter of each key; of events the last ``MAX_EVENTS``."""

    def __init__(self, letters: Iterable[Letter] = ()) -> None:
        self._newest: dict[str, Letter] = {}
        self._events: deque[Letter] = deque(maxlen=MAX_EVENTS)
        for letter in letters:
            self.put(letter)

    def put(self, letter: Letter) -> None:
        """Add a letter; one of the same key that still waits is dropped."""
        if letter.key == "event":
            self._events.append(letter)
        else:
            self._newest[letter.key] = letter

    def letters(self) -> tuple[Letter, ...]:
        """All that waits."""
        return (*self._newest.values(), *self._events)

    def take(self) -> tuple[Letter, ...]:
        """All that waits, and be empty."""
        taken = self.letters()
        self._newest.clear()
        self._events.clear()
        return taken


class Page:
    """One connected page."""

    def __init__(self, letters: Iterable[Letter]) -> None:
        self._mailbox = Mailbox(letters)
        self._sent = 0
        self._acknowledged = 0
        self._changed = asyncio.Event()
        self.latency: tuple[int, ScreenLatency] | None = None
        """Rig time at which the page reported, and what."""

    def offer(self, letters: Iterable[Letter]) -> None:
        """Put letters into the mailbox."""
        for letter in letters:
            self._mailbox.put(letter)
        self._changed.set()

    def acknowledge(self, number: int) -> None:
        """Take note of a batch that the page has read."""
        self._acknowledged = max(self._acknowledged, min(number, self._sent))
        self._changed.set()

    async def next_batch(self) -> Batch:
        """Wait until something waits and the page has read enough of what was sent before."""
        while True:
            if self._sent - self._acknowledged < MAX_IN_FLIGHT:
                letters = self._mailbox.take()
                if letters:
                    self._sent += 1
                    return Batch(self._sent, letters)
            self._changed.clear()
            await self._changed.wait()


class Hub:
    """All connected pages, and what a new one is to know."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: frozenset[Page] = frozenset()
        self._latest = Mailbox()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the event loop on which pages live."""
        self._loop = loop

    def enter(self, hello: Letter) -> Page:
        """Add a page; it gets the hello and then the newest of what is kept."""
        page = Page((hello, *self._latest.letters()))
        self._pages |= {page}
        return page

    def leave(self, page: Page) -> None:
        """Forget a page."""
        self._pages -= {page}

    @property
    def watched(self) -> bool:
        """Whether any page is connected: nobody needs pictures otherwise."""
        return bool(self._pages)

    @property
    def n_pages(self) -> int:
        """How many pages are connected."""
        return len(self._pages)

    def post(self, letters: Sequence[Letter]) -> None:
        """Hand letters to the event loop, from any thread."""
        if letters and self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, letters)

    def _deliver(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            if letter.key.split("/", 1)[0] in KEPT:
                self._latest.put(letter)
        for page in self._pages:
            page.offer(letters)

    def latency(self, now_ns: int) -> ScreenLatency | None:
        """Worst of what the pages reported lately; None when none did."""
        reports = [page.latency for page in self._pages]
        fresh = [told for told in reports if told and now_ns - told[0] < LATENCY_HOLDS_NS]
        return max((told[1] for told in fresh), key=lambda one: one.p95_ms, default=None)
