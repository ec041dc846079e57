"""The processes of one host: what should run and what runs, reconciled each tick.

A process that dies is started again after a wait that doubles; a crash loop ends a needed process'
run. Cameras that come to the end of their footage end with 0 and stay down.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from capture.clock import RigClock
from core.errors import ProcessError
from core.messages import Event
from services import restarts, run_folder
from services.processes import Instance


@dataclass
class Child:
    """One process of the run, as its supervisor sees it."""

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


class Children:
    """Starts, watches and stops the processes of one host."""

    def __init__(
        self,
        instances: Iterable[Instance],
        folder: Path,
        clock: RigClock,
        say: Callable[[Event], None],
        say_restarted: Callable[[Event], None],
    ) -> None:
        """``say_restarted`` is apart: who is to hear of it may be what was restarted."""
        self.by_name = {one.name: Child(one) for one in instances}
        self._folder, self._clock = folder, clock
        self._say, self._say_restarted = say, say_restarted

    def start(self) -> None:
        """Start all of them."""
        for child in self.by_name.values():
            self._spawn(child)

    @property
    def waited_for(self) -> list[str]:
        """Those that are not ready."""
        return [name for name in self.by_name if not run_folder.is_ready(self._folder, name)]

    def fail_if_ended_early(self) -> None:
        """ProcessError when one ended before the start, with the last lines it wrote."""
        for child in self.by_name.values():
            if child.popen and child.popen.poll() is not None:
                tail = run_folder.log_tail(self._folder, child.name)
                raise ProcessError(
                    f"{child.name} could not start ({_how(child.popen.returncode)}):\n{tail}"
                )

    def reconcile(self) -> None:
        """Start again what died; ProcessError when a needed one keeps failing."""
        for child in self.by_name.values():
            self._reconcile(child)

    def kill(self, name: str, why: str) -> None:
        """End a process that does no good; it is started again as one that died."""
        child = self.by_name[name]
        if child.pid is not None and child.popen:
            self._say(self._event("hung", f"{name} {why}", name))
            child.popen.kill()

    def stop(self, between: Callable[[], None] = lambda: None) -> None:
        """Stop all, stage by stage, and call ``between``; what does not stop in time is killed."""
        stages = sorted({child.instance.process.stage for child in self.by_name.values()})
        for stage in stages:
            members = [c for c in self.by_name.values() if c.instance.process.stage == stage]
            for child in members:
                if child.pid is not None and child.popen:
                    child.popen.terminate()
            deadline = time.monotonic() + max(c.instance.process.ends_within_s for c in members)
            for child in members:
                _wait(child, deadline)
            between()

    def _reconcile(self, child: Child) -> None:
        if child.pid is not None:
            if child.coming_back and run_folder.is_ready(self._folder, child.name):
                child.coming_back = False
                back = self._event("restarted", f"{child.name} is back", child.name)
                self._say_restarted(back)
        elif child.popen is not None:
            self._bury(child, child.popen.returncode)
        elif not child.down_for_good and self._clock.now_ns() >= child.start_at_ns:
            child.restarts += 1
            child.coming_back = True
            self._spawn(child)

    def _bury(self, child: Child, code: int) -> None:
        if child.popen and child.popen.stdin:
            child.popen.stdin.close()
        child.popen = None
        (self._folder / f"{child.name}.ready").unlink(missing_ok=True)
        if code == 0 and child.instance.is_camera:
            child.finished = True
            self._say(self._event("finished", f"{child.name} came to its end", child.name))
            return
        now_ns = self._clock.now_ns()
        child.deaths_ns = (*restarts.recent(child.deaths_ns, now_ns), now_ns)
        child.start_at_ns = now_ns + restarts.wait_ns(child.deaths_ns)
        tail = run_folder.log_tail(self._folder, child.name, lines=3)
        text = f"{child.name} ended with {_how(code)}. {tail}".strip()
        self._say(self._event("died", text, child.name))
        keep_trying = child.instance.is_camera
        if restarts.verdict(child.deaths_ns, keep_trying=keep_trying) == "give up":
            self._give_up(child)

    def _give_up(self, child: Child) -> None:
        child.given_up = True
        text = f"{child.name} keeps failing and stays down"
        self._say(self._event("given up", text, child.name))
        if child.instance.process.needed:
            raise ProcessError(
                f"{child.name} keeps failing; it wrote last:\n"
                f"{run_folder.log_tail(self._folder, child.name)}"
            )

    def _spawn(self, child: Child) -> None:
        with (self._folder / f"{child.name}.log").open("ab") as log:
            child.popen = subprocess.Popen(
                [sys.executable, "-m", "services.child", str(self._folder), child.name],
                stdin=subprocess.PIPE,  # its end tells the child that we are gone
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[1],
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )

    def _event(self, name: str, text: str, process: str) -> Event:
        return Event(t_ns=self._clock.now_ns(), name=name, text=text, process=process)


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
