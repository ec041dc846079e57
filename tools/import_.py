"""``kinelive import``: a Pose2Sim project folder as a session."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from core.errors import SessionError
from services.import_session import import_project
from services.project import open_project
from services.session_format import MANIFEST
from tools.terminal import print_json, result


def import_(input: Annotated[Path, tyro.conf.Positional], out: Path, json: bool = False) -> int:
    """Write the keypoints and the calibration of a Pose2Sim project folder as a session.

    The videos are not copied. inspect, verify and process work on the session.

    Args:
        input: the project's folder.
        out: folder of the new session; nothing is written over.
        json: print one JSON object as the last line.
    """
    if (input / MANIFEST).exists():
        raise SessionError(f"{input}: is a session already, and every command takes it as it is")
    project = open_project(input)
    count = import_project(project, out)
    for one in project.unreadable:
        print(f"left out: {one}", file=sys.stderr)
    for one in project.config.unused:
        print(f"not used: {one}", file=sys.stderr)
    if project.config.process:
        kept = " ".join(
            f"{name}={msgspec.json.encode(value).decode()}"
            for name, value in project.config.process.items()
        )
        print(f"note: a session keeps no settings of process; give --set {kept}", file=sys.stderr)
    if (input / "videos").is_dir():
        print("note: videos are not copied into the session", file=sys.stderr)
    if json:
        print_json(
            {
                "session": str(out),
                "cameras": project.rig.names,
                "keypoints2d": count,
                "unreadable": len(project.unreadable),
                "unused_settings": project.config.unused,
            }
        )
    else:
        result.print(f"{count} pictures of {len(project.rig.names)} cameras: {out}")
    return 0
