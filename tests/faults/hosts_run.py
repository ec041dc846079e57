"""A rig of two hosts, run from the command lines of both, and what it recorded."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core import config
from core.messages import Event, HostClockSample, Packet, Pose3D, view
from services import processes
from services.bus import Subscriber
from services.session import Session, open_session
from tests.faults.two_hosts import APART_S, TwoHosts

NEAR, DISTANT = ("cam01", "cam02"), ("cam03", "cam04")


class Far(NamedTuple):
    """The far host."""

    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Run:
    """A live run on the hub, listened to from outside."""

    hub: subprocess.Popen[bytes]
    far: Far | None
    log: Path
    source: Subscriber
    poses: list[Pose3D] = field(default_factory=list)

    def until(self, condition: Callable[[], object], within_s: float = 60.0) -> float:
        """Listen until it holds; how long that took."""
        began_s = time.monotonic()
        while not condition():
            assert self.hub.poll() is None, self.said()
            assert self.far is None or self.far.process.poll() is None, self.said()
            assert time.monotonic() - began_s < within_s, f"not within {within_s} s\n{self.said()}"
            heard = (one.message for one in self.source.drain(50))
            self.poses += [one for one in heard if isinstance(one, Pose3D)]
        return time.monotonic() - began_s

    def more(self, n: int, cameras: tuple[str, ...]) -> float:
        """Listen until so many instants more were fused of exactly these cameras."""
        begin = len(self.poses)
        return self.until(lambda: sum(p.cameras == cameras for p in self.poses[begin:]) >= n)

    def end(self) -> None:
        """Ctrl-C at the hub, and nowhere else."""
        self.hub.send_signal(signal.SIGINT)
        assert self.hub.wait(30) == 0, self.said()
        assert self.far is None or self.far.process.wait(30) == 0, self.said()

    def said(self) -> str:
        """What both command lines printed, and of which cameras the last instants were."""
        logs = [self.log, self.far.log] if self.far else [self.log]
        last = ", ".join("+".join(one.cameras) or "none" for one in self.poses[-20:])
        return "\n".join([*(log.read_text() for log in logs), f"last fused: {last}"])


@contextmanager
def joining(
    hosts: TwoHosts, hub: str, log: Path, *, more_path: Path | None = None, apart_s: int = APART_S
) -> Iterator[Far]:
    """The far host, from its command line on."""
    command = ("tools.cli", "join", hub, "--host", "lab2")
    with hosts.on_far(*command, log=log, more_path=more_path, apart_s=apart_s) as process:
        yield Far(process, log)


@contextmanager
def running(
    hosts: TwoHosts, rig: Path, out: Path, far: Far | None = None, *more: str
) -> Iterator[Run]:
    """The hub, from its command line on; all four cameras are fused where the far host is there."""
    log = out.with_suffix(".log")
    up = ("tools.cli", "up", str(rig), "--headless", "--out", str(out), *more)
    with ExitStack() as stack:
        hub = stack.enter_context(hosts.on_hub(*up, log=log))
        folder = _run_folder(out, hub)
        settings = config.parse((folder / "run.json").read_bytes())
        fusion = next(one for one in processes.instances(settings) if one.name == "fusion")
        heard_at = processes.endpoint(settings, str(folder), fusion)
        source = stack.enter_context(Subscriber([heard_at], ["pose3d"]))
        run = Run(hub, far, log, source)
        if far:
            run.more(1, NEAR + DISTANT)
        yield run


def _run_folder(out: Path, hub: subprocess.Popen[bytes], within_s: float = 60.0) -> Path:
    """The hub's run folder, once it is whole: the recorder's session tells which it is."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and hub.poll() is None:
        for place in (Path("/dev/shm"), Path("/tmp")):
            for folder in place.glob("kinelive-*"):
                settings = folder / "run.json"
                whole = (folder / "calibration.json").exists() and settings.exists()
                if whole and str(out) in settings.read_text():
                    return folder
        time.sleep(0.05)
    raise AssertionError("no run began")


def process_of(ancestor: int, name: str) -> int:
    """Process id of an instance below another process."""
    found = subprocess.run(
        ["pgrep", "-f", rf"services.child \S+ {name}$"], capture_output=True, text=True, check=True
    )
    mine = [int(pid) for pid in found.stdout.split() if ancestor in _ancestors(int(pid))]
    assert len(mine) == 1, found.stdout
    return mine[0]


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1:
        status = Path(f"/proc/{pid}/stat").read_text()
        pid = int(status.rsplit(")", 1)[1].split()[1])
        found.append(pid)
    return found


@dataclass
class Recorded:
    """A session, and the errors of the far host's clock in it."""

    session: Session
    samples: list[HostClockSample]
    true_offset_ns: int

    @property
    def fitted_error_ms(self) -> np.ndarray:
        return np.array([one.offset_ns - self.true_offset_ns for one in self.samples]) * 1e-6

    @property
    def shown_error_ms(self) -> np.ndarray:
        return np.array([one.shown_offset_ns - self.true_offset_ns for one in self.samples]) * 1e-6

    @property
    def uncertainty_ms(self) -> np.ndarray:
        return np.array([one.uncertainty_ns for one in self.samples]) * 1e-6

    def packets(self, camera: str) -> list[Packet]:
        found = (one.message for one in self.session.packets(camera))
        return [one for one in found if isinstance(one, Packet)]

    def print(self, of: str) -> None:
        took_ns = np.concatenate(
            [view(one, "back_ns") - view(one, "sent_ns") for one in self.samples]
        )
        fitted, shown, unsure = self.fitted_error_ms, self.shown_error_ms, self.uncertainty_ms
        took_ms = [f"{one * 1e-6:.2f}" for one in np.percentile(took_ns, (5, 50, 95))]
        print(
            f"\n{of}: {len(self.samples)} s; error of the relation {fitted.min():+.3f} … "
            f"{fitted.max():+.3f} ms, of the rig clock in force {shown.min():+.3f} … "
            f"{shown.max():+.3f} ms; stated uncertainty {unsure.min():.3f} … {unsure.max():.3f} "
            f"ms; round trips {' / '.join(took_ms)} ms (5, 50, 95 %)"
        )


def recorded(out: Path, apart_s: int = APART_S) -> Recorded:
    """Both hosts have the same hardware clock: the true offset is the one that was set."""
    session = open_session(out)
    said = (one.message for one in session.messages(["host_clock"]))
    samples = [one for one in said if isinstance(one, HostClockSample)]
    return Recorded(session, samples, session.manifest.clock_offset_ns - apart_s * 10**9)


def events_of(out: Path) -> list[Event]:
    said = (one.message for one in open_session(out).messages(["event"]))
    return [one for one in said if isinstance(one, Event)]
