"""Project folders for tests: the published balancing trial, and made-up ones."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from services import models

TRIAL_CONFIG = """
[project]
frame_rate = 60
[pose]
pose_model = "BODY_25B"
"""


def trial(folder: Path, config: str = TRIAL_CONFIG, stage: str = "pose-associated") -> Path:
    """The trial of pose2sim 0.2.6 (cam1_json .. cam4_json) laid out as a project of today."""
    files = models.ensure("trial")
    (folder / "calibration").mkdir(parents=True)
    shutil.copytree(files["pose-2d-tracked"], folder / stage)
    shutil.copy(files["Calib_qca.toml"], folder / "calibration")
    (folder / "Config.toml").write_text(config)
    return folder


def write_frame(path: Path, people: Sequence[Sequence[float]]) -> None:
    """One json of OpenPose."""
    path.parent.mkdir(parents=True, exist_ok=True)
    people_json = [{"person_id": [-1], "pose_keypoints_2d": list(one)} for one in people]
    path.write_text(json.dumps({"version": 1.3, "people": people_json}))


def write_project(
    folder: Path, files: Mapping[str, Sequence[Sequence[float]]], config: str, calibration: str
) -> Path:
    """A project of a few files, each with its people."""
    (folder / "calibration").mkdir(parents=True)
    (folder / "calibration" / "Calib.toml").write_text(calibration)
    (folder / "Config.toml").write_text(config)
    for name, people in files.items():
        write_frame(folder / name, people)
    return folder
