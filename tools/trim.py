"""``kinelive trim``: a part of a session as a session of its own."""

from pathlib import Path
from typing import Annotated

import tyro

from services.session_edit import Part, Trimmed
from services.session_edit import trim as trim_session
from tools.inspect import told
from tools.terminal import print_json, progress, result, telling


def trim(
    session: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    from_s: Annotated[float | None, tyro.conf.arg(name="from")] = None,
    to_s: Annotated[float | None, tyro.conf.arg(name="to")] = None,
    from_instant: int | None = None,
    to_instant: int | None = None,
    json: bool = False,
) -> int:
    """Cut a part out of a session, so that it can be replayed and verified for itself.

    Each camera begins with the key frame before the part. Of keypoints, poses and angles there is
    more before the part: from the checkpoint before it, so that `kinelive verify` computes them
    again to the last bit. Events and the calibration are kept. Examples:

      kinelive trim sessions/walk-07 sit-to-stand --from 3.2 --to 10

      kinelive trim sessions/walk-07 trial --from-instant 300 --to-instant 900

    Args:
        session: the session's folder; it is only read.
        out: the new folder.
        from_s: seconds of session time: since the first picture; from the beginning without it.
        to_s: where the part ends, not included; to the end without it.
        from_instant: instead: number of a fused instant, as in the poses.
        to_instant: the first instant that is left out.
        json: print one JSON object as the last line.
    """
    part = Part(from_s=from_s, to_s=to_s, from_instant=from_instant, to_instant=to_instant)
    with telling() as tell:
        done = trim_session(session, out, part, tell)
    say = progress if json else result
    for line in _words(done):
        say.print(line, soft_wrap=True, markup=False)
    if json:
        print_json(done)
    return 0


def _words(done: Trimmed) -> list[str]:
    lines = list(told(done.missing))
    for camera, from_s in done.pictures_from_s.items():
        lines.append(f"pictures of {camera} from {from_s:.3f} s")
    for what, exact_s in (("poses", done.poses_from_s), ("angles", done.angles_from_s)):
        if exact_s is not None:
            lines.append(
                f"{what} from {exact_s:.3f} s: from here on they are computed again exactly"
            )
    lines.append(
        f"{done.from_s:.3f} s to {done.to_s:.3f} s, {done.messages} messages: {done.session}"
    )
    return lines
