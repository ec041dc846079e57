"""A real recorder on a disk that is slower than the cameras, and what it needs and keeps.

``uv run python -m tests.faults.slow_disk_run`` prints the figures, as root.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.config import RecorderConfig
from core.messages import Event, Health, Keypoints2D, Packet
from services.session import open_session
from tests.faults import disks
from tests.services import recorder_process
from tests.services import session_builder as builder
from tests.services.recorder_process import RecorderProcess

ROUND_S = 1 / 60
PACKET_BYTES = 40_000
BYTES_PER_S = len(builder.CAMERAS) * PACKET_BYTES / ROUND_S
BACKLOG_MB = 16.0


@dataclass
class SlowRun:
    """What came of it."""

    said: int
    """Packets of each camera, and keypoints of each."""
    start_mb: float
    """Most memory of the process before …"""
    peak_mb: float
    """… and after it."""
    most_backlog_mb: float = 0.0
    drops: dict[str, int] = field(default_factory=dict)
    packets: dict[str, int] = field(default_factory=dict)
    keypoints: dict[str, int] = field(default_factory=dict)
    decodes: bool = True
    """Each packet that was kept has its keyframe, and all between the two."""
    all_words: bool = True
    """From the first keypoints that were heard none is missing."""
    events: tuple[str, ...] = ()


def slow_run(folder: Path, share: float | None, seconds: float) -> SlowRun:
    """Record three cameras of 2.4 MB/s each on a disk that takes ``share`` of that; None: all."""
    with disks.loop_disk(folder, 512) as disk:
        config = RecorderConfig(
            session=str(disk.place / "s"),
            backlog_mb=BACKLOG_MB,
            min_free_gb=0,
            min_free_minutes=0,
            segment_s=10,
        )
        with recorder_process.start(builder.run_config(folder, config)) as process:
            process.talk_until(lambda: process.taken > 0, PACKET_BYTES)
            start_mb = peak_memory_mb(process.child.pid)
            with _limited(disk, process, share):
                peak_mb = _talk_for(process, seconds)
                process.child.terminate()
                assert process.child.wait(recorder_process.DEADLINE_S) == 0
            found = SlowRun(process.number, start_mb, peak_mb)
        _read(disk.place / "s", found)
    return found


@contextmanager
def _limited(disk: disks.LoopDisk, process: RecorderProcess, share: float | None) -> Iterator[None]:
    if share is None:
        yield
        return
    with disks.throttle(disk, process.child.pid, share * BYTES_PER_S):
        yield


def _talk_for(process: RecorderProcess, seconds: float) -> float:
    """Talk as fast as cameras do; returns the most memory of the recorder, MB."""
    end_s = due_s = time.monotonic() + ROUND_S
    end_s += seconds
    while due_s < end_s:
        process.talk(PACKET_BYTES)
        process.listen()
        time.sleep(max(0.0, due_s - time.monotonic()))
        due_s += ROUND_S
    return peak_memory_mb(process.child.pid)


def peak_memory_mb(pid: int) -> float:
    """Most memory that a process ever had in use."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _read(folder: Path, found: SlowRun) -> None:
    session = open_session(folder)
    assert not session.is_damaged
    for name in builder.CAMERAS:
        packets = [one.message for one in session.packets(name)]
        kept = [one.packet for one in packets if isinstance(one, Packet)]
        assert packets == [builder.packet(name, number, PACKET_BYTES) for number in kept]
        found.packets[name] = len(kept)
        words = [one.message for one in session.messages([f"keypoints2d/{name}"])]
        frames = [one.frame for one in words if isinstance(one, Keypoints2D)]
        found.keypoints[name] = len(frames)
        found.all_words &= frames == list(range(frames[0], found.said))
        whole = set(kept)
        found.decodes &= all(
            whole >= set(range(max(number - number % 30, kept[0]), number)) for number in kept
        )
    said = [one.message for one in session.messages(["event", "health"])]
    found.events = tuple(one.name for one in said if isinstance(one, Event))
    gauges = [one.gauges for one in said if isinstance(one, Health) and one.process == "recorder"]
    found.most_backlog_mb = max(one["backlog_mb"] for one in gauges)
    found.drops = session.manifest.lives[-1].drops


def main(seconds: float) -> None:
    """Print what a disk of a third of the rate costs, next to one that keeps up."""
    print(
        f"{len(builder.CAMERAS)} cameras, {BYTES_PER_S / 1e6:.1f} MB/s, {seconds:g} s, backlog "
        f"{BACKLOG_MB:g} MB; loop device held back by the block layer (blkio.throttle)"
    )
    for share in (None, 1 / 3, 0.02):
        with tempfile.TemporaryDirectory() as folder:
            found = slow_run(Path(folder), share, seconds)
        print(
            f"disk takes {'all' if share is None else f'{share:.0%}'}: peak memory "
            f"{found.peak_mb:.0f} MB, at the start {found.start_mb:.0f} MB, most backlog "
            f"{found.most_backlog_mb:.1f} MB, of {found.said} kept packets {found.packets}, "
            f"keypoints {found.keypoints}, decodes {found.decodes}, "
            f"drops {found.drops}, events {', '.join(found.events)}"
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
