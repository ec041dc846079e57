"""Commands at common moments."""

import itertools
import queue
import time

from capture.grid_trigger import GridTrigger

PERIOD_NS = 10_000_000


def test_commands_come_once_in_each_period_after_its_beginning():
    given: queue.Queue[int] = queue.Queue()
    trigger = GridTrigger(lambda: given.put(time.monotonic_ns()), 1e9 / PERIOD_NS)
    periods = [given.get(timeout=10) // PERIOD_NS for _ in range(20)]
    trigger.close()
    assert all(later > earlier for earlier, later in itertools.pairwise(periods))


def test_a_closed_trigger_gives_no_more():
    given: queue.Queue[int] = queue.Queue()
    trigger = GridTrigger(lambda: given.put(0), 1000)
    given.get(timeout=10)
    trigger.close()
    n_given = given.qsize()
    assert not trigger._thread.is_alive()
    assert given.qsize() == n_given
