"""Aravis, through Debian's own Python bindings: the one file that reaches out of the environment.

``gi`` (PyGObject) is compiled for the Python of the distribution; pip cannot bring it without a
compiler and the headers of a dozen libraries. A virtual environment of the same minor version can
load it from where Debian has it. Only that one package is loaded: were the whole folder on the
path, its other packages would stand in for ours.
"""

import importlib
import importlib.util
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import CameraError

DISTRIBUTION = Path("/usr/lib/python3/dist-packages")
REMEDY = "apt-get install gir1.2-aravis-0.8 python3-gi"


@dataclass(frozen=True, slots=True)
class Bridge:
    """The library, and what it raises."""

    aravis: Any
    error: type[Exception]

    def said(self, error: BaseException) -> str:
        """What an error says, without the name and number of its kind."""
        return getattr(error, "message", str(error))


def load(distribution: Path = DISTRIBUTION) -> Bridge:
    """Load Aravis.

    Args:
        distribution: where the system's Python packages lie; used where the environment has no
            ``gi`` of its own.

    Raises:
        CameraError: it is not installed, or made for another Python; with the remedy.
    """
    if "gi" not in sys.modules and importlib.util.find_spec("gi") is None:
        _load_package(_package(distribution))
    gi = importlib.import_module("gi")
    try:
        gi.require_version("Aravis", "0.8")
        gi.require_version("GLib", "2.0")
    except ValueError as error:
        raise CameraError(f"Aravis is not installed ({error}): {REMEDY}") from error
    with warnings.catch_warnings():
        # PyGObject 3.42 still loads its modules in the way Python 3.12 took away
        warnings.filterwarnings("ignore", "DynamicImporter", ImportWarning)
        aravis = importlib.import_module("gi.repository.Aravis")
        glib = importlib.import_module("gi.repository.GLib")
    return Bridge(aravis, glib.Error)


def _package(distribution: Path) -> Path:
    """Folder of the package that the running Python can load."""
    folder = distribution / "gi"
    if not (folder / "__init__.py").exists():
        raise CameraError(
            f"GigE Vision and USB3 Vision cameras need Aravis, and {folder} is missing: {REMEDY}"
        )
    running = f"{sys.version_info.major}{sys.version_info.minor}"
    made_for = sorted({file.name.split("-")[1] for file in folder.glob("_gi.cpython-*.so")})
    if running not in made_for:
        theirs = ", ".join(f"{one[0]}.{one[1:]}" for one in made_for) or "none"
        ours = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CameraError(
            f"{folder} is made for Python {theirs} and this is {ours}: "
            f"make the environment with the system's version (uv venv --python {theirs})"
        )
    return folder


def _load_package(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "gi", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise CameraError(f"{folder} cannot be loaded: {REMEDY}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["gi"] = package
    try:
        spec.loader.exec_module(package)
    except ImportError as error:
        del sys.modules["gi"]
        raise CameraError(f"{folder} cannot be loaded ({error}): {REMEDY}") from error
