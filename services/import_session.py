"""A project's keypoints written as a session, so that every command can work on them.

The videos stay where they are: the session holds the keypoints, the calibration and the settings.
"""

import hashlib
from collections import Counter
from pathlib import Path

from core import config, wire
from core.config import RunConfig
from core.errors import SessionError
from core.messages import SCHEMA_VERSION, Header
from core.topics import key
from services import calibration_files
from services.bus import Received
from services.project import Project
from services.session_format import MANIFEST
from services.session_life import begin_life, describe
from services.session_places import free_bytes
from services.session_writer import SessionWriter

SOURCE = "import"
_FLUSH_NS = 1_000_000_000


def import_project(project: Project, out: Path) -> int:
    """Write a closed session; returns the number of keypoint messages.

    Capture times are frame number / rate, from 0 on: the project knows no clock. The same project
    gives the same session, but for the manifest's random name.

    Raises:
        SessionError: there is a session already, or it cannot be written completely.
        ConfigError: a camera's name that a session cannot have.
    """
    if (out / MANIFEST).exists():
        raise SessionError(f"{out}: holds a session already; choose another --out")
    run = _run(project, out)
    text = calibration_files.as_text(project.calibration)[1]
    run_id = hashlib.sha256(f"{text}{project.path.resolve()}".encode()).hexdigest()[:32]
    manifest = begin_life(out, describe(run, run_id, project.calibration, 0, 0), 0)
    drops: Counter[str] = Counter()
    with SessionWriter(out, manifest, free_bytes, drops, Counter()) as one:
        count = _write(project, one)
    if drops:
        raise SessionError(f"{out}: {drops.total()} messages could not be written; free the disk")
    return count


def _run(project: Project, out: Path) -> RunConfig:
    tree = {
        "cameras": [{"name": name} for name in project.rig.names],
        "calibration": str(project.calibration),
        "recorder": {"session": str(out)},
        "fusion": {"window_ms": project.fusion.window_ms},
    }
    return config.build(tree, str(project.path))


def _write(project: Project, writer: SessionWriter) -> int:
    seq: Counter[str] = Counter()
    now_ns = flushed_ns = 0
    for message in project.messages():
        name, now_ns = key("keypoints2d", message.camera), message.t_ns
        header = Header(SCHEMA_VERSION, SOURCE, 0, seq[name])
        writer.write(Received(name, header, message, wire.encode(message)), now_ns)
        seq[name] += 1
        if now_ns - flushed_ns >= _FLUSH_NS:
            writer.flush(now_ns)
            flushed_ns = now_ns
    writer.close(now_ns, 0, {})
    return seq.total()
