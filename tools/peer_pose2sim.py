"""Pose2Sim's stages, each timed, in Pose2Sim's own environment: ``python peer_pose2sim.py JOB``.

Apart from ``tools.peer_runs``, which runs it, because nothing of kinelive is installed there.
JOB (.json): ``projects``, folders to process one after the other; ``config``, what differs from
Pose2Sim's defaults; ``out``, the file to write: ``imports_s``, and ``projects``, seconds by stage.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAGES = ("personAssociation", "triangulation", "filtering", "markerAugmentation", "kinematics")


def main(job: Path) -> None:
    """Run them all."""
    asked = json.loads(job.read_text())
    begin_s = time.perf_counter()
    modules: dict[str, Any] = {one: importlib.import_module(f"Pose2Sim.{one}") for one in STAGES}
    pipeline = importlib.import_module("Pose2Sim.Pose2Sim")
    imports_s = time.perf_counter() - begin_s
    solve = modules["kinematics"].perform_IK
    each: list[dict[str, float]] = []
    for project in asked["projects"]:
        os.chdir(project)  # where it looks for the calibration
        config = {**asked["config"], "project": {**asked["config"]["project"]}}
        config["project"]["project_dir"] = project
        spent_s: dict[str, float] = {}
        modules["kinematics"].perform_IK = _timed(solve, "inverse kinematics", spent_s)
        for stage in STAGES:
            _timed(getattr(pipeline, stage), stage, spent_s)(config)
        spent_s["scaling"] = spent_s.pop("kinematics") - spent_s["inverse kinematics"]
        each.append(spent_s)
    Path(asked["out"]).write_text(json.dumps({"imports_s": imports_s, "projects": each}))


def _timed(
    function: Callable[..., Any], name: str, spent_s: dict[str, float]
) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        begin_s = time.perf_counter()
        result = function(*arguments, **named)
        spent_s[name] = time.perf_counter() - begin_s
        return result

    return call


if __name__ == "__main__":
    main(Path(sys.argv[1]))
