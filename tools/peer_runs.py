"""One project through Pose2Sim and through ``kinelive process``, each in a process of its own."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ProcessError
from services import models
from tools import peer_pose2sim

CONFIG = """
[project]
frame_rate = 60
multi_person = false
[pose]
pose_model = "BODY_25B"
[kinematics]
use_simple_model = {simple}
"""
"""Both read the same; all else are defaults, which are the same values."""

N_PROJECTS = 2
"""Copies that one process works on: the first with all that happens once, the second without."""

_NO_WINDOWS = {"filtering": {"display_figures": False, "save_filt_plots": False}}
_HEADLESS = {"QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"}
_OURS = """
import json, sys, time
begin_s = time.perf_counter()
from pathlib import Path
from tools.process_run import process_folder
imports_s, each = time.perf_counter() - begin_s, []
for project in json.loads(sys.argv[1]):
    begin_s = time.perf_counter()
    said = process_folder(Path(project), Path(project) / "results", sys.argv[3:])
    spent_s = {one["stage"]: one["seconds"] for one in said["provenance"]}
    spent_s["rest"] = time.perf_counter() - begin_s - sum(spent_s.values())
    each.append(spent_s)
Path(sys.argv[2]).write_text(json.dumps({"imports_s": imports_s, "projects": each}))
"""


class Said(msgspec.Struct, frozen=True):
    """What such a process says."""

    imports_s: float
    projects: tuple[dict[str, float], ...]
    """Seconds by stage."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process, and the folders it worked on."""

    said: Said
    wall_s: float
    """From its start to its end, all projects."""
    processor_s: float
    """Of it and the processes that it started; 0 where the system does not tell (Windows)."""
    projects: tuple[Path, ...]


def theirs(python: Path, folder: Path, *, simple: bool) -> Run:
    """Pose2Sim in its environment.

    Raises:
        ProcessError: it failed.
        AssetError: the trial cannot be had.
    """
    projects = _copies(folder)
    config: dict[str, Any] = {**tomllib.loads(_config(simple=simple)), **_NO_WINDOWS}
    job = {
        "projects": [str(one) for one in projects],
        "config": config,
        "out": str(folder / "said.json"),
    }
    (folder / "job.json").write_bytes(msgspec.json.encode(job))
    script = str(Path(peer_pose2sim.__file__).resolve())
    # -P: beside the script there is an inspect.py, which is not the one of the standard library
    command = [str(python), "-P", script, str(folder / "job.json")]
    return _run("Pose2Sim", command, folder, projects)


def ours(folder: Path, *, simple: bool, method: str) -> Run:
    """``kinelive process``; ``method`` of triangulation.

    Raises:
        ProcessError: it failed.
        AssetError: the trial cannot be had.
    """
    projects = _copies(folder)
    for one in projects:
        (one / "Config.toml").write_text(_config(simple=simple))
    named = msgspec.json.encode([str(one) for one in projects]).decode()
    command = [sys.executable, "-c", _OURS, named, str(folder / "said.json")]
    return _run("kinelive", [*command, f"triangulation.method={method}"], folder, projects)


def _config(*, simple: bool) -> str:
    return CONFIG.format(simple="true" if simple else "false")


def _copies(folder: Path) -> tuple[Path, ...]:
    """The published balancing trial with everybody who was found in its pictures, some times."""
    files = models.ensure("trial")
    projects = tuple((folder / f"balancing{number}").resolve() for number in range(N_PROJECTS))
    for one in projects:
        (one / "calibration").mkdir(parents=True)
        shutil.copy(files["Calib_qca.toml"], one / "calibration")
        shutil.copytree(files["pose-2d"], one / "pose")
    return projects


def _run(name: str, command: list[str], folder: Path, projects: tuple[Path, ...]) -> Run:
    begin_ns, before_s = time.perf_counter_ns(), _processor_s()
    done = subprocess.run(
        command,
        env={**os.environ, **_HEADLESS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    wall_s = (time.perf_counter_ns() - begin_ns) / 1e9
    if done.returncode != 0:
        raise ProcessError(f"{name} failed on the trial:\n{done.stderr.strip()[-2000:]}")
    said = msgspec.json.decode((folder / "said.json").read_bytes(), type=Said)
    return Run(said, wall_s, _processor_s() - before_s, projects)


def _processor_s() -> float:
    """Of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system
