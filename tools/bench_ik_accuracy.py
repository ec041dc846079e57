"""How near inverse kinematics come to joint angles that are known, ours and OpenSim's.

The truth is the published balancing trial's own movement: its inverse kinematics without a pull on
the lumbar joint, low-passed, on the simple model scaled to its person. The same model makes the 22
keypoints and solves them, so scale and model are right: errors are those of the solver, and of
four cameras with noise. A filter, 6 Hz and zero lag, is put on the triangulated keypoints.
"""

import numpy as np
from numpy.typing import NDArray

from core import smoothing, synthetic, trc, triangulate
from core.cameras import Rig, project, undistort
from core.kinematics import forward, ik_offline
from core.kinematics.ik_task import IkConfig, Task
from core.kinematics.tree import ROTATIONAL
from core.runs import as_columns
from tools import bench_trial
from tools.bench_trial import KEYPOINTS, RATE_HZ, Scaled

F64 = NDArray[np.float64]
Row = dict[str, float | str]

N_CAMERAS = 4
NOISE_PX = 2.0

_FREE = IkConfig(coordinate_weights={})
_LIVE = IkConfig(coordinate_weights={}, prior_weight=1e-4)
_CUTOFF_HZ, _ORDER = 6.0, 4
_INSIDE = 1e-3  # rad, m: how far from the bounds the truth stays
_CONFIDENCE = 0.9
_ROOT = ("pelvis_tx", "pelvis_ty", "pelvis_tz")


def measure() -> list[Row]:
    """One row a coordinate, both sides together: RMSE in degrees, the pelvis's place in mm."""
    of = bench_trial.trajectories()
    body = bench_trial.scaled("simple", KEYPOINTS, of)
    task = bench_trial.task_of(body.tree, of, _FREE)
    truth = _truth(bench_trial.points_m(of, task), task)
    exact_m = forward.markers_m(task.machine, truth)
    raw_m = _seen_m(exact_m)
    smooth_m = smoothing.butterworth(as_columns(raw_m)[:, :, None], RATE_HZ, _CUTOFF_HZ, _ORDER)
    cases = {"exact": exact_m, "raw": raw_m, "6 Hz": smooth_m.reshape(exact_m.shape)}
    columns = dict[str, dict[str, float]]()
    for name, places_m in cases.items():
        columns[f"{name}, ours"] = _rmse(_ours(places_m, task), truth, task)
        columns[f"{name}, OpenSim"] = _rmse(_theirs(places_m, body, task), truth, task)
    columns["raw, ours, prior 1e-4"] = _rmse(_ours(raw_m, task, _LIVE), truth, task)
    names = columns["exact, ours"]
    return [
        {"coordinate": one, **{column: rms[one] for column, rms in columns.items()}}
        for one in names
    ]


def _truth(places_m: F64, task: Task) -> F64:
    """Free coordinates (T, N)."""
    free = _ours(places_m, task)[:, :, None]
    smooth = smoothing.butterworth(free, RATE_HZ, _CUTOFF_HZ, _ORDER)[:, :, 0]
    lower, upper = task.bounds
    return np.clip(smooth, lower + _INSIDE, upper - _INSIDE)


def _ours(places_m: F64, task: Task, config: IkConfig = _FREE) -> F64:
    solved = dict(ik_offline.solve(places_m, task, config))
    return np.array([solved[frame].free for frame in range(len(places_m))])


def _theirs(places_m: F64, body: Scaled, task: Task) -> F64:
    return bench_trial.opensim(places_m, task, {}, body.files, body.factors).free


def _seen_m(exact_m: F64) -> F64:
    """Points (T, M, 3), Y up, triangulated from pictures of them with noise."""
    world_m = trc.to_world(exact_m)
    middle_m = world_m.reshape(-1, 3).mean(axis=0) * np.array([1.0, 1.0, 0.0])
    rig, rng = synthetic.ring(N_CAMERAS), np.random.default_rng(0)
    found = [_point_m(rig, frame_m - middle_m, rng) for frame_m in world_m]
    return trc.from_world(np.array(found) + middle_m)


def _point_m(rig: Rig, points_m: F64, rng: np.random.Generator) -> F64:
    pixels = project(rig, points_m)  # (C, M, 2)
    pixels = pixels + rng.normal(0.0, NOISE_PX, pixels.shape)
    ideal_px = undistort(rig.image_from_cam, rig.distortion, pixels)
    weight = np.full(pixels.shape[:2], _CONFIDENCE)
    return triangulate.robust(rig.image_from_world, ideal_px, weight, NOISE_PX).points_m


def _rmse(free: F64, truth: F64, task: Task) -> dict[str, float]:
    """By coordinate without its side: degrees, turns taken to within half a turn; and the pelvis's
    place in mm."""
    wrong = free - truth
    turns = task.tree.coordinate_kind[task.tree.free] == ROTATIONAL
    wrong_deg = np.rad2deg((wrong + np.pi) % (2 * np.pi) - np.pi)
    names = task.tree.free_names
    root = [names.index(name) for name in _ROOT]
    found = {"pelvis mm": 1e3 * float(np.sqrt((wrong[:, root] ** 2).sum(axis=1).mean()))}
    for name in dict.fromkeys(map(_without_side, np.array(names)[turns].tolist())):
        places = [c for c, one in enumerate(names) if _without_side(one) == name]
        found[name] = float(np.sqrt((wrong_deg[:, places] ** 2).mean()))
    return found


def _without_side(name: str) -> str:
    return name[:-2] if name.endswith(("_r", "_l")) else name
