"""From 2D keypoints to joint angles: Pose2Sim 0.10.49 and ``kinelive process``, stage by stage.

Both work on copies of the same project, in turns, each in a process of its own: the published
balancing trial, everybody's BODY_25B keypoints, 4 cameras, 100 frames.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tools import peer_agreement, peer_environment, peer_runs
from tools.peer_runs import Run
from tools.terminal import progress

Row = dict[str, float | str]

CASES = {
    "simple model, Pose2Sim's triangulation": (True, "pose2sim"),
    "simple model, ours as by default": (True, "robust"),
    "muscle model, Pose2Sim's triangulation": (False, "pose2sim"),
}
"""By name: whether the model is the simple one, and our method of triangulation."""

_STAGES = {
    "association": ("personAssociation", ("association",)),
    "triangulation": ("triangulation", ("triangulation",)),
    "filtering": ("filtering", ("filtering",)),
    "augmentation": ("markerAugmentation", ("augmentation",)),
    "scaling": ("scaling", ("scaling",)),
    "inverse kinematics": ("inverse kinematics", ("inverse kinematics",)),
    "reading, files, report": ("", ("reading", "files", "rest")),
}
"""By row: Pose2Sim's stage and ours. Its stages read and write their files themselves."""


def measure(rounds: int) -> dict[str, list[Row]]:
    """Tables by name: seconds of each case, markers of all cases, angles of each case.

    Raises:
        AssetError: Pose2Sim's environment cannot be made, or the trial cannot be had.
        ProcessError: one of them failed.
    """
    python = peer_environment.python()
    tables: dict[str, list[Row]] = {}
    agree: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        folder = Path(scratch)
        theirs, ours = _in_turns(python, folder, rounds)
        for case, (simple, _) in CASES.items():
            tables[case] = _seconds(theirs[simple], ours[case])
        for case, (simple, _) in CASES.items():
            peer = peer_agreement.of_theirs(theirs[simple][0].projects[0])
            own = peer_agreement.of_ours(ours[case][0].projects[0])
            rms_mm = {"theirs": 1e3 * peer.rms_m.mean(), "ours": 1e3 * own.rms_m.mean()}
            marker_rms = {f"marker RMS mm, {who}": float(mm) for who, mm in rms_mm.items()}
            agree.append({"case": case, **marker_rms, **peer_agreement.distances(peer, own)})
            tables[f"angles, {case}"] = peer_agreement.angles(peer, own)
    return {**tables, "agreement": agree}


def _in_turns(
    python: Path, folder: Path, rounds: int
) -> tuple[dict[bool, list[Run]], dict[str, list[Run]]]:
    theirs: dict[bool, list[Run]] = {True: [], False: []}
    ours: dict[str, list[Run]] = {case: [] for case in CASES}
    for number in range(rounds):
        for simple, runs in theirs.items():
            progress.print(f"round {number + 1}: {'simple' if simple else 'muscle'} model")
            runs.append(peer_runs.theirs(python, folder / f"theirs{simple}{number}", simple=simple))
            for place, (case, (with_simple, method)) in enumerate(CASES.items()):
                if with_simple == simple:
                    own = folder / f"ours{place}{number}"
                    ours[case].append(peer_runs.ours(own, simple=simple, method=method))
    return theirs, ours


def _seconds(theirs: Sequence[Run], ours: Sequence[Run]) -> list[Row]:
    """Medians; the stages are those of the first project of a process."""
    rows = [
        _row(
            name,
            _median(theirs, lambda run, key=peer: run.said.projects[0].get(key, 0.0)),
            _median(
                ours, lambda run, keys=own: sum(run.said.projects[0].get(k, 0.0) for k in keys)
            ),
        )
        for name, (peer, own) in _STAGES.items()
    ]
    for name, of in (
        ("total", _first_s),
        ("total, next project in the process", lambda run: sum(run.said.projects[1].values())),
        ("imports", lambda run: run.said.imports_s),
        ("whole process, one project", lambda run: run.wall_s - sum(run.said.projects[1].values())),
        ("processor time, imports and both projects", lambda run: run.processor_s),
    ):
        rows.append(_row(name, _median(theirs, of), _median(ours, of)))
    return rows


def _first_s(run: Run) -> float:
    return sum(run.said.projects[0].values())


def _median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return float(np.median([of(one) for one in runs]))


def _row(stage: str, theirs_s: float, ours_s: float) -> Row:
    ratio = theirs_s / ours_s if theirs_s and ours_s else float("nan")
    return {"stage": stage, "Pose2Sim s": theirs_s, "ours s": ours_s, "ratio": ratio}
