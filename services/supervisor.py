"""The supervisor: what should run and what runs, reconciled each tick.

A process that dies is started again after a wait that doubles; a crash loop ends a needed process'
run. Cameras that come to the end of their footage end with 0 and stay down; when all have, the run
is over. Stopping goes along the way of a frame, so that each process hands on what it still has.
"""

import os
import shutil
import signal
import subprocess
import sys
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
from services import processes, restarts, run_folder
from services.bus import Publisher, Subscriber
from services.processes import Instance
from services.rig import camera_poses
from services.session_format import RECORDER

TICK_S = 0.05
READY_WITHIN_S = 60.0
START_AFTER_NS = 300_000_000
JOINED_AFTER_NS = 500_000_000


@dataclass
class Child:
    """One process of the run, as the supervisor sees it."""

    instance: Instance
    popen: subprocess.Popen[bytes] | None = None
    deaths_ns: tuple[int, ...] = ()
    restarts: int = 0
    coming_back: bool = False
    """Started again and not ready yet."""
    start_at_ns: int = 0
    finished: bool = False
    given_up: bool = False

    @property
    def down_for_good(self) -> bool:
        """Whether it is not to be started again."""
        return self.finished or self.given_up

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self.instance.name

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.popen.pid if self.popen and self.popen.poll() is None else None


