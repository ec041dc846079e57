"""``kinelive replay``: a recorded session, or a project's videos, through the live processes."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import tyro

from core.config import RunConfig
from services import pose_weights, prepare
from services.project import is_project
from services.project_run import project_run
from services.replay import first_frame_ns, replay_run
from services.session import Session, open_session
from services.supervisor import Supervisor
from tools import body_models
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
    """Play a session's camera packets, or a project's videos, through the live processes.

    Of a session times and numbers stay as recorded; the videos of a Pose2Sim project are played
    once with the project's calibration. The result is recorded as a session of its own.

    Args:
        session: the session's folder, or a Pose2Sim project with videos.
        speed: at the recorded pace, or as fast as the machine can without dropping anything.
        headless: open no browser.
        out: folder of the new session; a new one under sessions/ otherwise.
        port: port of the page.
        json: print one JSON object as the last line.
    """
    paced = speed == "recorded"
    with tempfile.TemporaryDirectory(prefix="kinelive-replay-") as scratch:
        if is_project(session):
            run, begin_ns = project_run(session, paced=paced), None
        else:
            run, begin_ns = _of_session(open_session(session), Path(scratch), paced=paced)
        pose_weights.ensure_for(run.pose, progress=progress.print)
        run = prepare.with_monitor(run, enabled=True, port=port)
        run = body_models.prepared(run, progress=progress.print)
        run = prepare.with_session(run, out)
        with Supervisor(run, first_frame_ns=begin_ns) as supervisor:
            outcome = run_live(supervisor, browser=not headless and somebody_watches())
    return report(run, outcome, json=json)


def _of_session(recorded: Session, scratch: Path, *, paced: bool) -> tuple[RunConfig, int]:
    """The run of a session, its calibration written to ``scratch``, and its first frame's time."""
    begin_ns = first_frame_ns(recorded)
    calibration = scratch / recorded.manifest.calibration_name
    calibration.write_text(recorded.calibration_text, encoding="utf-8")
    return replay_run(recorded, calibration, paced=paced), begin_ns
