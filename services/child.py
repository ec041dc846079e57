"""What every process of a run shares: its settings, sockets, clock, health, and how it ends.

Started by the supervisor as ``python -m services.child RUN_FOLDER INSTANCE``. It ends when asked
(SIGTERM), and when the supervisor is gone: its standard input is a pipe whose other end only the
supervisor holds, so even a killed supervisor leaves no orphan. Ctrl-C is the supervisor's alone.
"""

import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from capture.clock import RigClock, open_shared
from core import config
from core.config import RunConfig
from core.errors import KineliveError
from core.messages import Health
from services import processes, run_folder
from services.bus import Publisher, Subscriber
from services.processes import Instance

END_WITHIN_S = 2.2
HEALTH_PERIOD_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Context:
    """One process of a run."""

    run: RunConfig
    run_folder: Path
    instance: Instance
    clock: RigClock
    life_ns: int
    stop: threading.Event

    def publisher(self) -> Publisher:
        """Open the socket on which this process speaks: on another host, to the hub's gate."""
        mine = self.instance
        if mine.host:
            gate = processes.gate_for_packets(self.run)
            return Publisher(gate, mine.name, self.life_ns, mine.topics, connect=True)
        address = processes.endpoint(self.run, str(self.run_folder), mine)
        return Publisher(address, mine.name, self.life_ns, mine.topics)

    def subscriber(self) -> Subscriber:
        """Open the socket that brings all topics this process reads."""
        writers, keys = processes.sources(self.run, self.instance)
        return Subscriber(processes.addresses(self.run, str(self.run_folder), writers), keys)

    def ready(self) -> None:
        """Tell the supervisor that the sockets stand; cameras start when all are ready."""
        (self.run_folder / f"{self.instance.name}.ready").touch()

    def has_started(self) -> bool:
        """Whether the rig runs already: this process takes the place of one that died."""
        return run_folder.start_ns(self.run_folder) is not None

    def start_ns(self) -> int | None:
        """Wait for the rig's start and return it; None when told to stop before."""
        while not self.stop.wait(0.005):
            start_ns = run_folder.start_ns(self.run_folder)
            if start_ns is not None:
                return start_ns
        return None


class Pulse:
    """Says each second how this process is."""

    def __init__(self, context: Context, publisher: Publisher) -> None:
        self.counts: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}
        self._context, self._publisher = context, publisher
        self._next_ns = 0

    def beat(self, subscriber: Subscriber | None = None, *, last: bool = False) -> None:
        """Send health when a second has passed, or at once with ``last``."""
        now_ns = self._context.clock.now_ns()
        waited = not 0 <= self._next_ns - now_ns <= HEALTH_PERIOD_NS  # a replay sets the clock back
        if not (waited or last):
            return
        self._next_ns = now_ns + HEALTH_PERIOD_NS
        heard = dict(subscriber.drops) if subscriber else {}
        heard |= {f"lost {key}": n for key, n in subscriber.lost.items()} if subscriber else {}
        stopping = "stopping" if self._context.stop.is_set() else "running"
        self._publisher.send(
            "health",
            Health(
                t_ns=now_ns,
                process=self._context.instance.name,
                state="stopped" if last else stopping,
                pid=os.getpid(),
                counts=dict(self.counts),
                drops={**self.drops, **heard},
                gauges=dict(self.gauges),
            ),
        )


def main(arguments: list[str]) -> None:
    """Run one process until it is told to stop."""
    folder, name = Path(arguments[0]), arguments[1]
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(message)s")
    run = config.parse((folder / "run.json").read_bytes())
    instance = next(one for one in processes.instances(run) if one.name == name)
    clock = open_shared(folder / "clock")
    stop = threading.Event()
    _end_with_the_supervisor(stop, max(END_WITHIN_S, instance.process.ends_within_s + 0.2))
    context = Context(run, folder, instance, clock, clock.now_ns(), stop)
    module, function = instance.process.entry.split(":")
    try:
        getattr(importlib.import_module(module), function)(context)
    except KineliveError as error:
        logging.error("%s", error)
        sys.exit(2)


def _end_with_the_supervisor(stop: threading.Event, within_s: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def wait_for_the_end_of_input() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        stop.set()

    def end_anyway() -> None:
        stop.wait()
        time.sleep(within_s)
        logging.error("did not stop within %s s: ended", within_s)
        os._exit(70)

    for watch in (wait_for_the_end_of_input, end_anyway):
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
