"""``kinelive recover``: a cut or damaged session made whole, as far as it can be."""

from pathlib import Path
from typing import Annotated

import tyro

from services.session_recovery import Recovery
from services.session_recovery import recover as recover_session
from tools.inspect import describe, told
from tools.terminal import print_json, progress, result, telling


def recover(
    session: Annotated[Path, tyro.conf.Positional], out: Path | None = None, json: bool = False
) -> int:
    """Make a session whole that a crash, a power cut or a bad disk left; the original is only read.

    Writes a new folder: every message whose checksum holds, in segments with an index that every
    MCAP reader takes, and a manifest made anew. Says what is missing by camera and time. A crash
    alone needs no recovery: all commands read such a session as it is. Examples:

      kinelive recover sessions/2026-11-24T10-00-00Z

      kinelive recover /mnt/card/walk-07 --out walk-07 --json

    Returns 0 also where something is missing.

    Args:
        session: the session's folder, or a folder with one session in it.
        out: the new folder; without it SESSION-recovered, beside the session.
        json: print one JSON object as the last line.
    """
    with telling() as tell:
        done = recover_session(session, out, tell)
    say = progress if json else result
    for line in _words(done):
        say.print(line, soft_wrap=True, markup=False)
    if json:
        print_json(done)
    return 0


def _words(done: Recovery) -> list[str]:
    lines = [describe(one) for one in done.damage]
    lines += [f"no message is whole: {name}" for name in done.emptied]
    lines += told(done.missing)
    closed = f", {len(done.closed_anew)} of them closed anew" if done.closed_anew else ""
    lines.append(f"{done.messages} messages in {done.segments} segments{closed}: {done.session}")
    if done.was_complete:
        lines.append(f"nothing was wrong with {done.source}; the new folder is a copy")
    return lines
