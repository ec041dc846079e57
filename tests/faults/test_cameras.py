"""Live cameras that die, hang and send what cannot be: the rest goes on, no record is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core.messages import Pose3D, view
from services import prepare, synthetic_rig
from services.inventory import take_inventory
from services.session import open_session
from services.supervisor import Supervisor
from tools.verify import verify_session

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
GARBAGE = ("old", "doubled", "out of order", "wrong size", "future")
MM = 1e3


@contextmanager
def live(folder: Path) -> Iterator[Supervisor]:
    """Four synthetic cameras; the last one sends garbage."""
    run = synthetic_rig.write(
        folder / "rig", rate_hz=10, smaller=4, changes={"cam04": {"misbehaves": GARBAGE}}
    )
    run = prepare.with_session(prepare.with_monitor(run, enabled=False, port=0), folder / "session")
    with Supervisor(run) as supervisor:
        supervisor.start()
        yield supervisor


def until(condition: Callable[[], object], within_s: float, supervisor: Supervisor) -> float:
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, f"not within {within_s} s"
        supervisor.tick()
    return time.monotonic() - began_s


def count(supervisor: Supervisor, process: str, name: str) -> int:
    said = supervisor.health.get(process)
    return said.counts.get(name, 0) if said else 0


def spend(supervisor: Supervisor, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    until(lambda: time.monotonic() > end_s, seconds + 10, supervisor)


def test_cameras_may_die_hang_and_send_garbage_and_the_rest_goes_on(tmp_path, capsys):
    rows: list[tuple[str, str, str]] = []
    with live(tmp_path) as supervisor:
        until(lambda: count(supervisor, "fusion", "fused") > 20, 30, supervisor)
        for name in CAMERAS[:3]:
            child = supervisor.children[f"camera.{name}"]
            fused, restarts = count(supervisor, "fusion", "fused"), child.restarts
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            back_s = until(
                lambda c=child, n=restarts: c.restarts > n and not c.coming_back, 20, supervisor
            )
            spend(supervisor, 2.0)
            rows.append(
                (
                    f"kill -9 {name}",
                    f"back after {back_s:.1f} s",
                    f"{count(supervisor, 'fusion', 'fused') - fused} instants fused meanwhile",
                )
            )
        child, fused = supervisor.children["camera.cam02"], count(supervisor, "fusion", "fused")
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        spend(supervisor, 4.0)
        os.kill(child.pid, signal.SIGCONT)
        going = count(supervisor, "fusion", "fused") - fused
        delivered = count(supervisor, child.name, "delivered")
        until(lambda: count(supervisor, child.name, "delivered") > delivered + 5, 10, supervisor)
        rows.append(("SIGSTOP cam02 for 4 s", "goes on by itself", f"{going} instants fused"))
        assert going >= 10
        child = supervisor.children["camera.cam01"]
        pid, restarts = child.pid, child.restarts
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        hung_s = until(lambda: child.restarts > restarts and not child.coming_back, 40, supervisor)
        rows.append(("SIGSTOP cam01 for good", f"started anew after {hung_s:.1f} s", ""))
        until(lambda: not supervisor.unsaid, 10, supervisor)
        offset_ns = supervisor.clock.offset_ns
    session = open_session(tmp_path / "session")
    inventory = take_inventory(session)
    losses = inventory.camera_facts["cam04"].losses
    rows += [("garbage of cam04", reason, str(n)) for reason, n in losses.items()]
    poses = [s.message for s in session.messages(["pose3d"]) if isinstance(s.message, Pose3D)]
    off_m = [
        np.nanmedian(synthetic_rig.off_m(view(person, "measured_m"), pose.t_ns - offset_ns))
        for pose in poses
        for person in pose.persons
        if np.isfinite(view(person, "measured_m")).any()
    ]
    rows.append(("3D error, median", f"{np.median(off_m) * MM:.1f} mm", f"{len(off_m)} instants"))
    with capsys.disabled():
        print()
        for row in rows:
            print(" | ".join(row))
    caught = ("doubled", "out of order", "wrong size", "time does not fit")
    assert {f"device: {one}" for one in caught} <= set(losses)
    under_way = inventory.gaps_by_topic  # what a killed process had given to its socket
    assert set(under_way) <= {f"packet/{name}" for name in CAMERAS[:3]}
    assert all(n <= 2 for n in under_way.values())
    assert np.median(off_m) < 0.01
    found = verify_session(session)
    assert (found.identical, found.different) == (True, 0)
