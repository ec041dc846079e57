"""What live kinematics cost a frame and person, next to OpenSim's own solver on the same markers.

The frames are those of the published balancing trial, the models scaled to its person, weights and
cost those of Pose2Sim. OpenSim tracks in a process of its own; its start and its first frame do not
count, and neither do ours. A shared machine makes wall times long: processor times stand beside.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import trc
from core.kinematics import augment, ik
from core.kinematics.augment import AugmentConfig, AugmentState, Networks
from core.kinematics.augment_inputs import MARKERS
from core.kinematics.ik import IkState, Observed
from core.kinematics.ik_task import IkConfig, Task
from core.trc import Trc
from services import marker_networks, models
from tools import bench_trial, model_files
from tools.bench_trial import ANATOMICAL, KEYPOINTS, MODELS, Scaled

F64 = NDArray[np.float64]
Row = dict[str, float | str]
Step = Callable[[int], None]

_LIVE = AugmentConfig(warm_frames=60)
_N_FRAMES = 100
_N_NEW = 10  # people whose first frame is measured


def measure(rounds: int) -> list[Row]:
    """One row a case, named by the model, the number of its markers and what is computed.

    Raises:
        AssetError: the models or networks are not in the cache and cannot be fetched.
    """
    networks, config = marker_networks.load(), IkConfig()
    of = bench_trial.augmented(bench_trial.trajectories(), networks)
    keypoints = bench_trial.trajectories()
    rows, new = list[Row](), list[Row]()
    for model in MODELS:
        for marker_set, seen in ((KEYPOINTS, keypoints), (ANATOMICAL, of)):
            body = bench_trial.scaled(model, marker_set, seen)
            task = bench_trial.task_of(body.tree, seen, config)
            places_m = bench_trial.points_m(seen, task)
            name = f"{model}, {len(task.markers)}"
            theirs = _theirs(f"{name} OpenSim", places_m, task, config, body)
            rows.append(_row(f"{name} ik", _ik(places_m, task, config), rounds, theirs))
            if marker_set == ANATOMICAL:
                both = _both(networks, task, config)
                rows.append(_row(f"{name} augment + ik", both, rounds, theirs))
                new.append(_first(f"{name} first frame", both))
            rows.append(theirs)
    new.append({"case": "new process, first frame", "median µs": _cold_us()})
    return [*rows, *({**dict.fromkeys(rows[0], float("nan")), **row} for row in new)]


def _ik(places_m: F64, task: Task, config: IkConfig) -> Iterator[Step]:
    """Passes through markers (T, M, 3), each by a new person."""
    while True:
        state = IkState()

        def step(frame: int) -> None:
            nonlocal state
            state, _ = ik.step(state, Observed(places_m[frame]), task, config)

        yield step


def _both(networks: Networks, task: Task, config: IkConfig) -> Iterator[Step]:
    """The same from keypoints on, as the live chain does it."""
    of: Trc = bench_trial.trajectories()
    inputs_m, times_ns = bench_trial.inputs_m(of), bench_trial.times_ns(len(of.frames))
    chosen = np.array([MARKERS.index(name) for name in task.markers])
    subject = bench_trial.SUBJECT
    while True:
        memory, state = AugmentState(), IkState()

        def step(frame: int) -> None:
            nonlocal memory, state
            memory, found = augment.step(
                memory, times_ns[frame], inputs_m[frame], networks, subject, _LIVE
            )
            places_m = np.ascontiguousarray(trc.from_world(found.markers_m)[chosen])
            state, _ = ik.step(state, Observed(places_m), task, config)

        yield step


def _row(case: str, passes: Iterator[Step], rounds: int, theirs: Row) -> Row:
    """Frames after the first of each pass, ``rounds`` of them at least."""
    n_frames, times_us = _N_FRAMES, list[tuple[float, float]]()
    while len(times_us) < rounds:
        step = next(passes)
        times_us += [_spent_us(step, frame) for frame in range(n_frames)][1:]
    row = _said(case, *np.array(times_us).T)
    return row | {
        "ratio": float(theirs["cpu µs"]) / float(row["cpu µs"]),
        "wall ratio": float(theirs["median µs"]) / float(row["median µs"]),
    }


def _spent_us(step: Step, frame: int) -> tuple[float, float]:
    """Time and processor time."""
    begin_ns, processor_ns = time.perf_counter_ns(), time.process_time_ns()
    step(frame)
    processor_ns = time.process_time_ns() - processor_ns
    return (time.perf_counter_ns() - begin_ns) / 1e3, processor_ns / 1e3


def _said(case: str, wall_us: F64, processor_us: F64) -> Row:
    return {
        "case": case,
        "median µs": float(np.median(wall_us)),
        "p99 µs": float(np.percentile(wall_us, 99)),
        "cpu µs": float(np.median(processor_us)),
        "cpu p99 µs": float(np.percentile(processor_us, 99)),
        "ratio": 1.0,
        "wall ratio": 1.0,
    }


def _first(case: str, passes: Iterator[Step]) -> Row:
    times_us = [_spent_us(next(passes), 0) for _ in range(_N_NEW)]
    return {**_said(case, *np.array(times_us).T), "ratio": float("nan"), "wall ratio": float("nan")}


def _theirs(case: str, places_m: F64, task: Task, config: IkConfig, body: Scaled) -> Row:
    weights = config.coordinate_weights
    found = bench_trial.opensim(places_m, task, weights, body.files, body.factors)
    return _said(case, found.wall_us[1:], found.processor_us[1:])


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
        model_files.save(files[MODELS["simple"]], files["Markers_Halpe26.xml"], out)
        command = [sys.executable, "-c", _COLD, str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return 1e6 * float(done.stdout)
