"""``kinelive demo``: the live chain on real footage of four cameras."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from core.config import RunConfig
from services import models, pose_weights, prepare
from services.session import open_session
from services.summary import Summary, summarise
from services.supervisor import Supervisor
from tools import body_models
from tools.live import Outcome, run_live
from tools.terminal import print_json, progress, result, somebody_watches

CONFIG = Path(__file__).parents[1] / "configs" / "demo.toml"
UNWATCHED_S = 20.0


def demo(
    headless: bool = False,
    seconds: float | None = None,
    out: Path | None = None,
    subject: str | None = None,
    trial: str | None = None,
    port: int | None = None,
    offline: bool = False,
    json: bool = False,
) -> int:
    """Run the live chain on real footage of four cameras and open the monitor.

    The footage is played in a loop as if live: capture, pose estimation, fusion, recording and the
    web page are the real processes. Without a terminal or display it is headless and ends by
    itself.

    Args:
        headless: open no browser, and end after --seconds (20 unless said otherwise).
        seconds: length of footage to play; without it a watched demo runs until Ctrl-C.
        out: folder of the session to record; a new one under sessions/ otherwise.
        subject: who is recorded: a part of the new folder's name, and kept in the session.
        trial: doing what; likewise.
        port: port of the page; 8765, or the next free one, otherwise.
        offline: download nothing; say what is missing.
        json: print one JSON object as the last line.
    """
    watched = not headless and somebody_watches()
    models.ensure("demo", offline=offline, progress=progress.print)
    progress.print(
        "calibration: refined from the person in this footage (configs/calibration/demo.toml); "
        "what that is worth is measured below, in held-out cameras"
    )
    length_s = seconds if seconds is not None else (0.0 if watched else UNWATCHED_S)
    run = prepare.with_footage_seconds(prepare.read_run(CONFIG), length_s)
    pose_weights.ensure_for(run.pose, offline=offline, progress=progress.print)
    run = prepare.with_monitor(run, enabled=True, port=port)
    run = body_models.prepared(run, progress=progress.print, offline=offline)
    run = prepare.with_session(prepare.with_names(run, subject, trial), out)
    with Supervisor(run) as supervisor:
        outcome = run_live(supervisor, browser=watched)
    return report(run, outcome, json=json)


def report(run: RunConfig, outcome: Outcome, *, json: bool) -> int:
    """Say what the recorded session amounts to."""
    session = open_session(Path(run.recorder.session))
    summary = summarise(session)
    if json:
        print_json(as_json(summary, outcome, session.path))
    else:
        result.print(_table(summary, outcome, session.path))
        result.print(f"{summary.fused} instants fused, {summary.persons} person(s) seen")
    return 0 if summary.fused else 1


def as_json(summary: Summary, outcome: Outcome, session: Path) -> dict[str, Any]:
    """Build the object that ``--json`` prints."""
    values = asdict(summary)
    held_out = values.pop("held_out_px")
    return {
        **values,
        "frames_dropped": summary.frames_dropped,
        "frames_unaccounted": summary.frames_unaccounted,
        "fused_per_s": _each_second(summary.fused, summary),
        "angles_per_s": _each_second(summary.instants_with_angles, summary),
        "angles_share": summary.instants_with_angles / summary.fused if summary.fused else 0.0,
        "held_out_camera_px": held_out,
        "restarts": sum(outcome.restarts.values()),
        "interrupted": outcome.interrupted,
        "wall_s": outcome.wall_s,
        "session": str(session),
    }


def _each_second(count: int, summary: Summary) -> float:
    return count / summary.duration_s if summary.duration_s else 0.0


def _table(summary: Summary, outcome: Outcome, session: Path) -> Table:
    table = Table(title="kinelive", show_header=False, title_justify="left")
    rate = _each_second(summary.fused, summary)
    share = summary.instants_with_angles / summary.fused if summary.fused else 0.0
    angles_rate = _each_second(summary.instants_with_angles, summary)
    drops = ", ".join(f"{reason} {count}" for reason, count in summary.drops.items()) or "none"
    held_out = ", ".join(f"{name} {px:.1f}" for name, px in summary.held_out_px.items())
    rows = {
        "fused instants": f"{summary.fused} in {summary.duration_s:.1f} s = {rate:.1f} per second",
        "persons": f"{summary.persons}",
        "all cameras saw the person": f"{summary.all_cameras_share:.1%} of the instants",
        "frames in": f"{summary.frames_in}, processed {summary.frames_processed}",
        "dropped": f"{drops}; unaccounted {summary.frames_unaccounted}",
        "joint angles": f"{share:.1%} of the instants = {angles_rate:.1f} per second",
        "from capture to, median / p95": ", ".join(
            f"{stage} {one['p50']:.0f} / {one['p95']:.0f} ms"
            for stage, one in summary.stage_latency_ms.items()
        ),
        "error in a held-out camera": f"{held_out} px",
        "restarts": f"{sum(outcome.restarts.values())}",
        "session": str(session),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
