"""``kinelive sessions``: what was recorded, a line each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from rich.markup import escape
from rich.table import Table

from core.recorder_config import RecorderConfig
from services.session_index import Listed, sessions_below
from tools.terminal import print_json, result

DIRECTORY = Path(RecorderConfig().directory)


def sessions(
    folder: Annotated[Path, tyro.conf.Positional] = DIRECTORY,
    subject: str | None = None,
    json: bool = False,
) -> int:
    """List the sessions below a folder: when, how long, who, how they ended, marks, size.

    Reads manifests only: hundreds take seconds. `kinelive inspect` looks into one. Examples:

      kinelive sessions

      kinelive sessions /data/study --subject P07 --json

    Args:
        folder: where to look; also in its subfolders.
        subject: only those of this subject.
        json: print one JSON object as the last line.
    """
    found = sessions_below(folder)
    chosen = [one for one in found if subject is None or one.subject == subject]
    if json:
        print_json({"folder": str(folder), "sessions": chosen})
        return 0
    result.print(_table(folder, chosen) if chosen else f"no session below {escape(str(folder))}")
    for one in chosen:
        if one.says:
            words = f"{one.folder}: {one.says}"
            result.print(words, markup=False, soft_wrap=True)
    return 0


def _table(folder: Path, found: Sequence[Listed]) -> Table:
    columns = ("session", "began, UTC", "duration", "subject", "trial", "cameras", "state")
    title = "1 session" if len(found) == 1 else f"{len(found)} sessions"
    table = Table(*columns, "marks", "MB", title=title, title_justify="left")
    for name in ("duration", "cameras", "marks", "MB"):
        next(one for one in table.columns if one.header == name).justify = "right"
    for one in found:
        table.add_row(*map(escape, _row(folder, one)))
    return table


def _row(folder: Path, one: Listed) -> tuple[str, ...]:
    over = "over " if one.state == "not ended" else ""
    edits = f" ({', '.join(one.edits)})" if one.edits else ""
    return (
        Path(one.folder).relative_to(folder).as_posix(),
        one.started[:19].replace("T", " "),
        "?" if one.duration_s is None else f"{over}{_clock(one.duration_s)}",
        one.subject,
        one.trial,
        str(len(one.cameras) or "?"),
        f"{one.state}{edits}",
        "?" if one.marks is None else str(one.marks),
        f"{one.size_bytes / 1e6:.1f}",
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
