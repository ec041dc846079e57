"""An environment of its own for Pose2Sim, kept in the user's cache.

Its packages and ours cannot share one: it wants two builds of OpenCV that overwrite each other's
files, and another onnxruntime.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from core.errors import AssetError
from services import models
from services.file_lock import file_lock
from tools.terminal import progress

REQUIREMENTS = ("pose2sim==0.10.49", "opensim==4.6")

_FOLDER = "peer"
_WHOLE = "whole.txt"
"""Written last: what is in the environment."""


def is_there() -> bool:
    """Whether the environment is in the cache."""
    whole = models.cache_folder() / _FOLDER / _WHOLE
    return whole.is_file() and whole.read_text() == _contents()


def python() -> Path:
    """The environment's Python; the environment is made first if need be.

    Raises:
        AssetError: it cannot be made.
    """
    folder = models.cache_folder() / _FOLDER
    with file_lock(folder.with_suffix(".lock"), lambda: progress.print("waiting for another")):
        if not is_there():
            progress.print(f"making an environment with {', '.join(REQUIREMENTS)} (minutes, once)")
            _make(folder)
    return _python(folder)


def _contents() -> str:
    return "\n".join((*REQUIREMENTS, sys.version)) + "\n"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _make(folder: Path) -> None:
    if (uv := shutil.which("uv")) is None:
        raise AssetError("uv is not on the path, and makes Pose2Sim's environment; pip install uv")
    shutil.rmtree(folder, ignore_errors=True)
    _run(uv, "venv", "--python", sys.executable, str(folder))
    _run(uv, "pip", "install", "--python", str(_python(folder)), *REQUIREMENTS)
    (folder / _WHOLE).write_text(_contents())


def _run(*command: str) -> None:
    # Away from the checkout, whose overrides are for our packages
    done = subprocess.run(
        command, cwd=models.cache_folder(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssetError(
            f"Pose2Sim's environment cannot be made: `{' '.join(command[:3])}` failed:"
            f" {done.stderr.strip()[-500:]}\nIt is fetched once: try again with a network"
        )
