"""``kinelive export``: a session in the formats of other programs."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from core.errors import ConfigError
from services.export import Request, Target
from services.export import export as export_session
from tools.terminal import print_json, progress, result, telling


def _targets(
    to: Annotated[tuple[tuple[Target, ...], ...], tyro.conf.UseAppendAction] = (),
) -> tuple[Target, ...]:
    """What is written, one or several.

    Args:
        to: mp4: videos, packets as they are. openpose: 2D keypoints, json a frame. trc: fused 3D
            points, angles as .mot. csv: both as tables. pose2sim: a whole project folder.
            foxglove: MCAP for viewers. rrd: for rerun, by its own program.
    """
    return tuple(one for group in to for one in group)


def export(
    session: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    to: Annotated[tuple[Target, ...], tyro.conf.arg(constructor=_targets)] = (),
    blur_faces: bool = False,
    pseudonym: str = "",
    force: bool = False,
    json: bool = False,
) -> int:
    """Write a session as videos, keypoints, points, angles, or a project of other programs.

    All files have one clock: second 0 is the first picture of any camera. Examples:

      kinelive export sessions/walk-07 out --to mp4 csv

      kinelive export sessions/walk-07 for-pose2sim --to pose2sim --pseudonym P07 --blur-faces

      kinelive export sessions/walk-07 look --to foxglove

    Args:
        session: the session's folder; it is only read.
        out: the new folder; all is written into it, or nothing.
        blur_faces: make heads in videos coarse; encodes anew. Only who was detected is hidden:
            look at the videos before you hand them on.
        pseudonym: name files by it instead of by the session's folder.
        force: replace an earlier export in OUT.
        json: print one JSON object as the last line.
    """
    if not to:
        raise ConfigError("say what to write: --to mp4 openpose trc csv pose2sim foxglove rrd")
    request = Request(targets=to, blur_faces=blur_faces, pseudonym=pseudonym)
    with telling() as tell:
        said = export_session(session, out, request, tell, force=force)
    for note in said["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if json:
        print_json({**said, "out": str(out)})
        return 0
    for target in said["files"]:
        result.print(f"{target}: {out}", soft_wrap=True, markup=False)
    if blur_faces:
        progress.print("faces: hidden where a person was detected; look before you hand on")
    return 0
