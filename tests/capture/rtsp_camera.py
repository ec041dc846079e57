"""Starts and ends the test camera of ``rtsp_server.py``, and reads the times in its pictures."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from capture.camera import U8

PYTHON = Path("/usr/bin/python3")  # the system's: GStreamer's bindings belong to it
_SERVER = Path(__file__).parent / "rtsp_server.py"
_COLUMNS, _ROWS = 16, 4


def missing() -> str:
    """What the camera lacks to run here; empty if nothing."""
    check = (
        "import gi; gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "wanted = ('x264enc', 'x265enc', 'jpegenc', 'rtph264pay', 'appsrc', 'videoconvert');"
        "assert all(Gst.ElementFactory.find(one) for one in wanted)"
    )
    if (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", check], capture_output=True).returncode == 0
    ):
        return ""
    return (
        "GStreamer's RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"
        " gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
        " gstreamer1.0-plugins-ugly"
    )


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A running camera: its port and its process."""
    command = [str(PYTHON), str(_SERVER), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            assert said[:1] == ["ready"], "the test camera does not start"
            yield int(said[1]), process
        finally:
            process.kill()


def taken_ns(picture: U8) -> int:
    """Monotonic time painted into a picture (H, W, 3)."""
    height, width = picture.shape[:2]
    rows = (np.arange(_ROWS) * 2 + 1) * height // (2 * _ROWS)
    columns = (np.arange(_COLUMNS) * 2 + 1) * width // (2 * _COLUMNS)
    bits = picture[np.ix_(rows, columns)][:, :, 1].ravel() > 127
    return sum(1 << bit for bit, is_set in enumerate(bits.tolist()) if is_set)
