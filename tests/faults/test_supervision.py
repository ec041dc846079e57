"""The live chain under kills: real processes, real footage."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from core.errors import ProcessError
from services import models, prepare
from services.session import open_session
from services.supervisor import Child, Supervisor
from tests.command import ROOT, kinelive
from tools import body_models
from tools.demo import CONFIG
from tools.verify import verify_session

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]


def until(condition: Callable[[], object], within_s: float, tick: Callable[[], object]) -> float:
    """Tick until the condition holds; return how long it took."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, f"not within {within_s} s"
        tick()
    return time.monotonic() - began_s


@contextmanager
def live(out: Path, seconds: float = 0.0) -> Iterator[Supervisor]:
    """The demo's chain without a browser."""
    for group in ("demo", "blazepose"):
        models.ensure(group)
    run = prepare.with_footage_seconds(prepare.read_run(CONFIG), seconds)
    run = body_models.prepared(run, progress=print)
    run = prepare.with_session(prepare.with_monitor(run, enabled=True, port=0), out)
    with Supervisor(run) as supervisor:
        supervisor.start()
        yield supervisor


def fused(supervisor: Supervisor) -> int:
    health = supervisor.health.get("fusion")
    return health.counts.get("fused", 0) if health else 0


def back(child: Child, restarts_before: int) -> bool:
    return child.restarts > restarts_before and not child.coming_back


def restarts_on_disk(session: Path) -> int:
    events = open_session(session).messages(["event"])
    return sum(one.message.name == "restarted" for one in events)  # pyright: ignore[reportAttributeAccessIssue]


def running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_any_killed_process_comes_back_and_the_rest_goes_on(tmp_path):
    with live(tmp_path / "session") as supervisor:
        until(lambda: fused(supervisor) > 10, 30, supervisor.tick)
        for name in ("camera.cam02", "pose.1", "fusion", "kinematics", "monitor", "recorder"):
            child = supervisor.children[name]
            pid = child.pid
            assert pid is not None
            if name == "recorder":  # its last flush interval dies with it
                until(lambda: restarts_on_disk(tmp_path / "session") == 5, 10, supervisor.tick)
            os.kill(pid, signal.SIGKILL)
            took_s = until(lambda c=child, n=child.restarts: back(c, n), 10, supervisor.tick)
            print(f"{name}: back {took_s:.2f} s after kill -9")
            assert child.pid not in (None, pid)
            before = fused(supervisor)
            until(lambda b=before: fused(supervisor) not in (b, 0), 10, supervisor.tick)
        until(lambda: not supervisor.unsaid, 10, supervisor.tick)
        others = {one.name for one in supervisor.children.values() if one.restarts == 0}
        assert others == {"camera.cam01", "camera.cam03", "camera.cam04", "pose.0"}
    assert restarts_on_disk(tmp_path / "session") == 6
    found = verify_session(open_session(tmp_path / "session"))
    assert (found.identical, found.different) == (True, 0), found
    assert found.kinematics is not None
    assert found.kinematics.compared > 0


def test_a_process_that_cannot_start_ends_the_run_with_its_words(tmp_path):
    models.ensure("demo")
    run = prepare.read_run(CONFIG)
    broken = tmp_path / "no.mp4"
    broken.write_text("this is no video")
    first = msgspec.structs.replace(run.cameras[0], path=str(broken))
    run = msgspec.structs.replace(run, cameras=(first, *run.cameras[1:]))
    run = prepare.with_session(prepare.with_monitor(run, enabled=False, port=None), tmp_path / "s")
    with Supervisor(run) as supervisor, pytest.raises(ProcessError, match="cannot be opened"):
        supervisor.start()


@contextmanager
def demo_process(out: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tools.cli", "demo", "--headless", "--out", str(out)]
    with subprocess.Popen(
        [*command, "--port", "0", *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def recording(out: Path) -> bool:
    return any(path.stat().st_size > 3_000_000 for path in out.glob("cam0*.mcap"))


def sleep_a_little() -> None:
    time.sleep(0.05)


def test_a_killed_supervisor_leaves_no_orphan_and_a_closed_recording(tmp_path):
    with demo_process(tmp_path / "s", "--seconds", "60") as process:
        until(lambda: recording(tmp_path / "s"), 60, sleep_a_little)
        children = children_of(process.pid)
        assert len(children) == 10
        process.kill()
        process.wait()
        took_s = until(lambda: not any(map(running, children)), 5, sleep_a_little)
        print(f"all processes gone {took_s:.2f} s after the supervisor was killed")


def test_killing_everything_loses_only_the_last_flush_interval(tmp_path):
    with demo_process(tmp_path / "s", "--seconds", "60") as process:
        until(lambda: recording(tmp_path / "s"), 60, sleep_a_little)
        everything = [process.pid, *children_of(process.pid)]
        killed_ns = time.time_ns()
        for pid in everything:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        session = open_session(tmp_path / "s")
        last_ns = max(stored.log_time_ns for stored in session.messages())
        print(f"last record {(killed_ns - last_ns) / 1e6:.0f} ms before the kill")
        assert killed_ns - last_ns < 700_000_000
        assert not session.closed
        inspected = kinelive("inspect", str(tmp_path / "s"), "--json")
        assert json.loads(inspected.stdout.splitlines()[-1])["complete"] is False
        verified = kinelive("verify", str(tmp_path / "s"), "--json")
        answer = json.loads(verified.stdout.splitlines()[-1])
        assert answer["identical"]
        assert answer["compared"] > 5
        assert verified.returncode == 0


def test_ctrl_c_ends_cleanly_within_three_seconds(tmp_path):
    with demo_process(tmp_path / "s", "--seconds", "60", "--json") as process:
        until(lambda: recording(tmp_path / "s"), 60, sleep_a_little)
        process.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        children = children_of(process.pid)
        until(lambda: not any(map(running, children)), 5, sleep_a_little)
        stopped_s = time.monotonic() - began_s
        output, errors = process.communicate(timeout=30)
        print(f"stopped {stopped_s:.2f} s after Ctrl-C")
        summary = json.loads(output.splitlines()[-1])
        assert summary["interrupted"] is True
        assert process.returncode == 0, errors
        assert open_session(tmp_path / "s").closed
