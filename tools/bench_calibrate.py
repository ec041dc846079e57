"""Extrinsics from people: on published footage, on scenes with a known truth, and what they cost;
and from boards and wands (``bench_extrinsics``).

Fitted to the even instants, scored in held-out cameras at the odd ones.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from core import segments, synthetic
from core.calibration import bundle, people, place, scale, scratch
from core.calibration.people import ALL, Outcome
from core.cameras import Rig, project
from core.offline import Recording
from core.quality import views_of
from core.skeletons import HALPE_26
from core.synthetic_scenes import miscalibrated
from services import models, pose_weights, recordings
from tools import bench_extrinsics, bench_people

F64 = NDArray[np.float64]
Row = dict[str, float | str]
Tell = Callable[[str], None]
POSE_MODELS = ("blazepose_full", "blazepose_heavy")
_FACE = [HALPE_26.index(name) for name in ("LEye", "REye", "LEar", "REar")]
_CONFIG = '[project]\nframe_rate = 60\n[pose]\npose_model = "BODY_25B"\n'
_N_INSTANTS, _NOISE_PX = 1000, 2.0
_DENSE = (3, 5)
_RATE_HZ = 60.0


def measure(tell: Tell) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of real people, of synthetic ones, and of costs."""
    real = [_row("trial", balancing())]
    for model in POSE_MODELS:
        tell(f"demo: {model}")
        files = models.ensure("demo", progress=tell)
        pose_weights.ensure(model, progress=tell)
        real += of_footage(bench_people.run(files, model), model)
    tell("scenes with a known truth")
    scenes = [row for n_cameras in (4, 8) for row in _scene(n_cameras)]
    tell("costs")
    return real, scenes, costs()


def parts(tell: Tell) -> list[tuple[str, list[Row], str]]:
    """Tables of ``measure``: name, rows, what they say."""
    real, scenes, costs = measure(tell)
    says = (
        "median error in a held-out camera at the odd instants, the cameras fitted to the even "
        "ones; CV: of the segments' lengths; worst camera: its own median after"
    )
    truth = "2 px of noise, the height known; against the truth after a rigid motion"
    return [
        ("cases", real, says),
        (
            "boards",
            bench_extrinsics.rows(),
            "0.2 px of noise; common: instants that two cameras saw; sd: the largest claimed",
        ),
        ("scenes", scenes, f"1000 instants, half of them fitted; {truth}"),
        ("costs", costs, "ratio: least squares with a dense Jacobian by differences, to ours"),
    ]


def balancing() -> Recording:
    """The published balancing trial, whoever is followed in it."""
    files = models.ensure("trial")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "trial"
        (folder / "calibration").mkdir(parents=True)
        shutil.copytree(files["pose-2d-tracked"], folder / "pose-associated")
        shutil.copy(files["Calib_qca.toml"], folder / "calibration")
        (folder / "Config.toml").write_text(_CONFIG)
        return recordings.load(folder).recording


def of_footage(trial: bench_people.Trial, model: str) -> list[Row]:
    """The demo's walker: all keypoints, and without eyes and ears."""
    poses = [pose for pose in trial.poses if pose.persons]
    views = [views_of(pose, 0, trial.frames, trial.rig) for pose in poses]
    points_px, likelihood = (np.stack(list(one)) for one in zip(*views, strict=True))
    frames = np.arange(len(poses))
    whole = Recording(trial.rig, HALPE_26, _RATE_HZ, frames, points_px, likelihood)
    body = likelihood.copy()
    body[:, :, _FACE] = 0.0
    bodily = Recording(trial.rig, HALPE_26, _RATE_HZ, frames, points_px, body)
    name = model.removeprefix("blazepose_")
    return [_row(f"demo, {name}", whole), _row(f"demo, {name}, no eyes, ears", bodily)]


def _row(name: str, recording: Recording) -> Row:
    rig = recording.rig
    done = people.refine(rig, [recording], scale.Scale(), focal=False)
    assert done.before_px is not None
    before, after = (_body(one, recording) for one in (rig, done.rig))
    return {
        "footage": name,
        "held out px": done.before_px[ALL],
        "refined px": done.after_px[ALL],
        "worst camera px": max(done.after_px.values()),
        "CV %": before[0],
        "refined %": after[0],
        "m/s2": before[1],
        "refined m/s2": after[1],
        "height m": before[2],
        "refined m": after[2],
        "moved mm": 1e3 * float(done.moved_m.max()),
        "turned deg": float(done.turned_deg.max()),
    }


