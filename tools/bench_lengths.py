"""What it is worth to learn the lengths of the segments and to hold them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import segments, synthetic_trials
from core.cameras import Rig
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.skeletons import named
from core.synthetic_trials import Trial
from services import models
from services.project import open_project

F64 = NDArray[np.float64]

_TRIAL_CONFIG = '[project]\nframe_rate = 60\n[pose]\npose_model = "BODY_25B"\n'
_SETTLED = 60  # instants, until the lengths are known
_NAMES = (
    "4 cameras, 2 px",
    "4 cameras, 2 px, 5 % at 100 px, 5 % missing",
    "4 cameras, calibration off 0.2 deg, 5 mm",
)
Row = dict[str, float | str]


def measure() -> list[Row]:
    """How much the twelve segments' lengths vary (CV, %) and the error, free and held."""
    chosen = [trial for trial in synthetic_trials.TRIALS if trial.name in _NAMES]
    synthetic = [_row(trial.name, *synthetic_trials.scene(trial), trial) for trial in chosen]
    return [*synthetic, _row("balancing, real, 1.7 s", *_balancing(), None)]


def _row(name: str, rig: Rig, messages: list[Keypoints2D], trial: Trial | None) -> Row:
    row: Row = {"scene": name}
    for held in (False, True):
        config = FusionConfig(segment_lengths=held)
        poses = synthetic_trials.fuse(rig, messages, config)
        said = "held" if held else "free"
        row[f"cv_{said}_percent"] = 100 * segments.variation(
            _points_m(poses), named(messages[0].skeleton)
        )
        row[f"error_{said}_mm"] = float("nan")
        if trial is not None:
            truth_m = synthetic_trials.truth_m(trial)
            score = synthetic_trials.score(poses, truth_m, trial.rate_hz)
            row[f"error_{said}_mm"] = score.mean_mm
    return row


def _points_m(poses: list[Pose3D]) -> F64:
    """Filtered keypoints (T, J, 3) of the first person, once its lengths are known."""
    people = [pose.persons[0] for pose in poses[_SETTLED:] if pose.persons]
    return np.stack([view(person, "keypoints_m") for person in people]).astype(float)


def _balancing() -> tuple[Rig, list[Keypoints2D]]:
    """The published trial of a person who balances, 4 cameras, 60 Hz."""
    files = models.ensure("trial")
    with tempfile.TemporaryDirectory(prefix="kinelive-bench-") as folder:
        project = Path(folder)
        (project / "calibration").mkdir()
        shutil.copytree(files["pose-2d-tracked"], project / "pose-associated")
        shutil.copy(files["Calib_qca.toml"], project / "calibration")
        (project / "Config.toml").write_text(_TRIAL_CONFIG)
        opened = open_project(project)
        return opened.rig, list(_twice(list(opened.messages())))


def _twice(messages: list[Keypoints2D]) -> Iterator[Keypoints2D]:
    """Forwards and backwards, so that there is time to learn, without a cut in the movement."""
    yield from messages
    last = messages[-1]
    for one in sorted(messages, key=lambda one: (-one.frame, one.camera)):
        if one.frame < last.frame:
            yield msgspec.structs.replace(
                one, t_ns=2 * last.t_ns - one.t_ns, frame=2 * last.frame - one.frame
            )
