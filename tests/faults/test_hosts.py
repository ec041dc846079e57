"""Cameras on two hosts: two network namespaces, each with its own monotonic clock.

Both clocks are the same hardware clock, 500 s apart, so the truth is known to the nanosecond, and
there is no drift between them: that is for ``tests/unit/test_rig_time.py``.
"""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.messages import Pose3D, view
from services import synthetic_footage
from services.inventory import take_inventory
from services.session import open_session
from tests.command import ROOT
from tests.faults.hosts_run import (
    DISTANT,
    NEAR,
    Recorded,
    events_of,
    is_running,
    joining,
    process_of,
    recorded,
    running,
)
from tests.faults.two_hosts import HUB, TwoHosts

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

RATE_HZ, N_FRAMES = 10, 20
DOWN_S = 2.0
ONE_WAY_MS = 5.0
STEPPING_CLOCK = ROOT / "tests" / "faults" / "stepping_clock"


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


KEPT_UP = 0.5  # part of the instants that two busy cores must at least follow


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
    assert len(whole) >= KEPT_UP * len(before)
    assert sum(bool(one.persons) for one in whole) >= 0.8 * len(whole)


def test_a_pulled_cable_costs_the_others_nothing_and_the_cameras_come_back(pulled):
    between = [one for one in pulled.poses if pulled.down_ns < one.t_ns <= pulled.up_ns]
    print(
        f"\ncable out for {DOWN_S} s: {len(between)} instants fused meanwhile; all four cameras "
        f"fused again {pulled.rejoined_s:.2f} s after"
    )
    assert len(between) >= KEPT_UP * (pulled.up_ns - pulled.down_ns) * 1e-9 * RATE_HZ
    for name in NEAR:
        numbers = [one.packet for one in pulled.recorded.packets(name)]
        assert numbers == list(range(len(numbers))), f"{name}: a packet is missing"
    facts = take_inventory(pulled.recorded.session).camera_facts
    for name in DISTANT:
        numbers = [one.packet for one in pulled.recorded.packets(name)]
        missing = 1 + max(numbers) - len(numbers)
        print(f"{name}: {missing} of {1 + max(numbers)} packets lost; {facts[name].losses}")
        assert facts[name].losses.get("network: no packet", 0) == missing
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
    names = [one.name for one in events_of(pulled.recorded.session.path)]
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


def test_a_host_may_come_late_lose_a_camera_die_and_come_again(hosts, rig, tmp_path):
    impatient = rig.with_name("impatient.toml")
    text = rig.read_text()
    impatient.write_text(text.replace("[bus]\n", "[bus]\nhosts_within_s = 0.5\n"))
    out = tmp_path / "session"
    with running(hosts, impatient, out) as run:
        run.more(3, NEAR)
        with joining(hosts, HUB, tmp_path / "far.log") as run.far:
            run.more(5, NEAR + DISTANT)
            camera = process_of(run.far.process.pid, "camera.cam03")
            os.kill(camera, signal.SIGKILL)
            run.more(1, (*NEAR, "cam04"))
            print(f"\ncam03 back {run.more(1, NEAR + DISTANT):.2f} s after it was missed")
            other = process_of(run.far.process.pid, "camera.cam04")
            run.far.process.kill()
            run.far = None
            run.more(10, NEAR)
            run.until(lambda: not is_running(other))
        with joining(hosts, HUB, tmp_path / "far.log") as run.far:
            run.more(5, NEAR + DISTANT)
            gate = process_of(run.hub.pid, "gate")
            os.kill(gate, signal.SIGKILL)
            run.until(lambda: not is_running(gate))
            print(f"all cameras {run.more(1, NEAR + DISTANT):.2f} s after the gate was gone")
            run.more(20, NEAR + DISTANT)  # it is told of when the recorder can hear it
            run.end()
    names = [one.name for one in events_of(out)]
    print(", ".join(names))
    in_order = [
        "missing", "started", "joined", "died", "restarted", "gone", "joined", "died", "restarted",
        "stopping",
    ]  # fmt: skip
    assert [one for one in names if one in in_order] == in_order


def test_a_run_ends_with_the_footage_of_both_hosts_and_every_frame_is_accounted_for(
    hosts, rig, tmp_path
):
    out, seconds = tmp_path / "session", 6
    with (
        joining(hosts, HUB, tmp_path / "far.log") as far,
        running(hosts, rig, out, far, "--seconds", str(seconds), "--json") as run,
    ):
        assert run.hub.wait(60) == 0, run.said()
        assert far.process.wait(30) == 0, run.said()
        summary = json.loads(run.log.read_text().splitlines()[-1])
    for name in NEAR + DISTANT:
        assert len(recorded(out).packets(name)) == seconds * RATE_HZ
    assert summary["frames_in"] == 4 * seconds * RATE_HZ
    assert summary["frames_unaccounted"] == 0
    assert not summary["interrupted"]


def test_a_hub_that_was_killed_is_rejoined(hosts, rig, tmp_path):
    with joining(hosts, HUB, tmp_path / "far.log") as far:
        with running(hosts, rig, tmp_path / "first", far) as run:
            run.hub.kill()
            run.hub.wait()
        with running(hosts, rig, tmp_path / "second", far) as run:
            run.more(10, NEAR + DISTANT)
            run.end()
    assert open_session(tmp_path / "second").closed
    assert "stopping" not in [one.name for one in events_of(tmp_path / "first")]
