"""``kinelive up``: a rig of one's own, from its configuration file."""

from pathlib import Path
from typing import Annotated

import tyro

from services import models, pose_weights, prepare
from services.supervisor import Supervisor
from tools import body_models
from tools.demo import report
from tools.live import run_live
from tools.terminal import progress, somebody_watches


def up(
    config: Annotated[Path, tyro.conf.Positional],
    headless: bool = False,
    seconds: float | None = None,
    out: Path | None = None,
    subject: str | None = None,
    trial: str | None = None,
    offline: bool = False,
    json: bool = False,
) -> int:
    """Run the live chain of a rig file until Ctrl-C.

    Args:
        config: the rig file (TOML); configs/demo.toml is an example.
        headless: open no browser.
        seconds: stop after so much footage (cameras that play files).
        out: folder of the session to record.
        subject: who is recorded; in place of recorder.subject of the rig file.
        trial: doing what; in place of recorder.trial.
        offline: download nothing; say what is missing.
        json: print one JSON object as the last line.
    """
    for group in prepare.asset_groups(config):
        models.ensure(group, offline=offline, progress=progress.print)
    run = prepare.read_run(config)
    pose_weights.ensure_for(run.pose, offline=offline, progress=progress.print)
    if seconds is not None:
        run = prepare.with_footage_seconds(run, seconds)
    run = body_models.prepared(run, progress=progress.print, offline=offline)
    run = prepare.with_session(prepare.with_names(run, subject, trial), out)
    with Supervisor(run) as supervisor:
        outcome = run_live(supervisor, browser=not headless and somebody_watches())
    if not run.recorder.enabled:
        progress.print("nothing was recorded: recorder.enabled = false")
        return 0
    return report(run, outcome, json=json)
