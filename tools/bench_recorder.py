"""A recorder's process at work, fed over real sockets at the pace of cameras."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from core.config import RunConfig
from core.errors import ProcessError
from core.messages import Message
from core.topics import key
from services import processes, run_folder
from services.bus import Publisher
from services.inventory import take_inventory
from services.session import open_session

_RATE_HZ = 60
_WITHIN_S = 30.0
_WARM_S = 3.0
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Work(msgspec.Struct, frozen=True):
    """What a recorder needed, and lost."""

    minutes: float
    mb_per_s: float
    cpu_percent: float
    """Of one core."""
    said: int
    dropped: int
    """Counted by the recorder, for any cause."""
    gaps: int
    """Missing and not counted: none may be."""
    memory_mb: float
    """Resident, once it runs."""
    grown_mb: float
    """By how much it grew from then to the end."""


def work(run: RunConfig, instants: Iterator[list[tuple[str, Message]]], minutes: float) -> Work:
    """Let a recorder write so many minutes of what four cameras say."""
    with _recorder(run) as (child, mouths):
        pid, n_bytes, number = child.pid, 0, 0
        begin_s = time.monotonic()
        cpu_s, memory_mb, warm_s = 0.0, 0.0, begin_s
        while (now_s := time.monotonic()) - begin_s < max(60 * minutes, 2 * _WARM_S):
            if not memory_mb and now_s - begin_s > _WARM_S:
                cpu_s, memory_mb, warm_s = _cpu_s(pid), _memory_mb(pid), now_s
            for topic, message in next(instants):
                mouths[topic, getattr(message, "camera", "")].send(topic, message)
                n_bytes += len(getattr(message, "payload", b""))
            number += 1
            time.sleep(max(0.0, begin_s + number / _RATE_HZ - time.monotonic()))
        took_s = time.monotonic() - warm_s
        cpu_s, grown_mb = _cpu_s(pid) - cpu_s, _memory_mb(pid) - memory_mb
        child.terminate()
        child.wait(_WITHIN_S)
    found = take_inventory(open_session(Path(run.recorder.session)))
    return Work(
        minutes=(time.monotonic() - begin_s) / 60,
        mb_per_s=n_bytes / 1e6 / (time.monotonic() - begin_s),
        cpu_percent=100 * cpu_s / took_s,
        said=2 * number * len(run.cameras),
        dropped=found.drops,
        gaps=found.gaps,
        memory_mb=memory_mb,
        grown_mb=grown_mb,
    )


Mouths = dict[tuple[str, str], Publisher]
"""Who says a topic of a camera."""


@contextmanager
def _recorder(run: RunConfig) -> Iterator[tuple[subprocess.Popen[bytes], Mouths]]:
    """A recorder in a run folder, and the sockets of those that it listens to."""
    folder, _ = run_folder.create(run)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        mouths: Mouths = {}
        for one in processes.instances(run):
            if one.name == "recorder":
                continue
            address = processes.endpoint(run, str(folder), one)
            mouth = stack.enter_context(Publisher(address, one.name, 0, one.topics))
            mouths |= {(topic, camera): mouth for topic in one.topics for camera in one.cameras}
        child = subprocess.Popen(
            [sys.executable, "-m", "services.child", str(folder), "recorder"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        stack.callback(_end, child)
        for camera in (one.name for one in run.cameras):
            for topic in ("packet", "keypoints2d"):
                name = key(topic, camera)
                if not mouths[topic, camera].wait_for_reader(name, round(_WITHIN_S * 1e3)):
                    raise ProcessError("the recorder did not start; see above")
        yield child, mouths


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
