"""A command given at common moments: the software trigger of all cameras of one host.

Each capture process commands its own camera. The moments are the whole multiples of the period on
the host's monotonic clock, the same in all processes, so that the cameras expose together but for
the time the command takes to them.
"""

import threading
import time
from collections.abc import Callable


class GridTrigger:
    """Gives a command at a rate until it is closed."""

    def __init__(self, command: Callable[[], None], rate_hz: float) -> None:
        self._command, self._period_ns = command, round(1e9 / rate_hz)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trigger", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give no more commands."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due_ns = self._after(time.monotonic_ns())
        while not self._stop.wait(max(0, due_ns - time.monotonic_ns()) * 1e-9):
            self._command()
            due_ns = self._after(max(due_ns, time.monotonic_ns()))

    def _after(self, now_ns: int) -> int:
        return (now_ns // self._period_ns + 1) * self._period_ns
