"""The published balancing trial for benches: its markers, models scaled to its person, OpenSim."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import trc
from core.errors import AssetError
from core.kinematics import augment, augment_inputs, body_model, forward, scaling
from core.kinematics.augment import AugmentConfig, Networks
from core.kinematics.augment_inputs import MARKERS
from core.kinematics.body_model import BodyModel
from core.kinematics.ik_task import IkConfig, Task, bind
from core.kinematics.machine import machine
from core.kinematics.marker_weights import weights_of
from core.kinematics.scaling_tree import scale
from core.kinematics.tree import Tree
from core.trc import Trc
from services import models
from tools import own_process

F64 = NDArray[np.float64]

MODELS = {"simple": "Model_Pose2Sim_simple.osim", "muscles": "Model_Pose2Sim_muscles_flex.osim"}
KEYPOINTS, ANATOMICAL = "Halpe26", "LSTM"
"""Marker sets, as Pose2Sim names their files."""
RATE_HZ = 60.0
SUBJECT = augment.subject(1.75, 70.0)


@dataclass(frozen=True, slots=True)
class Files:
    """What OpenSim is to read."""

    osim: Path
    markers: Path
    setup: Path
    """Of Pose2Sim's scaling: which distances scale which bodies."""


class Scaled(NamedTuple):
    """A model scaled to a person."""

    tree: Tree
    factors: dict[str, F64]
    files: Files


class Tracked(NamedTuple):
    """What OpenSim's solver found, and took for each frame."""

    free: F64  # (T, N) rad, m
    wall_us: F64  # (T,)
    processor_us: F64  # (T,)


def trajectories() -> Trc:
    """100 frames at 60 Hz, 22 keypoints: the published ones and the middle of the hips."""
    raw = trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())
    hips = [raw.markers.index(name) for name in ("RHip", "LHip")]
    middle_m = raw.points_m[:, hips].mean(axis=1, keepdims=True)
    points_m = np.concatenate([raw.points_m, middle_m], axis=1)
    return Trc((*raw.markers, "Hip"), RATE_HZ, raw.frames, raw.times_s, points_m)


def inputs_m(of: Trc) -> F64:
    """What the marker networks take (T, 20, 3), Z up."""
    return augment_inputs.gather(augment_inputs.source_of(of.markers), trc.to_world(of.points_m))


def times_ns(n_frames: int) -> list[int]:
    """Capture times at the trial's rate."""
    return [round(frame * 1e9 / RATE_HZ) for frame in range(n_frames)]


def augmented(of: Trc, networks: Networks) -> Trc:
    """The same frames with the 43 anatomical markers behind the keypoints."""
    ticks_ns, config = times_ns(len(of.frames)), AugmentConfig()
    found = augment.track(ticks_ns, inputs_m(of), networks, SUBJECT, config)
    points_m = np.concatenate([of.points_m, trc.from_world(found.markers_m)], axis=1)
    return Trc((*of.markers, *MARKERS), of.rate_hz, of.frames, of.times_s, points_m)


def scaled(model: str, marker_set: str, of: Trc) -> Scaled:
    """A model by its name in ``MODELS``, scaled as Pose2Sim does, the whole trial being upright.

    Raises:
        AssetError: the models are not in the cache and cannot be fetched; it says what to do.
    """
    try:
        assets = models.ensure("opensim")
    except AssetError as error:
        raise AssetError(f"the body models are missing, so nothing is measured: {error}") from error
    setup = assets[f"Scaling_Setup_Pose2Sim_{marker_set}.xml"]
    files = Files(assets[MODELS[model]], assets[f"Markers_{marker_set}.xml"], setup)
    body = _read(files)
    tree, measurements = body.tree, body.measurements
    pairs = scaling.all_pairs(measurements)
    at_m = forward.markers_m(machine(tree), tree.free_default)
    model_m = scaling.distances_m(at_m, tree.markers, pairs)
    person_m = scaling.typical_m(scaling.distances_m(of.points_m, of.markers, pairs))
    named = (dict(zip(pairs, one.tolist(), strict=True)) for one in (person_m, model_m))
    factors = scaling.body_factors(measurements, *named, symmetric=True)
    there = {body: values for body, values in factors.items() if body in tree.bodies}
    return Scaled(scale(tree, there), there, files)


def _read(files: Files) -> BodyModel:
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        out = Path(scratch) / "model.npz"
        named = (str(files.osim), str(files.setup), str(out), "--markers", str(files.markers))
        own_process.call("tools.opensim_body_model", *named)
        with np.load(out) as arrays:
            return body_model.unpack(dict(arrays))


def task_of(tree: Tree, of: Trc, config: IkConfig) -> Task:
    """The task of following those markers of a trial that count."""
    return bind(tree, weights_of(of.markers, tree.markers), config)


def points_m(of: Trc, task: Task) -> F64:
    """Markers (T, M, 3) in the task's order, Y up."""
    chosen = [of.markers.index(name) for name in task.markers]
    return np.ascontiguousarray(of.points_m[:, chosen])


def opensim(
    places_m: F64,
    task: Task,
    weights: Mapping[str, float],
    files: Files,
    factors: Mapping[str, F64],
) -> Tracked:
    """OpenSim's solver on markers (T, M, 3) with the task's weights and those of coordinates.

    Raises:
        ModelError: OpenSim refuses the model or the markers.
    """
    frames = np.arange(len(places_m))
    table = Trc(task.markers, RATE_HZ, frames + 1, frames / RATE_HZ, places_m)
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        folder = Path(scratch)
        (folder / "in.trc").write_text(trc.write(table, "in.trc"))
        job = {
            "osim": str(files.osim),
            "markers": str(files.markers),
            "factors": {body: values.tolist() for body, values in factors.items()},
            "trc": str(folder / "in.trc"),
            "marker_weights": dict(zip(task.markers, task.weight.tolist(), strict=True)),
            "coordinate_weights": dict(weights),
            "out": str(folder / "out.npz"),
        }
        (folder / "job.json").write_bytes(msgspec.json.encode(job))
        own_process.call("tools.opensim_track", str(folder / "job.json"))
        with np.load(folder / "out.npz") as found:
            free = found["coordinates"][:, task.tree.free]
            return Tracked(free, found["wall_us"], found["processor_us"])
