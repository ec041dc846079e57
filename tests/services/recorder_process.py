"""A real recorder process and the sockets of all others, for tests."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from capture.clock import RigClock
from core.config import RunConfig
from core.messages import Health
from services import processes, run_folder
from services.bus import Publisher, Subscriber
from tests.services import session_builder as builder

DEADLINE_S = 30.0


@dataclass
class RecorderProcess:
    """The process, and who talks to it."""

    folder: Path
    child: subprocess.Popen[bytes]
    clock: RigClock
    mouths: dict[str, Publisher]
    ear: Subscriber
    taken: int = 0
    """Messages that the recorder said it has taken."""
    number: int = 0

    def talk_until(self, enough: Callable[[], bool], packet_bytes: int = 500) -> int:
        """Say packets, keypoints and health; returns how many of each camera were said."""
        deadline = time.monotonic() + DEADLINE_S
        while not enough():
            assert time.monotonic() < deadline
            assert self.child.poll() is None
            self.talk(packet_bytes)
            self.listen()
        return self.number

    def talk(self, packet_bytes: int) -> None:
        """Say one frame of each camera."""
        for name in builder.CAMERAS:
            packet = builder.packet(name, self.number, packet_bytes)
            self.mouths[f"camera.{name}"].send("packet", packet)
            self.mouths["pose.0"].send("keypoints2d", builder.keypoints(name, self.number))
        health = builder.health("supervisor", self.clock.now_ns(), {})
        self.mouths["supervisor"].send("health", health)
        self.number += 1

    def spawn_again(self) -> None:
        """Start a new recorder in the place of one that has ended."""
        self.end()
        self.child, self.taken = _spawn(self.folder), 0

    def end(self) -> None:
        """Kill it if it still runs."""
        _end(self.child)

    def listen(self) -> None:
        """Wait a moment for the recorder's health."""
        received = self.ear.receive(10)
        if received is not None and isinstance(received.message, Health):
            self.taken = received.message.counts.get("messages", 0)


@contextmanager
def start(run: RunConfig, *, also: str = "") -> Iterator[RecorderProcess]:
    """Start a recorder in a run folder as the supervisor makes it; before it, ``also``."""
    folder, clock = run_folder.create(run)
    everybody = {one.name: one for one in processes.instances(run)}
    at = {name: processes.endpoint(run, str(folder), one) for name, one in everybody.items()}
    with ExitStack() as open_things:
        open_things.callback(shutil.rmtree, folder)
        mouths = {
            name: open_things.enter_context(
                Publisher(at[name], name, builder.LIFE_NS, (*one.process.writes, "health"))
            )
            for name, one in everybody.items()
            if name not in ("recorder", also)
        }
        ear = open_things.enter_context(Subscriber([at["recorder"]], ["health"]))
        if also:
            open_things.callback(_end, _spawned(folder, also))
        process = RecorderProcess(folder, _spawn(folder), clock, mouths, ear)
        open_things.callback(process.end)
        yield process


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _spawned(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start another process and wait for its sockets."""
    child, deadline = _spawn(folder, name), time.monotonic() + DEADLINE_S
    while not run_folder.is_ready(folder, name):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    return child


def _spawn(folder: Path, name: str = "recorder") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.child", str(folder), name],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
