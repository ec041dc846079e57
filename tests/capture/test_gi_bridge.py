"""Debian's bindings from inside a virtual environment, and what is said where they are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from capture import gi_bridge
from core.errors import CameraError
from tests.capture.fake_cameras import need_aravis

ROOT = Path(__file__).parents[2]
LOAD = """
import sys
from capture import gi_bridge
bridge = gi_bridge.load()
print(bridge.aravis.Camera.__name__, not any("dist-packages" in one for one in sys.path))
"""


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in this environment, warnings being errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_aravis_loads_and_nothing_else_of_the_system_is_on_the_path():
    need_aravis()
    done = python(LOAD)
    assert done.stderr == ""
    assert done.stdout.split() == ["Camera", "True"]


def test_where_it_is_missing_the_remedy_is_named(tmp_path: Path):
    with pytest.raises(CameraError, match=r"apt-get install gir1.2-aravis-0\.8 python3-gi"):
        gi_bridge._package(tmp_path)


def test_bindings_for_another_python_are_told_apart(tmp_path: Path):
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").touch()
    (tmp_path / "gi" / "_gi.cpython-37-x86_64-linux-gnu.so").touch()
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    with pytest.raises(CameraError, match=rf"Python 3.7 and this is {running}.*--python 3.7"):
        gi_bridge._package(tmp_path)
