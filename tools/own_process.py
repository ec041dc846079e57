"""Work that is done by a Python module in a process of its own, because of what it imports."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import tyro

from core.errors import KineliveError, ModelError

_FAILED = 3


class Started:
    """A process that prepares itself until it is given its work on standard input."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Run ``python -m module arguments``."""
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )

    def finish(self, work: str = "") -> None:
        """Give it its work, and wait for its end; what it prints is shown only if it dies.

        Raises:
            ModelError: what the other process raised on purpose, in its words.
        """
        _, said = self._process.communicate(work)
        if self._process.returncode == _FAILED:
            raise ModelError(said.strip().splitlines()[-1])
        if self._process.returncode != 0:
            code = self._process.returncode
            raise ModelError(f"{self._module} died with exit code {code}:\n{said.strip()}")

    def stop(self) -> None:
        """End it where its work never came; nothing happens to one that is finished."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def call(module: str, *arguments: str) -> None:
    """Run ``python -m module arguments`` to its end; what it prints is shown only if it dies.

    Raises:
        ModelError: what the other process raised on purpose, in its words.
    """
    process = Started(module, *arguments)
    try:
        process.finish()
    finally:
        process.stop()


def run(main: Callable[..., Any]) -> NoReturn:
    """Be that process: errors made on purpose as the last line of stderr."""
    try:
        sys.exit(tyro.cli(main))
    except KineliveError as error:
        sys.stderr.write(f"{' '.join(str(error).splitlines())}\n")
        sys.exit(_FAILED)
