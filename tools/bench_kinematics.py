"""What inverse kinematics costs a frame, next to OpenSim's own solver on the same frames.

Frames are made by the model itself: a gentle movement of all coordinates, markers with noise.
OpenSim solves all frames in one call in a process of its own; its rows are means and contain the
start of that process, some 10 ms a frame.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import AssetError
from core.kinematics import forward, ik
from core.kinematics.ik import IkState, Observed
from core.kinematics.ik_task import IkConfig, Task
from core.trc import Trc
from services import models
from tools import model_files
from tools.ik import bind_to, solve_opensim

F64 = NDArray[np.float64]

_MODELS = {"simple": "Model_Pose2Sim_simple.osim", "muscles": "Model_Pose2Sim_muscles_flex.osim"}
_RATE_HZ = 60.0
_NOISE_M = 0.01
_SWING_RAD = 0.3
_N_FRAMES_OPENSIM = 60


@dataclass(frozen=True, slots=True)
class _Case:
    """A model bound to its keypoints."""

    osim: Path
    markers: Path
    task: Task


def measure(rounds: int) -> dict[str, float]:
    """µs of each case; ours on the simple model first.

    Raises:
        AssetError: the models are not in the cache and cannot be fetched; it says what to do.
    """
    try:
        files = models.ensure("opensim")
    except AssetError as error:
        raise AssetError(f"the body models are missing, so nothing is measured: {error}") from error
    config, found = IkConfig(), dict[str, float]()
    for name, file in _MODELS.items():
        case = _case(files[file], files["Markers_Halpe26.xml"], config)
        points_m = _points_m(case.task, max(rounds, _N_FRAMES_OPENSIM))
        found |= _ours(name, case, points_m[:rounds], config)
        some = _trajectories(case.task, points_m[:_N_FRAMES_OPENSIM])
        theirs = solve_opensim(some, case.task, config, case.osim, case.markers)
        found[f"OpenSim, {name}, mean of {_N_FRAMES_OPENSIM}"] = 1e3 * float(theirs.milliseconds[0])
    found["a new process, its first frame, from the cache"] = _cold_us()
    return found


def _case(osim: Path, markers: Path, config: IkConfig) -> _Case:
    tree = model_files.load(osim, markers)
    none = np.empty((0, len(tree.markers), 3))
    nothing = Trc(tree.markers, _RATE_HZ, np.empty(0, np.int64), np.empty(0), none)
    return _Case(osim, markers, bind_to(nothing, tree, config))


def _points_m(task: Task, n_frames: int) -> F64:
    """Markers (T, M, 3) of a gentle movement."""
    rng = np.random.default_rng(0)
    n = len(task.pull)
    phase, rate_hz = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.3, 1.0, n)
    swing = np.where(task.root, 0.1, _SWING_RAD) * np.where(task.pull > 0, 0.0, 1.0)
    times_s = np.arange(n_frames)[:, None] / _RATE_HZ
    free = task.neutral[0] + swing * np.sin(2 * np.pi * rate_hz * times_s + phase)
    exact_m = forward.markers_m(task.machine, np.clip(free, *task.bounds))
    offset_m = rng.normal(0.0, _NOISE_M, exact_m.shape[1:])  # the person is not the model
    return exact_m + offset_m + rng.normal(0.0, _NOISE_M / 3, exact_m.shape)


def _trajectories(task: Task, points_m: F64) -> Trc:
    frames = np.arange(len(points_m))
    return Trc(task.markers, _RATE_HZ, frames, frames / _RATE_HZ, points_m)


def _ours(name: str, case: _Case, points_m: F64, config: IkConfig) -> dict[str, float]:
    state, times_us = IkState(), []
    for frame_m in points_m:
        begin_ns = time.perf_counter_ns()
        state, _ = ik.step(state, Observed(frame_m), case.task, config)
        times_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    rest = times_us[1:] or times_us
    return {
        f"ours, {name}, median": float(np.median(rest)),
        f"ours, {name}, p99": float(np.percentile(rest, 99)),
    }


_COLD = """
import sys, time
from pathlib import Path
import numpy as np
begin = time.perf_counter()
from core.kinematics import forward, ik
from core.kinematics.ik_task import IkConfig, bind
from tools.model_files import load_npz
tree, config = load_npz(Path(sys.argv[1])), IkConfig()
task = bind(tree, dict.fromkeys(tree.markers, 1.0), config)
points_m = forward.markers_m(task.machine, tree.free_default)
ik.step(ik.IkState(), ik.Observed(points_m), task, config)
print(time.perf_counter() - begin)
"""


def _cold_us() -> float:
    """A process that imports, loads the kernels from numba's cache and finds a body."""
    files = models.ensure("opensim")
    with tempfile.TemporaryDirectory(prefix="kinelive-") as folder:
        out = Path(folder) / "model.npz"
        model_files.save(files[_MODELS["simple"]], files["Markers_Halpe26.xml"], out)
        command = [sys.executable, "-c", _COLD, str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return 1e6 * float(done.stdout)
