"""``kinelive ik``: joint coordinates (.mot) from marker trajectories (.trc) and a body model."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import tyro
from numpy.typing import NDArray
from rich.progress import track

from core import mot, trc
from core.errors import ConfigError, ModelError, SessionError
from core.kinematics import forward, ik_offline
from core.kinematics.ik_task import IkConfig, Task, bind
from core.kinematics.marker_weights import weights_of
from core.kinematics.tree import Tree
from core.trc import Trc
from services import models
from tools import model_files, own_process
from tools.terminal import print_json, progress, result

F64 = NDArray[np.float64]
Solver = Literal["fast", "opensim"]

_LUMBAR = "L5_S1_Flex_Ext"
_MOSTLY = 0.5  # of the frames


class Solved(msgspec.Struct, frozen=True):
    """All frames."""

    coordinates: F64
    """(T, Q) rad, m"""
    milliseconds: F64
    """(T,) or (1,) the mean: what a frame took; empty where it is not known."""
    not_solved: int = 0
    """Frames with too few markers, which have the values of a neighbour."""
    unobserved: tuple[str, ...] = ()
    """Coordinates that the markers say nothing of in most frames."""


def ik(
    input: Annotated[Path, tyro.conf.Positional],
    osim: Path,
    out: Path,
    solver: Solver = "fast",
    markers: Path | None = None,
    l5s1_weight: float = 0.1,
    json: bool = False,
) -> int:
    """Compute all joint coordinates of a body model (.mot) from marker trajectories (.trc).

    Marker weights are those of Pose2Sim 0.10.49 for the set that is found: anatomical markers
    (``_study``) if there are any, else keypoints. No filter, no memory between frames.

    Args:
        input: marker trajectories, Y up.
        osim: the body model, scaled to the person.
        out: file to write: degrees and metres, all coordinates in the model's order.
        solver: fast = ours; opensim = OpenSim's own with the same weights.
        markers: a marker set (.xml) to put into the model.
        l5s1_weight: pull of L5_S1_Flex_Ext to its default; Pose2Sim has 0.1, 0 lets it go free.
        json: print the report as one JSON object, the last line.
    """
    if l5s1_weight < 0:
        raise ConfigError(f"--l5s1-weight {l5s1_weight}: must not be negative")
    trajectories = _read(input)
    model = models.resolve(str(osim))
    marker_set = None if markers is None else models.resolve(str(markers))
    progress.print(f"reading {model}")
    tree = model_files.load(model, marker_set)
    config = IkConfig(coordinate_weights={_LUMBAR: l5s1_weight})
    task = bind_to(trajectories, tree, config)
    points_m = _points_m(trajectories, task)
    if solver == "fast":
        solved = solve_fast(points_m, task, config)
    else:
        progress.print("OpenSim solves; this takes 10 to 150 ms a frame")
        solved = solve_opensim(trajectories, task, config, model, marker_set)
    _write(out, mot.write(mot.of_coordinates(tree, trajectories.times_s, solved.coordinates)))
    _tell(report(solved, points_m, task, solver, out), json=json)
    return 0


def _read(path: Path) -> Trc:
    try:
        trajectories = trc.parse(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{path}: cannot be read ({error}); give a .trc") from error
    except SessionError as error:
        raise SessionError(f"{path}: {error}") from error
    if not len(trajectories.frames):
        raise SessionError(f"{path}: there is no frame in it")
    return trajectories


def bind_to(trajectories: Trc, tree: Tree, config: IkConfig) -> Task:
    """The task of following the markers of a .trc that count.

    Raises:
        ModelError: there are none.
    """
    weights = weights_of(trajectories.markers, tree.markers)
    if not weights:
        raise ModelError(
            f"the model has none of the markers {', '.join(trajectories.markers)}; give the marker"
            " set that belongs to them, e.g. --markers asset:opensim/Markers_Halpe26.xml"
        )
    return bind(tree, weights, config)


def _points_m(trajectories: Trc, task: Task) -> F64:
    """Markers (T, M, 3) in the task's order."""
    chosen = [trajectories.markers.index(name) for name in task.markers]
    return np.ascontiguousarray(trajectories.points_m[:, chosen])


