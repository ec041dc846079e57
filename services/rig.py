"""The calibrated rig of a run, read from its calibration file."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from core import cameras
from core.cameras import CameraModel, Rig
from core.config import RunConfig
from core.messages import CameraPlace
from services import calibration_files


class CameraPose(msgspec.Struct, frozen=True):
    """A camera as the monitor draws it."""

    name: str
    width_px: int
    height_px: int
    image_from_cam: list[list[float]]
    cam_from_world: list[list[float]]
    """(3, 4) m, Z up."""


def models_of(run: RunConfig) -> dict[str, CameraModel]:
    """Read the calibration of all cameras in the file or folder.

    Raises:
        CalibrationError: no such file, or not readable as calibration.
    """
    return calibration_files.load(Path(run.calibration))


def models_at(
    models: Mapping[str, CameraModel], places: Iterable[CameraPlace]
) -> dict[str, CameraModel]:
    """Cameras where they are by what is known of those that moved."""
    moved = {one.camera: np.array(one.in_force) for one in places}
    return {
        name: replace(model, cam_from_world=moved.get(name, model.cam_from_world))
        for name, model in models.items()
    }


def rig_of(run: RunConfig) -> Rig:
    """Make the rig of the cameras of a run; CalibrationError when one has no calibration."""
    names = [camera.name for camera in run.cameras]
    return cameras.select(models_of(run), names, Path(run.calibration).name)


def camera_poses(run: RunConfig) -> list[CameraPose]:
    """Poses of the cameras of a run; CalibrationError when one has no calibration."""
    models = models_of(run)
    cameras.select(models, [camera.name for camera in run.cameras], Path(run.calibration).name)
    return [
        CameraPose(
            name=model.name,
            width_px=model.width_px,
            height_px=model.height_px,
            image_from_cam=model.image_from_cam.tolist(),
            cam_from_world=model.cam_from_world.tolist(),
        )
        for model in (models[camera.name] for camera in run.cameras)
    ]
