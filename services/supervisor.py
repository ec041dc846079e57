"""The supervisor of the hub: the processes of a run, from their start to their end.

It waits until all are ready, lets the cameras begin, and reconciles what runs with what should
(``services.children``). When all cameras came to the end of their footage the run is over. Stopping
goes along the way of a frame, so that each process hands on what it still has. Cameras of another
host are that host's business; whether it is there is known from the gate.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from core.config import RunConfig
from core.errors import ProcessError
from core.messages import Event, Health
from core.timebase import grid_start_ns
from services import host_words, processes, run_folder
from services.bus import Publisher, Subscriber
from services.children import Child, Children
from services.rig import camera_poses
from services.session_format import RECORDER
from services.watchdog import SILENT_S, Watchdog

TICK_S = 0.05
READY_WITHIN_S = 60.0
START_AFTER_NS = 300_000_000
JOINED_AFTER_NS = 500_000_000


@dataclass
class Supervisor:
    """Starts, watches and stops the processes of one run. Use it in ``with``."""

    run: RunConfig
    first_frame_ns: int | None = None
    """Replay: the recorded time that the rig clock is to show at the start."""
    health: dict[str, Health] = field(default_factory=dict)
    """The last word of each process."""
    start_ns: int = 0
    unsaid: list[Event] = field(default_factory=list)
    """Restarts, told when the restarted process (it may be the recorder) can hear of them."""
    here: frozenset[str] = frozenset()
    """The other hosts that are there."""

    def __enter__(self) -> Self:
        poses = camera_poses(self.run)  # a wrong calibration stops us here, before anything runs
        self.folder, self.clock = run_folder.create(self.run)
        (self.folder / "calibration.json").write_bytes(msgspec.json.encode(poses))
        self._watchdog = Watchdog()
        mine, *others = processes.on_host(self.run, "")
        self._children = Children(
            others, self.folder, self.clock, self._publish, self.unsaid.append
        )
        folder = str(self.folder)
        address = processes.endpoint(self.run, folder, mine)
        self._publisher = Publisher(address, mine.name, self.clock.now_ns(), mine.topics)
        writers, keys = processes.sources(self.run, mine)
        self._subscriber = Subscriber(processes.addresses(self.run, folder, writers), keys)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()
        self._publisher.__exit__(kind, value, tb)
        self._subscriber.__exit__(kind, value, tb)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def children(self) -> dict[str, Child]:
        """The processes of this host, by name."""
        return self._children.by_name

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start all processes, wait until they are ready, and let the cameras begin.

        Raises:
            ProcessError: one ended or was not ready in time; with the last lines it wrote.
        """
        self._children.start()
        deadline = time.monotonic() + READY_WITHIN_S
        while waiting := self._children.waited_for:
            self._children.fail_if_ended_early()
            if time.monotonic() > deadline:
                raise ProcessError(f"not ready after {READY_WITHIN_S:.0f} s: {', '.join(waiting)}")
            if cancelled():
                return
            time.sleep(TICK_S)
        self._wait_for_hosts(cancelled)
        if cancelled():
            return
        if self.first_frame_ns is None:
            self.start_ns = grid_start_ns(self.clock.now_ns() + START_AFTER_NS)
        else:
            self.clock.set_now(self.first_frame_ns - START_AFTER_NS)
            self.start_ns = self.first_frame_ns
        self._say("started", "all processes are ready")
        run_folder.begin(self.folder, self.start_ns)

    def _wait_for_hosts(self, cancelled: Callable[[], bool]) -> None:
        """Wait a while for the other hosts; who is not there by then may come later."""
        deadline = time.monotonic() + self.run.bus.hosts_within_s
        while len(self.here) < len(self.run.hosts) and not cancelled():
            self._children.fail_if_ended_early()
            self._look_for_hosts()
            if time.monotonic() > deadline:
                missing = [one for one in self.run.hosts if one not in self.here]
                self._say("missing", f"not there yet: {', '.join(missing)}")
                return
            time.sleep(TICK_S)

    def tick(self) -> None:
        """Reconcile once: hear the processes, start again what died."""
        self._hear(timeout_ms=round(TICK_S * 1000))
        for name in self._watchdog.hung(self._watched(), time.monotonic()):
            self._children.kill(name, f"has said nothing for {SILENT_S:.0f} s: started anew")
        self._children.reconcile()
        self._look_for_hosts()
        while self.unsaid and self._is_heard(self.unsaid[0].t_ns):
            self._publish(self.unsaid.pop(0))

    def _hear(self, timeout_ms: int) -> None:
        for received in self._subscriber.drain(timeout_ms):
            if isinstance(received.message, Health):
                said = received.message
                self.health[said.process] = said
                self._watchdog.hear(said.process, said.pid, time.monotonic())

    def _watched(self) -> dict[str, int]:
        """Process ids of those that are started anew where they hang."""
        return {
            name: child.pid
            for name, child in self.children.items()
            if child.pid is not None and child.instance.process.killed_when_silent
        }

    def _is_heard(self, since_ns: int) -> bool:
        """Whether the recorder, if it is to come back, has spoken and had time to listen."""
        recorder = self.children.get(RECORDER)
        if recorder is not None and not recorder.down_for_good:
            said = self.health.get(recorder.name)
            if recorder.pid is None or said is None or said.pid != recorder.pid:
                return False
        return self.clock.now_ns() - since_ns > JOINED_AFTER_NS

    def _look_for_hosts(self) -> None:
        here = frozenset(host for host in self.run.hosts if host_words.is_here(self.folder, host))
        for host in sorted(here - self.here):
            self._say("joined", f"{host} is there", f"host.{host}")
        for host in sorted(self.here - here):
            self._say("gone", f"{host} is silent; its cameras are missing", f"host.{host}")
        self.here = here

    @property
    def cameras_done(self) -> bool:
        """Whether every camera that is there came to the end of its footage."""
        mine = [c.finished for c in self.children.values() if c.instance.is_camera]
        there = [
            host_words.has_finished(self.folder, one.name)
            for one in self.run.cameras
            if one.host in self.here
        ]
        return bool(mine or there) and all(mine) and all(there)

    def stop(self) -> None:
        """Stop all, stage by stage; what does not stop in time is killed."""
        while self.unsaid:
            self._publish(self.unsaid.pop(0))
        self._say("stopping", "the run ends")
        host_words.end(self.folder)
        self._children.stop(lambda: self._hear(timeout_ms=0))

    def _say(self, name: str, text: str, process: str = "") -> None:
        self._publish(Event(t_ns=self.clock.now_ns(), name=name, text=text, process=process))

    def _publish(self, event: Event) -> None:
        self._publisher.send("event", event)


def launcher_is_gone(launcher_pid: int) -> bool:
    """Whether ``uv run`` started us and was killed: it cannot take us with it then."""
    return launcher_pid != os.getppid()


def launched_by_uv() -> int | None:
    """Process id of ``uv`` when it is our parent, else None."""
    comm = Path(f"/proc/{os.getppid()}/comm")
    if comm.exists() and comm.read_text().strip() == "uv":
        return os.getppid()
    return None
