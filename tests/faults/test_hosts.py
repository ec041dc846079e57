"""Cameras on two hosts: two network namespaces, each with its own monotonic clock.

Both clocks are the same hardware clock, 500 s apart, so the truth is known to the nanosecond, and
there is no drift between them: that is for ``tests/unit/test_rig_time.py``.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from core import config
from core.messages import Event, HostClockSample, Packet, Pose3D, view
from services import processes, synthetic_footage
from services.bus import Subscriber
from services.session import Session, open_session
from tests.command import ROOT
from tests.faults.two_hosts import APART_S, HUB, TwoHosts, need_two_hosts

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

RATE_HZ, N_FRAMES = 10, 20
NEAR, DISTANT = ("cam01", "cam02"), ("cam03", "cam04")
DOWN_S = 2.0
ONE_WAY_MS = 5.0
STEPPING_CLOCK = ROOT / "tests" / "faults" / "stepping_clock"


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    need_two_hosts()
    with TwoHosts() as two:
        yield two


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rig of 2 + 2 cameras."""
    folder = tmp_path_factory.mktemp("rig")
    footage = synthetic_footage.write(folder, n_people=1, n_frames=N_FRAMES, rate_hz=RATE_HZ)
    text = footage.run_file.read_text()
    for name in DISTANT:
        text = text.replace(
            f'name = "{name}"\npath = "{name}.mp4"',
            f'name = "{name}"\nhost = "lab2"\npath = "{folder / name}.mp4"',
        )
    more = f'[bus]\nhost = "{HUB}"\n[monitor]\nenabled = false\n[kinematics]\nenabled = false\n'
    footage.run_file.write_text(f"{text}\n{more}")
    return footage.run_file


class Far(NamedTuple):
    """The far host."""

    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Run:
    """A live run on the hub, listened to from outside."""

    hub: subprocess.Popen[bytes]
    far: subprocess.Popen[bytes]
    logs: tuple[Path, ...]
    source: Subscriber
    poses: list[Pose3D] = field(default_factory=list)

    def until(self, condition: Callable[[], object], within_s: float = 60.0) -> float:
        """Listen until it holds; how long that took."""
        began_s = time.monotonic()
        while not condition():
            assert self.hub.poll() is None, self.said()
            assert self.far.poll() is None, self.said()
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
        assert self.far.wait(30) == 0, self.said()

    def said(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)


@contextmanager
def joining(hosts: TwoHosts, hub: str, log: Path, **more: Path) -> Iterator[Far]:
    """The far host, from its command line on."""
    command = ("tools.cli", "join", hub, "--host", "lab2")
    with hosts.on_far(*command, log=log, **more) as process:
        yield Far(process, log)


@contextmanager
def running(hosts: TwoHosts, rig: Path, out: Path, far: Far) -> Iterator[Run]:
    """The hub, from its command line on, until all four cameras are fused."""
    log = out.with_suffix(".log")
    up = ("tools.cli", "up", str(rig), "--headless", "--out", str(out))
    with ExitStack() as stack:
        hub = stack.enter_context(hosts.on_hub(*up, log=log))
        folder = _run_folder(out, hub)
        run = config.parse((folder / "run.json").read_bytes())
        fusion = next(one for one in processes.instances(run) if one.name == "fusion")
        heard_at = processes.endpoint(run, str(folder), fusion)
        source = stack.enter_context(Subscriber([heard_at], ["pose3d"]))
        found = Run(hub, far.process, (log, far.log), source)
        found.more(1, NEAR + DISTANT)
        yield found


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


def recorded(out: Path) -> Recorded:
    """Both hosts have the same hardware clock: the true offset is the one that was set."""
    session = open_session(out)
    said = (one.message for one in session.messages(["host_clock"]))
    samples = [one for one in said if isinstance(one, HostClockSample)]
    return Recorded(session, samples, session.manifest.clock_offset_ns - APART_S * 10**9)


@dataclass
class Pulled:
    """A run in which the cable was pulled once."""

    recorded: Recorded
    poses: list[Pose3D]
    down_ns: int
    up_ns: int
    rejoined_s: float
    wall_clock_stepped: bool


