"""``kinelive process``: whole recordings from 2D keypoints to joint angles and files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from core.errors import ConfigError
from services import trials
from tools import process_trials
from tools.process_run import SUMMARY, files_of, process_folder
from tools.process_summary import table
from tools.process_trials import Outcome
from tools.terminal import print_json, result, telling

INTERRUPTED = 130
_ERROR = 2


def _assignments(
    set: Annotated[tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction] = (),
) -> tuple[str, ...]:
    """Settings of this run; they win over the project's.

    Args:
        set: key=value, e.g. triangulation.method=pose2sim kinematics.enabled=false; an unknown
            key is answered with the known ones.
    """
    return tuple(one for group in set for one in group)


def process(
    input: Annotated[tuple[Path, ...], tyro.conf.Positional],
    out: Path,
    set: Annotated[tuple[str, ...], tyro.conf.arg(constructor=_assignments)] = (),
    jobs: int = 1,
    resume: bool = False,
    json: bool = False,
) -> int:
    """Compute points (.trc, .c3d) and joint angles (.mot) from Pose2Sim projects or sessions.

    Writes OUT/summary.json, OUT/report.html and the files of each person. Several inputs, or a
    folder of trials: each into OUT/TRIAL. Returns 1 when there is nobody to be found.

    Args:
        input: folders of projects, sessions, or of trials with a Config.toml each.
        out: folder for the results; files in it with the same names are replaced.
        set: settings as key=value.
        jobs: trials at the same time.
        resume: leave trials alone whose results are of the same input and settings.
        json: print the summary as one JSON object, the last line; of several trials by name.
    """
    if not input or jobs < 1:
        raise ConfigError("give at least one INPUT, and --jobs 1 or more")
    try:
        with telling() as tell:
            todo = process_trials.jobs_of(input, out, set, resume=resume)
            if len(todo) == 1 and todo[0].out == out:
                said = process_folder(input[0], out, set, tell, resume=resume)
                outcomes = [Outcome(todo[0], said)]
            else:
                outcomes = list(process_trials.run(todo, jobs, tell))
    except KeyboardInterrupt:
        print("kinelive process: interrupted before the results were whole", file=sys.stderr)
        return INTERRUPTED
    return _told(outcomes, json=json, alone=len(outcomes) == 1 and outcomes[0].job.out == out)


def _told(outcomes: Sequence[Outcome], *, json: bool, alone: bool) -> int:
    for one in outcomes:
        _tell(one, "" if alone else f"{trials.name_of(one.job.input)}: ", json=json)
    if json:
        said = {trials.name_of(one.job.input): _said(one) for one in outcomes}
        print_json(outcomes[0].summary if alone else {"trials": said})
    if any(one.error for one in outcomes):
        return _ERROR
    return 0 if all(one.summary and one.summary["persons"] for one in outcomes) else 1


def _said(one: Outcome) -> dict[str, Any]:
    return {"error": one.error} if one.summary is None else {**one.summary, "out": str(one.job.out)}


def _tell(one: Outcome, prefix: str, *, json: bool) -> None:
    """Notes to stderr; results to stdout unless they come as JSON."""
    summary = one.summary
    if summary is None:
        print(f"{prefix}error: {one.error}", file=sys.stderr)
        return
    for key in summary["unused_settings"]:
        print(f"{prefix}not used: {key}", file=sys.stderr)
    for kind in ("notes", "warnings"):
        for text in summary[kind]:
            print(f"{prefix}{kind.removesuffix('s')}: {text}", file=sys.stderr)
    if json:
        return
    if summary.get("resumed"):
        result.print(f"{prefix}nothing has changed since {one.job.out / SUMMARY}", soft_wrap=True)
        return
    result.print(table(summary))
    for name in (SUMMARY, *files_of(summary)):
        result.print(str(one.job.out / name), soft_wrap=True)
