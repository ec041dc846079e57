"""The folders that a session may be written into, and how it stands with their disks.

A session begins in one folder and may go on in a second one on another disk. A folder that was
removed is made again, but only on the disk it was on: in the empty mount point of a disk that is
gone the recording would fill another one.
"""

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.disk_space import Level
from services.session_format import (
    BODY_MODEL,
    MANIFEST,
    RESERVE,
    Elsewhere,
    Manifest,
    write_manifest,
)

RESERVE_BYTES = 2**18
RETRY_NS = 1_000_000_000
FULL = (errno.ENOSPC, errno.EDQUOT)
_REMEDIES = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the quota is used up: make room",
    errno.EROFS: "the disk is read-only, as after an error: look into the system's log, then mount "
    "it for writing again",
    errno.EACCES: "not allowed: give this user the right to write there",
    errno.EPERM: "not allowed: give this user the right to write there",
    errno.ENOENT: "the folder is gone: put it back, or mount its disk again",
    errno.EIO: "the disk fails: look at its cable and into the system's log",
}


def remedy(error: OSError) -> str:
    """What is wrong with a disk in plain words, and what to do."""
    return _REMEDIES.get(error.errno or 0, f"{error.strerror or error}: look at the disk")


@dataclass
class Place:
    """One folder of the session."""

    folder: Path
    free_bytes: Callable[[Path], int]
    prepared: bool = False
    """It has its manifest."""
    level: Level = "roomy"
    trouble: str = ""
    """Why nothing is written here, with the remedy; empty where something is."""
    free: int = 0
    """Bytes free as last looked."""
    failed_ns: int = 0
    is_gone: bool = False
    """Its disk is not there."""

    def __post_init__(self) -> None:
        self._device = _device(self.folder)

    def look(self, judge: Callable[[int, Level], Level]) -> None:
        """See how much space is left, and what is written with that."""
        try:
            self.free = self.free_bytes(self._standing())
        except OSError as error:
            self.level, self.free, self.is_gone = "full", 0, True
            self.trouble = remedy(error)
            return
        if self.is_gone:
            self.is_gone, self.level = False, "roomy"
        self.level = judge(self.free, self.level)

    def prepare(self, manifest: Manifest, others: Sequence[Path]) -> None:
        """Make the folder a session, where it is none yet or no longer; OSError as it comes."""
        if self.prepared and self.folder.is_dir():
            return
        self._standing()
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_body_model(self.folder, manifest, others)
        write_manifest(self.folder, self.describe(manifest, others))
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).write_bytes(bytes(RESERVE_BYTES))
        self.prepared = True

    def describe(self, manifest: Manifest, others: Sequence[Path]) -> Manifest:
        """The manifest as this folder has it: it names the other ones."""
        elsewhere = tuple(_way(self.folder, other) for other in others)
        return msgspec.structs.replace(manifest, elsewhere=elsewhere)

    def drop_reserve(self) -> None:
        """Free the room that was kept for the last manifest."""
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink(missing_ok=True)

    def _standing(self) -> Path:
        """The folder, or what is left of the way to it; OSError where that is another disk."""
        there = _nearest(self.folder)
        if there.stat().st_dev != self._device:
            raise FileNotFoundError(errno.ENOENT, "its disk is not mounted", str(self.folder))
        return there


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    absolute = folder.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.is_dir())


def _device(folder: Path) -> int:
    return _nearest(folder).stat().st_dev


def _way(here: Path, other: Path) -> Elsewhere:
    absolute = other.absolute()
    try:
        relative = os.path.relpath(absolute, here.absolute())
    except ValueError:  # another drive of Windows
        relative = ""
    return Elsewhere(relative=relative, absolute=str(absolute))


def keep_body_model(folder: Path, manifest: Manifest, others: Sequence[Path] = ()) -> None:
    """Put the body model of the run beside the manifest: what was computed with it can be again.

    A recording goes on without it where its source is gone: the other folder has it.
    """
    kinematics = manifest.run.kinematics
    if not (kinematics.enabled and kinematics.packed):
        return
    sources = [Path(kinematics.packed), *(other / BODY_MODEL for other in others)]
    source = next((one for one in sources if one.is_file()), None)
    if source is None:
        logging.warning("%s: the body model is gone and is not recorded here", folder)
        return
    raw, path = source.read_bytes(), folder / BODY_MODEL
    if not path.exists() or path.read_bytes() != raw:
        path.write_bytes(raw)


def free_bytes(folder: Path) -> int:
    """Space that is left for this user where a folder is; OSError as it comes."""
    return shutil.disk_usage(folder).free


def is_session(folder: Path) -> bool:
    """Whether there is a manifest."""
    return (folder / MANIFEST).is_file()
