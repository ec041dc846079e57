"""How far joint angles of ours and of Pose2Sim are apart, and which step parts them.

The steps are exchanged one by one: their markers on their model by our solver differ from their
angles by the solver alone; on our model, from that by the scaling alone; what is left is of the
markers: association, triangulation, filter, marker networks.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import mot, trc
from core.errors import ProcessError
from core.kinematics import forward, ik_offline
from core.kinematics.tree import ROTATIONAL, Tree
from core.process_kinematics import KinematicsConfig
from core.trc import Trc
from tools import model_files
from tools.ik import bind_to
from tools.process_ik import ik_config

F64 = NDArray[np.float64]
Row = dict[str, float | str]

STEPS = ("solver", "scaling", "markers")
_LEAST_DEG = 1.0  # smaller differences are not explained
_OF_STEP = {
    "solver": "OpenSim stops before the least of its cost, ours goes on",
    "scaling": "the model's segments have other lengths",
    "markers": "the markers lie elsewhere: cameras chosen in triangulation, filter, networks",
}
_OF_COORDINATE = {
    "arm_": "a hanging arm is near gimbal lock: different numbers for nearly the same arm",
    "pro_sup": "few markers tell how the forearm is turned",
    "mtp_": "no marker is on the toes: the value is where each solver began",
    "wrist_": "no marker is on the hand: the value is where each solver began",
    "neck_": "no marker is on the head: the value is where each solver began",
}


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One way's files, read."""

    points: Trc
    """Triangulated."""
    filtered: Trc
    markers: Trc
    """With the anatomical ones."""
    tree: Tree
    """Scaled."""
    coordinates: F64
    """(T, Q) rad, m, of that model."""
    rms_m: F64
    """(T,) marker error."""


def of_theirs(project: Path) -> Result:
    """Read what Pose2Sim wrote."""
    raw = [one for one in sorted(project.glob("pose-3d/*.trc")) if "_filt" not in one.name]
    files = [
        *raw,
        *project.glob("pose-3d/*_butterworth.trc"),
        *project.glob("pose-3d/*_LSTM.trc"),
        *project.glob("kinematics/*.osim"),
        *project.glob("kinematics/*.mot"),
    ]
    return _read(project, files)


def of_ours(project: Path) -> Result:
    """Read what ``kinelive process`` wrote."""
    folder = project / "results"
    person = msgspec.json.decode((folder / "summary.json").read_bytes())["persons"][0]
    kinds = ("trc_raw", "trc", "trc_augmented", "osim", "mot")
    return _read(project, [folder / person[kind] for kind in kinds if person[kind]])


def _read(project: Path, files: list[Path]) -> Result:
    if len(files) != 5:
        raise ProcessError(f"{project}: of raw, filtered, LSTM .trc, .osim and .mot only {files}")
    points, filtered, markers = (trc.parse(one.read_text()) for one in files[:3])
    tree = model_files.load(files[3])
    coordinates = mot.to_coordinates(mot.parse(files[4].read_text()), tree)
    return Result(points, filtered, markers, tree, coordinates, _rms_m(markers, tree, coordinates))


def _rms_m(markers: Trc, tree: Tree, coordinates: F64) -> F64:
    task = bind_to(markers, tree, ik_config(KinematicsConfig()))
    chosen = [markers.markers.index(name) for name in task.markers]
    seen_m = markers.points_m[: len(coordinates), chosen]
    off_m = forward.markers_m(task.machine, coordinates[:, tree.free]) - seen_m
    return np.sqrt((off_m**2).sum(axis=-1).mean(axis=-1))


def by_our_solver(markers: Trc, tree: Tree) -> F64:
    """Coordinates (T, Q) rad, m, with the weights of both."""
    config = ik_config(KinematicsConfig())
    task = bind_to(markers, tree, config)
    chosen = [markers.markers.index(name) for name in task.markers]
    points_m = np.ascontiguousarray(markers.points_m[:, chosen])
    coordinates = np.empty((len(points_m), len(tree.coordinates)))
    for row, one in ik_offline.solve(points_m, task, config):
        coordinates[row] = one.coordinates
    return coordinates


def angles(theirs: Result, ours: Result) -> list[Row]:
    """RMS difference in degrees of each rotation, largest first: all, by step, and why."""
    same_model = by_our_solver(theirs.markers, theirs.tree)
    our_model = by_our_solver(theirs.markers, ours.tree)
    ways = [theirs.coordinates, same_model, our_model, ours.coordinates]
    n_frames = min(map(len, ways))
    ways = [one[:n_frames] for one in ways]
    apart_deg = _rms_deg(ways[-1] - ways[0])
    steps_deg = [_rms_deg(after - before) for before, after in itertools.pairwise(ways)]
    rows: list[Row] = []
    for q in np.argsort(-apart_deg):
        if theirs.tree.coordinate_kind[q] == ROTATIONAL:
            name = theirs.tree.coordinates[q]
            by_step = {step: float(deg[q]) for step, deg in zip(STEPS, steps_deg, strict=True)}
            why = _why(name, float(apart_deg[q]), by_step)
            rows.append({"coordinate": name, "RMS deg": float(apart_deg[q]), **by_step, "why": why})
    return rows


def _rms_deg(change_rad: F64) -> F64:
    """(T, Q) to (Q,); a whole turn is none."""
    near = (change_rad + np.pi) % (2 * np.pi) - np.pi
    return np.rad2deg(np.sqrt((near**2).mean(axis=0)))


def _why(name: str, apart_deg: float, by_step: dict[str, float]) -> str:
    if apart_deg < _LEAST_DEG:
        return ""
    step = max(by_step, key=lambda one: by_step[one])
    special = [text for start, text in _OF_COORDINATE.items() if name.startswith(start)]
    return "; ".join([f"{step}: {_OF_STEP[step]}", *special])


def distances(theirs: Result, ours: Result) -> Row:
    """RMS distance in mm of points of the same name, in frames that both have, by stage."""
    row: Row = {}
    for kind in ("points", "filtered", "markers"):
        row[f"{kind} mm"] = _apart_mm(getattr(theirs, kind), getattr(ours, kind), kind == "markers")
    return row


def _apart_mm(one: Trc, other: Trc, anatomical: bool) -> float:
    both = [m for m in one.markers if m in other.markers and m.endswith("_study") == anatomical]
    n_frames = min(len(one.frames), len(other.frames))
    first, second = (
        each.points_m[:n_frames][:, [each.markers.index(name) for name in both]]
        for each in (one, other)
    )
    return float(1e3 * np.sqrt(np.nanmean(((first - second) ** 2).sum(axis=-1))))
