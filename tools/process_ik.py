"""Inverse kinematics of one person of ``kinelive process``, and what follows: markers, filter."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import filtering
from core.errors import SessionError
from core.kinematics import forward, ik, ik_offline, registration
from core.kinematics.ik import IkState, Observed
from core.kinematics.ik_task import IkConfig, Task, bind
from core.kinematics.marker_weights import weights_of
from core.kinematics.tree import ROTATIONAL, Tree
from core.offline_people import Tell
from core.process_kinematics import KinematicsConfig
from core.smoothing_config import FilteringConfig
from core.trc import Trc
from tools import process_scaling
from tools.ik import solve_opensim
from tools.process_scaling import ScaledModel

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST_PLACINGS = 8
_PLACED_M = 0.001  # markers that move by less are in place
_STAGE = "inverse kinematics"


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """All coordinates of one person; T frames, Q coordinates, N free ones, M markers."""

    task: Task
    free: F64  # (T, N) rad, m
    coordinates: F64  # (T, Q) rad, m
    sd: F64  # (T, Q) rad, m; infinite where the markers say nothing
    unobserved: Flags  # (T, Q)
    kept: Flags  # (T,) too few markers: the values of a neighbour
    error_m: F64  # (T, M) NaN where the marker is missing

    @property
    def tree(self) -> Tree:
        """The model."""
        return self.task.tree

    @property
    def rms_m(self) -> F64:
        """RMS marker error of each frame (T,), NaN for frames that were not solved."""
        counts = np.isfinite(self.error_m).sum(axis=1)
        total = np.where(np.isfinite(self.error_m), self.error_m**2, 0.0).sum(axis=1)
        rms = np.sqrt(total / np.maximum(counts, 1))
        return np.where(self.kept | (counts == 0), np.nan, rms)


def ik_config(config: KinematicsConfig) -> IkConfig:
    """The weights of ``kinelive ik``."""
    return IkConfig(
        coordinate_weights=dict.fromkeys(IkConfig().coordinate_weights, config.l5s1_weight)
    )


def task_of(table: Trc, tree: Tree, config: IkConfig) -> Task:
    """Follow the markers that count.

    Raises:
        ModelError: the model has none of them.
    """
    return bind(tree, weights_of(table.markers, tree.markers), config)


def solve(
    table: Trc, model: ScaledModel, config: KinematicsConfig, tell: Tell
) -> tuple[Angles, ScaledModel, dict[str, Any] | None]:
    """Angles of one person, the model with its markers in place, and what placing them did.

    Raises:
        SessionError: no frame has all markers that the body is found by.
        ModelError: the model has none of the markers, or OpenSim fails.
    """
    settings = ik_config(config)
    task = task_of(table, model.tree, settings)
    points_m = _points_m(table, task)
    if ik_offline.first_complete(points_m, task) < 0:
        core = ", ".join(np.array(task.markers)[task.core])
        raise SessionError(f"no frame has all of {core}")
    placed: dict[str, Any] | None = None
    if config.register_markers:
        task, model, placed = _placed(points_m, task, model, settings, tell)
    if config.solver == "fast":
        return _fast(points_m, task, settings, tell), model, placed
    tell(f"{_STAGE} (OpenSim)", 0, 0)
    return _by_opensim(table, points_m, task, settings, model.osim), model, placed


def _points_m(table: Trc, task: Task) -> F64:
    """Markers (T, M, 3) in the task's order."""
    chosen = [table.markers.index(name) for name in task.markers]
    return np.ascontiguousarray(table.points_m[:, chosen])


def _fast(points_m: F64, task: Task, config: IkConfig, tell: Tell, what: str = _STAGE) -> Angles:
    n_frames, n_coordinates = len(points_m), len(task.tree.coordinates)
    free = np.empty((n_frames, len(task.pull)))
    coordinates, sd = np.empty((n_frames, n_coordinates)), np.empty((n_frames, n_coordinates))
    unobserved, kept = np.empty(sd.shape, np.bool_), np.empty(n_frames, np.bool_)
    error_m = np.empty(points_m.shape[:2])
    for done, (row, one) in enumerate(ik_offline.solve(points_m, task, config)):
        free[row], coordinates[row], sd[row] = one.free, one.coordinates, one.sd
        unobserved[row], kept[row], error_m[row] = one.unobserved, one.status == "kept", one.error_m
        tell(what, done + 1, n_frames)
    return Angles(task, free, coordinates, sd, unobserved, kept, error_m)


