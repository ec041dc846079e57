"""Bad disks that are real: small ones, slow ones, ones that fail and come back.

A file system in a file of its own, on a loop device; root only. Slow: the block layer holds back
what this process writes to that device (the control group ``blkio``), so that ``write`` and
``fsync`` wait as they do for a slow disk.
"""

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BLKIO = Path("/sys/fs/cgroup/blkio")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _need(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode != 0:
        pytest.skip(f"{what} is not allowed here: {done.stderr.strip()}")


def need_root() -> None:
    """Skip where no file system can be mounted."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("file systems can be mounted by root only")


@contextmanager
def tmpfs(place: Path, megabytes: float) -> Iterator[Path]:
    """A file system in memory that is so large."""
    need_root()
    place.mkdir()
    size = f"size={round(megabytes * 2**20)}"
    _need(_run("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)), "mounting a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@dataclass
class LoopDisk:
    """An ext4 file system in a file."""

    place: Path
    image: Path
    device: str

    def fail(self) -> None:
        """Let the file system stop as after a disk error: it is read-only from now on."""
        _need(_run("mount", "-o", "remount,abort", str(self.place)), "stopping a file system")

    def unmount(self) -> None:
        """Take the disk away, also from who writes on it."""
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)

    def mount(self) -> None:
        """Put it (back) in its place."""
        done = _run("mount", "-o", "errors=remount-ro", self.device, str(self.place))
        _need(done, "mounting a loop device")


@contextmanager
def loop_disk(folder: Path, megabytes: int = 64) -> Iterator[LoopDisk]:
    """A disk of its own, mounted in ``folder``/disk."""
    need_root()
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    _need(_run("mkfs.ext4", "-q", str(image)), "making a file system")
    found = _run("losetup", "--find", "--show", str(image))
    _need(found, "making a loop device")
    disk = LoopDisk(place, image, found.stdout.strip())
    try:
        disk.mount()
        yield disk
        _run("umount", str(place))
    finally:
        _run("umount", "--lazy", str(place))
        _run("losetup", "--detach", disk.device)


@contextmanager
def throttle(disk: LoopDisk, pid: int, bytes_per_s: float) -> Iterator[None]:
    """Let a process write no faster than this to a disk."""
    group = BLKIO / f"kinelive-{uuid.uuid4().hex[:8]}"
    limit = group / "blkio.throttle.write_bps_device"
    try:
        group.mkdir()
        number = Path(disk.device).stat().st_rdev
        limit.write_text(f"{os.major(number)}:{os.minor(number)} {round(bytes_per_s)}")
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"the control group blkio cannot throttle here: {error}")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (BLKIO / "cgroup.procs").write_text(str(pid))
        for task in (group / "tasks").read_text().split():
            with contextlib.suppress(OSError):
                (BLKIO / "cgroup.procs").write_text(task)
        group.rmdir()
