"""``kinelive replay``: a recorded session through the same processes."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import tyro

from services import models, prepare
from services.replay import first_frame_ns, replay_run
from services.session import open_session
from services.supervisor import Supervisor
from tools.demo import report
from tools.live import run_live
from tools.terminal import progress, somebody_watches


def replay(
    session: Annotated[Path, tyro.conf.Positional],
    speed: Literal["recorded", "max"] = "recorded",
    headless: bool = False,
    out: Path | None = None,
    port: int | None = None,
    json: bool = False,
) -> int:
    """Play a session's camera packets through the live processes again.

    Times and numbers stay as recorded. The result is recorded as a session of its own.

    Args:
        session: the session folder.
        speed: at the recorded pace, or as fast as the machine can without dropping anything.
        headless: open no browser.
        out: folder of the new session; a new one under sessions/ otherwise.
        port: port of the page.
        json: print one JSON object as the last line.
    """
    models.ensure("blazepose", progress=progress.print)
    recorded = open_session(session)
    begin_ns = first_frame_ns(recorded)
    with tempfile.TemporaryDirectory(prefix="kinelive-replay-") as scratch:
        calibration = Path(scratch) / recorded.manifest.calibration_name
        calibration.write_text(recorded.calibration_text, encoding="utf-8")
        run = replay_run(recorded, calibration, paced=speed == "recorded")
        run = prepare.with_monitor(run, enabled=True, port=port)
        run = prepare.with_session(run, out)
        with Supervisor(run, first_frame_ns=begin_ns) as supervisor:
            outcome = run_live(supervisor, browser=not headless and somebody_watches())
    return report(run, outcome, json=json)
