"""Work that is done by a Python module in a process of its own, because of what it imports."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import tyro

from core.errors import KineliveError, ModelError

_FAILED = 3


def call(module: str, *arguments: str) -> None:
    """Run ``python -m module arguments`` to its end; what it prints is shown only if it dies.

    Raises:
        ModelError: what the other process raised on purpose, in its words.
    """
    finished = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if finished.returncode == _FAILED:
        raise ModelError(finished.stderr.strip().splitlines()[-1])
    if finished.returncode != 0:
        raise ModelError(
            f"{module} died with exit code {finished.returncode}:\n{finished.stderr.strip()}"
        )


def run(main: Callable[..., Any]) -> NoReturn:
    """Be that process: errors made on purpose as the last line of stderr."""
    try:
        sys.exit(tyro.cli(main))
    except KineliveError as error:
        sys.stderr.write(f"{' '.join(str(error).splitlines())}\n")
        sys.exit(_FAILED)
