"""The published networks over whole sequences in ONNX Runtime, as Pose2Sim runs them, and motions.

Written plainly after Pose2Sim 0.10.49's ``markerAugmentation.py``, in the axes of a .trc.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core import synthetic, trc
from core.kinematics import augment_inputs
from core.kinematics.augment import Subject
from core.kinematics.augment_inputs import HALVES, INPUTS, Half
from core.kinematics.lstm import Network
from core.skeletons import HALPE_26
from services import marker_networks, models

F64 = NDArray[np.float64]
Predict = Callable[[str, NDArray[np.float32]], NDArray[np.float32]]

TRIAL = Subject(1.75, 70.0)
WALKER = Subject(1.8, 75.0)


@cache
def networks() -> dict[str, Network]:
    return marker_networks.load()


def trial_m() -> F64:
    """Inputs (100, 20, 3) of the balancing trial, 60 Hz."""
    table = trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())
    source = augment_inputs.source_of(table.markers)
    return augment_inputs.gather(source, trc.to_world(table.points_m))


def walk_m(n_frames: int = 600, rate_hz: float = 60.0) -> F64:
    """Inputs (T, 20, 3) of the synthetic walker."""
    source = augment_inputs.source_of(HALPE_26.names)
    return augment_inputs.gather(source, synthetic.walk_m(n_frames, rate_hz))


def ticks_ns(n_frames: int, rate_hz: float = 60.0) -> list[int]:
    return [round(frame * 1e9 / rate_hz) for frame in range(n_frames)]


def features(inputs_m: F64, half: Half, who: Subject) -> NDArray[np.float32]:
    files = models.ensure("lstm")
    points = trc.from_world(inputs_m)
    hip = points[:, [INPUTS.index("Hip")]]
    relative = ((points[:, half.takes] - hip) / who.height_m).reshape(len(points), -1)
    n = len(points)
    rows = np.concatenate(
        [relative, np.full((n, 1), who.height_m), np.full((n, 1), who.mass_kg)], axis=1
    )
    mean, sd = (np.load(files[f"{half.name}_{what}.npy"]) for what in ("mean", "std"))
    return ((rows - mean) / sd).astype(np.float32)


def markers_m(inputs_m: F64, who: Subject, predict: Predict) -> F64:
    """Markers (T, 43, 3) in the world."""
    hip = trc.from_world(inputs_m)[:, [INPUTS.index("Hip")]]
    found = [
        predict(half.name, features(inputs_m, half, who)[None])[0] * who.height_m for half in HALVES
    ]
    return trc.to_world(np.concatenate([one.reshape(len(hip), -1, 3) + hip for one in found], 1))


def shipped(half: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(_session(half).run(None, {"inputs": rows})[0])


@cache
def _session(half: str) -> onnxruntime.InferenceSession:
    path = models.ensure("lstm")[f"{half}.onnx"]
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def apart_mm(one_m: F64, other_m: F64) -> float:
    """Greatest distance of a marker."""
    return float(1e3 * np.sqrt(((one_m - other_m) ** 2).sum(axis=-1)).max())