@dataclass
class Supervisor:
    """Starts, watches and stops the processes of one run. Use it in ``with``."""

    run: RunConfig
    first_frame_ns: int | None = None
    """Replay: the recorded time that the rig clock is to show at the start."""
    children: dict[str, Child] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)
    """The last word of each process."""
    start_ns: int = 0
    unsaid: list[Event] = field(default_factory=list)
    """Restarts, told when the restarted process (it may be the recorder) can hear of them."""

    def __enter__(self) -> Self:
        poses = camera_poses(self.run)  # a wrong calibration stops us here, before anything runs
        self.folder, self.clock = run_folder.create(self.run)
        (self.folder / "calibration.json").write_bytes(msgspec.json.encode(poses))
        mine, *others = processes.instances(self.run)
        self.children = {one.name: Child(one) for one in others}
        folder = str(self.folder)
        address = processes.endpoint(self.run, folder, mine)
        topics = (*mine.process.writes, "health")
        self._publisher = Publisher(address, mine.name, self.clock.now_ns(), topics)
        writers, keys = processes.sources(self.run, mine)
        addresses = [processes.endpoint(self.run, folder, one) for one in writers]
        self._subscriber = Subscriber(addresses, keys)
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

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start all processes, wait until they are ready, and let the cameras begin.

        Raises:
            ProcessError: one ended or was not ready in time; with the last lines it wrote.
        """
        for child in self.children.values():
            self._spawn(child)
        deadline = time.monotonic() + READY_WITHIN_S
        while waiting := [name for name in self.children if not self._is_ready(name)]:
            self._fail_if_ended_early()
            if time.monotonic() > deadline:
                raise ProcessError(f"not ready after {READY_WITHIN_S:.0f} s: {', '.join(waiting)}")
            if cancelled():
                return
            time.sleep(TICK_S)
        if self.first_frame_ns is None:
            self.start_ns = grid_start_ns(self.clock.now_ns() + START_AFTER_NS)
        else:
            self.clock.set_now(self.first_frame_ns - START_AFTER_NS)
            self.start_ns = self.first_frame_ns
        self._say("started", "all processes are ready")
        beginning = self.folder / "start.new"
        beginning.write_text(str(self.start_ns))
        beginning.rename(self.folder / "start")

    def tick(self) -> None:
        """Reconcile once: hear the processes, start again what died."""
        for received in self._subscriber.drain(timeout_ms=round(TICK_S * 1000)):
            if isinstance(received.message, Health):
                self.health[received.message.process] = received.message
        for child in self.children.values():
            self._reconcile(child)
        while self.unsaid and self._is_heard(self.unsaid[0].t_ns):
            self._publisher.send("event", self.unsaid.pop(0))

    def _is_heard(self, since_ns: int) -> bool:
        """Whether the recorder, if it is to come back, has spoken and had time to listen."""
        recorder = self.children.get(RECORDER)
        if recorder is not None and not recorder.down_for_good:
            said = self.health.get(recorder.name)
            if recorder.pid is None or said is None or said.pid != recorder.pid:
                return False
        return self.clock.now_ns() - since_ns > JOINED_AFTER_NS

    @property
    def cameras_done(self) -> bool:
        """Whether every camera came to the end of its footage."""
        cameras = [c for c in self.children.values() if c.instance.process.name == "camera"]
        return all(child.finished for child in cameras)

    def stop(self) -> None:
        """Stop all, stage by stage; what does not stop in time is killed."""
        while self.unsaid:
            self._publisher.send("event", self.unsaid.pop(0))
        self._say("stopping", "the run ends")
        stages = sorted({child.instance.process.stage for child in self.children.values()})
        for stage in stages:
            members = [c for c in self.children.values() if c.instance.process.stage == stage]
            for child in members:
                if child.pid is not None and child.popen:
                    child.popen.terminate()
            deadline = time.monotonic() + max(c.instance.process.ends_within_s for c in members)
            for child in members:
                _wait(child, deadline)
            for received in self._subscriber.drain(timeout_ms=0):
                if isinstance(received.message, Health):
                    self.health[received.message.process] = received.message

    def _reconcile(self, child: Child) -> None:
        if child.pid is not None:
            if child.coming_back and self._is_ready(child.name):
                child.coming_back = False
                back = self._event("restarted", f"{child.name} is back", child.name)
                self.unsaid.append(back)
        elif child.popen is not None:
            self._bury(child, child.popen.returncode)
        elif not child.down_for_good and self.clock.now_ns() >= child.start_at_ns:
            child.restarts += 1
            child.coming_back = True
            self._spawn(child)

    def _bury(self, child: Child, code: int) -> None:
        self._close(child)
        (self.folder / f"{child.name}.ready").unlink(missing_ok=True)
        if code == 0 and child.instance.process.name == "camera":
            child.finished = True
            self._say("finished", f"{child.name} came to its end", child.name)
            return
        now_ns = self.clock.now_ns()
        child.deaths_ns = (*restarts.recent(child.deaths_ns, now_ns), now_ns)
        child.start_at_ns = now_ns + restarts.wait_ns(child.deaths_ns)
        tail = run_folder.log_tail(self.folder, child.name, lines=3)
        self._say("died", f"{child.name} ended with {_how(code)}. {tail}".strip(), child.name)
        is_camera = child.instance.process.name == "camera"
        if restarts.verdict(child.deaths_ns, keep_trying=is_camera) == "give up":
            child.given_up = True
            self._say("given up", f"{child.name} keeps failing and stays down", child.name)
            if child.instance.process.needed:
                raise ProcessError(
                    f"{child.name} keeps failing; it wrote last:\n"
                    f"{run_folder.log_tail(self.folder, child.name)}"
                )

    def _spawn(self, child: Child) -> None:
        with (self.folder / f"{child.name}.log").open("ab") as log:
            child.popen = subprocess.Popen(
                [sys.executable, "-m", "services.child", str(self.folder), child.name],
                stdin=subprocess.PIPE,  # its end tells the child that we are gone
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[1],
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )

    def _close(self, child: Child) -> None:
        if child.popen and child.popen.stdin:
            child.popen.stdin.close()
        child.popen = None

    def _is_ready(self, name: str) -> bool:
        return (self.folder / f"{name}.ready").exists()

    def _fail_if_ended_early(self) -> None:
        for child in self.children.values():
            if child.popen and child.popen.poll() is not None:
                tail = run_folder.log_tail(self.folder, child.name)
                raise ProcessError(
                    f"{child.name} could not start ({_how(child.popen.returncode)}):\n{tail}"
                )

    def _say(self, name: str, text: str, process: str = "") -> None:
        self._publisher.send("event", self._event(name, text, process))

    def _event(self, name: str, text: str, process: str) -> Event:
        return Event(t_ns=self.clock.now_ns(), name=name, text=text, process=process)


def _wait(child: Child, deadline_s: float) -> None:
    if child.popen is None:
        return
    try:
        child.popen.wait(max(0.0, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.popen.kill()
        child.popen.wait()
    if child.popen.stdin:
        child.popen.stdin.close()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def launcher_is_gone(launcher_pid: int) -> bool:
    """Whether ``uv run`` started us and was killed: it cannot take us with it then."""
    return launcher_pid != os.getppid()


def launched_by_uv() -> int | None:
    """Process id of ``uv`` when it is our parent, else None."""
    comm = Path(f"/proc/{os.getppid()}/comm")
    if comm.exists() and comm.read_text().strip() == "uv":
        return os.getppid()
    return None