def solve_fast(points_m: F64, task: Task, config: IkConfig) -> Solved:
    """Our solver.

    Raises:
        SessionError: no frame has all core markers.
    """
    n_frames = len(points_m)
    if ik_offline.first_complete(points_m, task) < 0:
        core = ", ".join(np.array(task.markers)[task.core])
        raise SessionError(f"no frame has all of {core}; fill gaps in the .trc first")
    coordinates = np.empty((n_frames, len(task.tree.coordinates)))
    unobserved = np.zeros(len(task.tree.coordinates))
    milliseconds, not_solved = np.empty(n_frames), 0
    frames = ik_offline.solve(points_m, task, config)
    begin_ns = time.perf_counter_ns()
    for frame, one in track(
        frames, "inverse kinematics", total=n_frames, console=progress, transient=True
    ):
        coordinates[frame] = one.coordinates
        unobserved += one.unobserved
        not_solved += one.status == "kept"
        milliseconds[frame] = (time.perf_counter_ns() - begin_ns) / 1e6
        begin_ns = time.perf_counter_ns()
    mostly = np.flatnonzero(unobserved > _MOSTLY * n_frames)
    names = tuple(task.tree.coordinates[number] for number in mostly)
    return Solved(coordinates, milliseconds, not_solved, names)


def solve_opensim(
    trajectories: Trc, task: Task, config: IkConfig, osim: Path, markers: Path | None
) -> Solved:
    """OpenSim's InverseKinematicsTool with the same weights, in another process.

    Raises:
        ModelError: OpenSim refuses the model or the markers.
    """
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        folder = Path(scratch)
        keep = [trajectories.markers.index(name) for name in task.markers]
        wanted = replace(
            trajectories, markers=task.markers, points_m=trajectories.points_m[:, keep]
        )
        (folder / "in.trc").write_text(trc.write(wanted, "in.trc"))
        job = {
            "osim": str(osim.resolve()),
            "markers": "" if markers is None else str(markers.resolve()),
            "trc": str(folder / "in.trc"),
            "marker_weights": dict(zip(task.markers, task.weight.tolist(), strict=True)),
            "coordinate_weights": config.coordinate_weights,
            "times_s": (float(wanted.times_s[0]), float(wanted.times_s[-1])),
            "mot": str(folder / "out.mot"),
        }
        (folder / "job.json").write_bytes(msgspec.json.encode(job))
        begin_ns = time.perf_counter_ns()
        own_process.call("tools.opensim_ik", str(folder / "job.json"))
        each_ms = (time.perf_counter_ns() - begin_ns) / 1e6 / len(wanted.frames)
        found = mot.parse((folder / "out.mot").read_text())
    return Solved(mot.to_coordinates(found, task.tree), np.array([each_ms]))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error}); choose another --out") from error


def report(solved: Solved, points_m: F64, task: Task, solver: Solver, out: Path) -> dict[str, Any]:
    """What came out, as ``--json`` prints it; errors of markers as OpenSim counts them."""
    free = solved.coordinates[:, task.tree.free]
    error_m = np.linalg.norm(forward.markers_m(task.machine, free) - points_m, axis=-1)  # (T, M)
    seen = np.isfinite(error_m).any(axis=1)
    rms_mm = 1e3 * np.sqrt(np.nanmean(error_m[seen] ** 2, axis=1))
    worst = np.unravel_index(np.nanargmax(error_m), error_m.shape)
    return {
        "solver": solver,
        "mot": str(out),
        "frames": len(points_m),
        "not_solved": solved.not_solved,
        "markers": len(task.markers),
        "coordinates": len(task.tree.coordinates),
        "rms_mm": {"mean": float(rms_mm.mean()), "p95": float(np.percentile(rms_mm, 95))},
        "worst_mm": 1e3 * float(error_m[worst]),
        "worst_marker": task.markers[worst[1]],
        "worst_frame": int(worst[0]),
        "cost_m2": float(costs_m2(free, error_m, task).mean()),
        "ms_per_frame": float(np.median(solved.milliseconds)) if len(solved.milliseconds) else None,
        "unobserved": list(solved.unobserved),
    }


def costs_m2(free: F64, error_m: F64, task: Task) -> F64:
    """OpenSim's cost (T,) of free coordinates (T, N) with marker errors (T, M)."""
    weight = np.where(np.isfinite(error_m), task.weight, 0.0)
    squares = np.nansum(weight * error_m**2, axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
    pulled = (task.pull * (free - task.tree.free_default) ** 2).sum(axis=1)
    return 0.5 * (squares + pulled)


def _tell(said: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(said)
        return
    rms = said["rms_mm"]
    result.print(
        f"{said['frames']} frames, {said['markers']} markers: RMS marker error {rms['mean']:.1f} mm"
        f" mean, {rms['p95']:.1f} mm p95; worst {said['worst_mm']:.0f} mm"
        f" ({said['worst_marker']}, frame {said['worst_frame']})"
    )
    if said["not_solved"]:
        result.print(
            f"{said['not_solved']} frames with too few markers keep their neighbour's pose"
        )
    if said["unobserved"]:
        result.print(f"not observed by these markers: {', '.join(said['unobserved'])}")
    result.print(said["mot"], soft_wrap=True)
