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

_MEMORY = Path("/dev/shm")
_PREFIX = "kinelive-"
_FREE_BYTES = 512 * 2**20


def create(run: RunConfig) -> tuple[Path, RigClock]:
    """Make the folder of a new run, with its settings and its clock."""
    place = _place()
    remove_stale(place)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "run.json").write_bytes(config.write(run))
    return folder, create_shared(folder / "clock")


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


def log_tail(folder: Path, name: str, lines: int = 12) -> str:
    """Return the last lines a process wrote."""
    path = folder / f"{name}.log"
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