def _body(rig: Rig, recording: Recording) -> tuple[float, float, float]:
    """Variation of the segments in %, mean acceleration in m/s2, height in m, at all instants."""
    views = people.views_of(recording)
    points_m = scratch.triangulated(rig, views.points_px, views.likelihood)
    bends_m = np.diff(points_m, n=2, axis=0) * recording.rate_hz**2
    return (
        100 * segments.variation(points_m, recording.skeleton),
        float(np.nanmean(np.linalg.norm(bends_m, axis=-1))),
        segments.height_m(points_m, recording.skeleton),
    )


def walk(seen_by: Rig, calibrated: Rig, n_instants: int) -> Recording:
    """What cameras with 2 px of noise saw of a walk of known height."""
    points_m = synthetic.walk_m(n_instants)
    pixels = project(seen_by, points_m).swapaxes(0, 1)
    pixels = pixels + np.random.default_rng(0).normal(0, _NOISE_PX, pixels.shape)
    likelihood = np.where(np.isfinite(pixels).all(axis=-1), 0.9, 0.0)
    return Recording(calibrated, HALPE_26, _RATE_HZ, np.arange(n_instants), pixels, likelihood)


def _scene(n_cameras: int) -> list[Row]:
    true = synthetic.ring(n_cameras)
    knocked = miscalibrated(true, 1.5, 0.03, seed=2)
    recording = walk(true, knocked, _N_INSTANTS)
    known = scale.Scale(segments.height_m(synthetic.walk_m(_N_INSTANTS), HALPE_26))
    ways: dict[str, Callable[[], Outcome]] = {
        "refined": lambda: people.refine(knocked, [recording], known, focal=False),
        "from nothing": lambda: people.from_nothing(
            knocked, recording, known, synthetic.WIDTH_PX, focal=False
        ),
    }
    rows: list[Row] = []
    for way, solve in ways.items():
        began_s = perf_counter()
        done = solve()
        took_s = perf_counter() - began_s
        same = place.put_like(done.rig, true, scaled=False)
        rows.append(
            {
                "scene": f"{n_cameras} cameras, {way}",
                "worst mm": 1e3 * float(place.moved_m(true, same).max()),
                "worst deg": float(place.turned_deg(true, same).max()),
                "held out px": done.after_px[ALL],
                "s": took_s,
            }
        )
    return rows


def costs() -> list[Row]:
    """The adjustment next to least squares with a dense Jacobian, and of many instants."""
    true = synthetic.ring(4)
    knocked = miscalibrated(true, 1.5, 0.03, seed=2)
    _timed(knocked, walk(true, knocked, _DENSE[0]))  # loads the machine code
    rows: list[Row] = []
    for n_instants in (*_DENSE, _N_INSTANTS):
        recording = walk(true, knocked, n_instants)
        ours_s, cost = _timed(knocked, recording)
        row: Row = {"instants": n_instants, "s": ours_s, "cost": cost}
        if n_instants in _DENSE:
            dense_s, dense_cost = _dense(knocked, recording)
            row |= {"dense s": dense_s, "its cost": dense_cost, "ratio": dense_s / ours_s}
        else:
            row |= {"dense s": "", "its cost": "", "ratio": ""}
        rows.append(row)
    return rows


def _timed(rig: Rig, recording: Recording) -> tuple[float, float]:
    views = people.views_of(recording)
    began_s = perf_counter()
    done = bundle.adjust(rig, *views.flat)
    return perf_counter() - began_s, done.cost_px2


def _dense(rig: Rig, recording: Recording) -> tuple[float, float]:
    """The same problem as scipy solves it: all unknowns, derivatives by differences."""
    pixels, weight = people.views_of(recording).flat
    start_m = scratch.triangulated(rig, recording.points_px, recording.likelihood).reshape(-1, 3)
    n_cameras = 6 * len(rig.names)
    root = np.sqrt(weight)[..., None]

    def error(unknown: F64) -> F64:
        there = bundle.moved(rig, unknown[:n_cameras].reshape(-1, 6))
        off_px = project(there, unknown[n_cameras:].reshape(-1, 3)) - pixels
        length = np.linalg.norm(off_px, axis=-1, keepdims=True) / bundle.SOFT_PX
        soft = np.sqrt(2 * (np.sqrt(1 + length**2) - 1)) / np.maximum(length, 1e-12)
        return (np.where(np.isfinite(off_px), off_px, 0.0) * soft * root).ravel()

    began_s = perf_counter()
    first = np.concatenate([np.zeros(n_cameras), start_m.ravel()])
    done = least_squares(error, first, x_scale="jac", ftol=1e-7)
    return perf_counter() - began_s, float(done.cost)
