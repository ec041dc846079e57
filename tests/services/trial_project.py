"""Project folders for tests: the published balancing trial, and made-up ones."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.cameras import Rig
from core.messages import Keypoints2D, view
from core.synthetic import HEIGHT_PX, WIDTH_PX
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


def everybody(folder: Path, config: str = TRIAL_CONFIG) -> Path:
    """The trial with all people that were found in the pictures, not only the one who balances."""
    folder = trial(folder, config, stage="pose-sync")
    shutil.copytree(models.ensure("trial")["pose-2d"], folder / "pose-associated")
    return folder


def calibration_of(rig: Rig) -> str:
    """A rig as a Pose2Sim calibration."""
    return "\n".join(
        f"""[{name}]
name = "{name}"
size = [{WIDTH_PX}.0, {HEIGHT_PX}.0]
matrix = {rig.image_from_cam[place].tolist()}
distortions = {rig.distortion[place].tolist()}
rotation = {cv2.Rodrigues(rig.cam_from_world[place][:, :3])[0].ravel().tolist()}
translation = {rig.cam_from_world[place][:, 3].tolist()}
"""
        for place, name in enumerate(rig.names)
    )


def project_of(folder: Path, rig: Rig, messages: Iterable[Keypoints2D], config: str) -> Path:
    """Keypoints as a project, their people in the order of the messages."""
    files = {}
    for one in messages:
        people = [
            np.column_stack([view(person, "keypoints_px"), view(person, "confidence")])
            for person in one.persons
        ]
        name = f"pose/{one.camera}_json/{one.camera}.{one.frame:04d}.json"
        files[name] = [np.nan_to_num(person).ravel().tolist() for person in people]
    return write_project(folder, files, config, calibration_of(rig))