def _by_opensim(table: Trc, points_m: F64, task: Task, config: IkConfig, osim: str) -> Angles:
    """OpenSim's answer; standard deviations are ours at its pose.

    Rows with too few markers are not given to it, for it stops there.
    """
    enough = np.isfinite(points_m).all(axis=-1).mean(axis=1) >= config.least_present
    rows = np.flatnonzero(enough)
    given = replace(
        table,
        frames=table.frames[rows],
        times_s=table.times_s[rows],
        points_m=table.points_m[rows],
    )
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        path = Path(scratch) / "scaled.osim"
        path.write_text(osim, encoding="utf-8")
        solved = solve_opensim(given, task, config, path, None)
    before = np.maximum(np.searchsorted(rows, np.arange(len(points_m)), side="right") - 1, 0)
    free = solved.coordinates[before][:, task.tree.free]
    found = at(points_m, free, task, config)
    return replace(found, coordinates=solved.coordinates[before], kept=~enough)


def at(points_m: F64, free: F64, task: Task, config: IkConfig) -> Angles:
    """What there is to say of poses (T, N) that somebody else found."""
    still = msgspec.structs.replace(config, most_rounds=0)
    each = [
        ik.step(IkState(free=row), Observed(seen_m), task, still)[1]
        for row, seen_m in zip(free, points_m, strict=True)
    ]
    off_m = forward.markers_m(task.machine, free) - points_m
    return Angles(
        task,
        free,
        np.array([one.coordinates for one in each]),
        np.array([one.sd for one in each]),
        np.array([one.unobserved for one in each]),
        np.array([one.status == "kept" for one in each]),
        np.linalg.norm(off_m, axis=-1),
    )


def _placed(
    points_m: F64, task: Task, model: ScaledModel, config: IkConfig, tell: Tell
) -> tuple[Task, ScaledModel, dict[str, Any]]:
    """Markers where they are on the body on average; in turns with the inverse kinematics."""
    what = "placing markers"
    before = after = _fast(points_m, task, config, tell, f"{what} 0")
    was_m, rounds = task.machine.marker_m, 0
    while rounds < _MOST_PLACINGS:
        now = after.task
        rows = np.where(after.kept[:, None], np.nan, after.free)
        places_m = registration.on_body_m(now, rows, points_m)
        tree = registration.moved(now.tree, now.markers, places_m)
        after = _fast(points_m, task_of_tree(now, tree, config), config, tell, f"{what} {rounds}")
        rounds += 1
        if np.linalg.norm(places_m - now.machine.marker_m, axis=1).max() < _PLACED_M:
            break
    at_m = dict(zip(after.task.markers, after.task.machine.marker_m, strict=True))
    moved_mm = 1e3 * np.linalg.norm(after.task.machine.marker_m - was_m, axis=1)
    said = {
        "rounds": rounds,
        "rms_mm_before": _mean(1e3 * before.rms_m),
        "rms_mm_after": _mean(1e3 * after.rms_m),
        "moved_mm": {"mean": float(moved_mm.mean()), "most": float(moved_mm.max())},
        "angle_shift_deg": _shifts_deg(before, after),
    }
    osim = process_scaling.with_markers_at(model.osim, at_m)
    return after.task, replace(model, tree=after.tree, osim=osim), said


def task_of_tree(task: Task, tree: Tree, config: IkConfig) -> Task:
    """The same task with another model."""
    weights = dict(zip(task.markers, task.weight.tolist(), strict=True))
    return bind(tree, weights, config)


def _shifts_deg(before: Angles, after: Angles) -> dict[str, float]:
    """Mean change of each rotation that is observed in both."""
    change = np.abs(after.coordinates - before.coordinates)
    seen = ~(before.unobserved | after.unobserved)
    total = np.where(seen, change, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    tree = before.tree
    return {
        name: float(np.rad2deg(total[q]))
        for q, name in enumerate(tree.coordinates)
        if tree.coordinate_kind[q] == ROTATIONAL and seen[:, q].any()
    }


def _mean(values: F64) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else float("nan")


def filtered(
    angles: Angles, table: Trc, config: KinematicsConfig, filters: FilteringConfig
) -> Angles:
    """The free coordinates smoothed, the coupled ones computed from them.

    Raises:
        ConfigError: a cut-off that the rate does not allow.
    """
    chosen = msgspec.structs.replace(filters, type=config.filter_type, reject_outliers=False)
    free = filtering.smooth(angles.free, table.rate_hz, chosen)
    free = np.clip(free, *angles.task.bounds)
    machine = angles.task.machine
    off_m = forward.markers_m(machine, free) - _points_m(table, angles.task)
    return replace(
        angles,
        free=free,
        coordinates=np.array([forward.all_coordinates(machine, row)[0] for row in free]),
        error_m=np.linalg.norm(off_m, axis=-1),
    )
