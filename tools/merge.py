"""``kinelive merge``: parts of one run as one session."""

from pathlib import Path
from typing import Annotated

import tyro

from core.errors import SessionError
from services.session_merge import merge as merge_sessions
from tools.inspect import told
from tools.terminal import print_json, progress, result, telling


def merge(paths: Annotated[tuple[Path, ...], tyro.conf.Positional], json: bool = False) -> int:
    """Put parts of one run together: the last folder named is the new one.

    For a recorder that was started again in another folder, a recording that went on on a second
    disk, or copies of which each lost something else. Of a segment that several parts have, the
    copy with more messages is taken. Recordings of different runs are refused: they have neither
    one clock nor one numbering. Example:

      kinelive merge /disk1/walk-07 /disk2/walk-07 walk-07-whole

    Args:
        paths: the sessions, which are only read, and then the new folder.
        json: print one JSON object as the last line.
    """
    if len(paths) < 3:
        raise SessionError("give the parts and then the new folder: kinelive merge A B OUT")
    with telling() as tell:
        done = merge_sessions(paths[:-1], paths[-1], tell)
    say = progress if json else result
    lines = [f"in several parts: {name}" for name in done.doubled]
    lines += told(done.missing)
    lines.append(f"{done.messages} messages in {done.segments} segments: {done.session}")
    for line in lines:
        say.print(line, soft_wrap=True, markup=False)
    if json:
        print_json(done)
    return 0
