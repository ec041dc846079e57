"""``kinelive mark``: names a moment of the run that is live."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import tyro

from core.errors import ConfigError
from core.messages import MAX_MARK_CHARS
from services import live_run
from tools.terminal import print_json, progress, result


def mark(
    text: Annotated[str, tyro.conf.Positional] = "", url: str | None = None, json: bool = False
) -> int:
    """Mark this moment of the run that is live on this machine; it is recorded as an event.

    The moment is when the run's monitor hears of it. Examples:

      kinelive mark "jump 3"

    Args:
        text: what to call it.
        url: the run's page, where several runs are live.
        json: print one JSON object as the last line.
    """
    if len(text) > MAX_MARK_CHARS:
        raise ConfigError(f"a mark has at most {MAX_MARK_CHARS} characters, this one {len(text)}")
    run = live_run.find(url)
    marked = live_run.mark(run, text)
    if not run.records:
        progress.print("nothing is recorded in this run: recorder.enabled = false")
    if json:
        print_json({**msgspec.structs.asdict(marked), "recorded": run.records})
        return 0
    moment = datetime.fromtimestamp(marked.t_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    result.print(f"marked at {moment} UTC: {marked.text or 'mark'}", markup=False)
    return 0