@pytest.fixture(scope="module")
def pulled(hosts: TwoHosts, rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Pulled:
    """Quiet for a while, then the cable is out for two seconds; the far wall clock steps."""
    out = tmp_path_factory.mktemp("pulled") / "session"
    log = out.with_suffix(".far.log")
    with (
        joining(hosts, HUB, log, more_path=STEPPING_CLOCK) as far,
        running(hosts, rig, out, far) as run,
    ):
        run.more(60, NEAR + DISTANT)
        down_ns = run.poses[-1].t_ns
        hosts.cable(plugged=False)
        down_s = time.monotonic()
        run.more(5, NEAR)
        run.until(lambda: time.monotonic() - down_s > DOWN_S)
        hosts.cable(plugged=True)
        up_ns = run.poses[-1].t_ns
        rejoined_s = run.more(1, NEAR + DISTANT)
        run.more(30, NEAR + DISTANT)
        run.end()
        poses = run.poses
    stepped = "the wall clock steps" in log.read_text()
    return Pulled(recorded(out), poses, down_ns, up_ns, rejoined_s, stepped)


def test_the_clock_of_the_other_host_is_known_within_half_a_millisecond(pulled):
    pulled.recorded.print("quiet link")
    assert pulled.wall_clock_stepped
    assert len(pulled.recorded.samples) >= 8
    assert np.abs(pulled.recorded.fitted_error_ms).max() < 0.5
    assert np.abs(pulled.recorded.shown_error_ms).max() < 0.5
    assert (np.abs(pulled.recorded.fitted_error_ms) <= pulled.recorded.uncertainty_ms).all()


def test_cameras_of_both_hosts_fuse(pulled):
    before = [one for one in pulled.poses if one.t_ns < pulled.down_ns]
    whole = [one for one in before if one.cameras == NEAR + DISTANT]
    print(f"\n{len(whole)} of {len(before)} instants fused of all four cameras")
    assert len(whole) >= 0.8 * len(before)
    assert sum(bool(one.persons) for one in whole) >= 0.8 * len(whole)


def test_a_pulled_cable_costs_the_others_nothing_and_the_cameras_come_back(pulled):
    between = [one for one in pulled.poses if pulled.down_ns < one.t_ns <= pulled.up_ns]
    print(
        f"\ncable out for {DOWN_S} s: {len(between)} instants fused meanwhile; all four cameras "
        f"fused again {pulled.rejoined_s:.2f} s after"
    )
    assert len(between) >= 0.8 * (pulled.up_ns - pulled.down_ns) * 1e-9 * RATE_HZ
    for name in NEAR:
        numbers = [one.packet for one in pulled.recorded.packets(name)]
        assert numbers == list(range(len(numbers))), f"{name}: a packet is missing"
    for name in DISTANT:
        numbers = [one.packet for one in pulled.recorded.packets(name)]
        print(f"{name}: {1 + max(numbers) - len(numbers)} of {1 + max(numbers)} packets missing")
        assert len(set(numbers)) == len(numbers)


def test_the_packets_of_both_hosts_lie_on_one_time_line(pulled):
    times = {
        name: {one.frame: one.t_ns for one in pulled.recorded.packets(name)}
        for name in NEAR + DISTANT
    }
    common = set.intersection(*(set(one) for one in times.values()))
    assert len(common) > 60
    for frame in common:
        assert len({one[frame] for one in times.values()}) == 1


def test_what_happened_is_recorded(pulled):
    events = [one.message for one in pulled.recorded.session.messages(["event"])]
    names = [one.name for one in events if isinstance(one, Event)]
    print("\n" + ", ".join(names))
    assert names.count("started") == names.count("stopping") == 1
    assert "died" not in names
    assert pulled.recorded.session.closed


def test_an_uneven_way_is_within_the_stated_uncertainty(hosts, rig, tmp_path):
    out = tmp_path / "session"
    pairs = [word for k in (1, 2) for word in (f"{HUB}:{7600 - k}", f"{HUB}:{5600 - k}")]
    slow = ("tests.faults.slow_link", str(ONE_WAY_MS), *pairs)
    with (
        hosts.on_hub(*slow, log=tmp_path / "slow.log"),
        joining(hosts, f"{HUB}:7600", tmp_path / "far.log") as far,
        running(hosts, rig, out, far) as run,
    ):
        run.more(40, NEAR + DISTANT)
        run.end()
    found = recorded(out)
    found.print(f"{ONE_WAY_MS} ms on one way")
    assert found.fitted_error_ms.max() > 0.4 * ONE_WAY_MS, "the proxy delays nothing"
    assert (np.abs(found.fitted_error_ms) <= found.uncertainty_ms).all()
    for sample in found.samples:
        assert len(view(sample, "sent_ns")) == len(view(sample, "back_ns")) > 0


def test_a_hub_that_was_killed_is_rejoined(hosts, rig, tmp_path):
    with joining(hosts, HUB, tmp_path / "far.log") as far:
        with running(hosts, rig, tmp_path / "first", far) as run:
            run.hub.kill()
            run.hub.wait()
        with running(hosts, rig, tmp_path / "second", far) as run:
            run.more(10, NEAR + DISTANT)
            run.end()
    assert open_session(tmp_path / "second").closed
