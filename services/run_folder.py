"""The folder of a run: settings, clock, sockets, frame rings, logs. It goes when the run ends.

It lies in a memory file system where there is one with room for the rings.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from capture.clock import RigClock, create_shared
from core import config
from core.config import RunConfig
from core.rig_time import Mapping

_MEMORY = Path("/dev/shm")
_PREFIX = "kinelive-"
_FREE_BYTES = 512 * 2**20


def create(run: RunConfig, mapping: Mapping | None = None) -> tuple[Path, RigClock]:
    """Make the folder of a new run, with its settings and its clock (see ``create_shared``)."""
    place = _place()
    remove_stale(place)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "run.json").write_bytes(config.write(run))
    return folder, create_shared(folder / "clock", mapping)


def live() -> list[Path]:
    """The folders of the runs of this user that are going on."""
    places = dict.fromkeys([_MEMORY, Path(tempfile.gettempdir())])
    found = list[Path]()
    for folder in sorted(one for place in places for one in place.glob(f"{_PREFIX}*")):
        with contextlib.suppress(OSError, ValueError):
            if _alive(int((folder / "pid").read_text())):
                found.append(folder)
    return found


def remove_stale(place: Path) -> None:
    """Remove the folders of runs whose supervisor is dead."""
    for folder in place.glob(f"{_PREFIX}*"):
        pid = folder / "pid"
        with contextlib.suppress(OSError, ValueError):
            if not _alive(int(pid.read_text())):
                shutil.rmtree(folder)


def _place() -> Path:
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    if usable and shutil.disk_usage(_MEMORY).free >= _FREE_BYTES:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def begin(folder: Path, start_ns: int) -> None:
    """Let the cameras begin at that time on the rig clock."""
    beginning = folder / "start.new"
    beginning.write_text(str(start_ns))
    beginning.rename(folder / "start")


def start_ns(folder: Path) -> int | None:
    """The rig's start; None before it is known."""
    path = folder / "start"
    return int(path.read_text()) if path.exists() else None


def is_ready(folder: Path, name: str) -> bool:
    """Whether a process has said that its sockets stand."""
    return (folder / f"{name}.ready").exists()


def log_tail(folder: Path, name: str, lines: int = 12) -> str:
    """Return the last lines a process wrote."""
    path = folder / f"{name}.log"
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
