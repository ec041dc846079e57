"""What can be said of a calibration without a picture: whether it looks like cameras in a room."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.calibration.bands import Check, Judged, Word
from core.calibration.checks import centre_m
from core.cameras import CameraModel

F64 = NDArray[np.float64]
_ANGLES_DEG = (15.0, 120.0)
_CENTRE_OFF = 0.2
_LEAST_APART_M = 0.1
_ABOUT_M, _WIDE_M = 1.5, 4.0
_UPSIDE_DOWN = -0.5

ANGLE = Check(
    "Angle of view",
    f"usual lenses see {_ANGLES_DEG[0]:.0f} to {_ANGLES_DEG[1]:.0f} degrees",
    "Check focal length and picture size: were the pictures scaled after the calibration?",
)
CENTRE = Check(
    "Principal point",
    "where the lens looks straight ahead; within a fifth of the picture from its middle",
    "Check whether the pictures were cropped, turned or stabilised after the calibration.",
)
APART = Check(
    "Distance of the cameras",
    "two cameras at one place tell no depth",
    "Check that no camera was written twice.",
)
AIM = Check(
    "Where the cameras look",
    "the cameras of a rig look at a common place, which is in front of each",
    "Check that the poses are from world to camera, and that none is another camera's.",
)
FLOOR = Check(
    "Floor and up",
    "z is up and 0 the floor: cameras stand above it, and not on their heads",
    "Turn the world so that z is up, and put its origin on the floor.",
)
CHECKS = (ANGLE, CENTRE, APART, AIM, FLOOR)


def judge(models: Sequence[CameraModel]) -> tuple[Judged, ...]:
    """Judge cameras in a world in metres."""
    cam_from_world = np.stack([model.cam_from_world for model in models])
    centres_m = centre_m(cam_from_world)
    lenses = [one for model in models for one in (_angle(model), _centre(model))]
    if not np.ptp(cam_from_world.reshape(len(models), -1), axis=0).any():
        return tuple(lenses)  # lenses without places, or one camera
    aims = _aims(models, centres_m, cam_from_world[:, 2, :3])
    floors = [_floor(m, c) for m, c in zip(models, centres_m, strict=True)]
    return (*lenses, _apart(centres_m), *aims, *floors)


def _angle(model: CameraModel) -> Judged:
    longer_px, focal_px = max(model.width_px, model.height_px), model.image_from_cam[0, 0]
    angle_deg = float(np.degrees(2 * np.arctan(longer_px / 2 / focal_px)))
    is_usual = _ANGLES_DEG[0] <= angle_deg <= _ANGLES_DEG[1]
    return Judged(ANGLE, _word(is_usual), f"{angle_deg:.0f}°", model.name)


def _centre(model: CameraModel) -> Judged:
    size_px = np.array([model.width_px, model.height_px])
    off = float(np.abs(model.image_from_cam[:2, 2] / size_px - 0.5).max())
    return Judged(CENTRE, _word(off <= _CENTRE_OFF), f"{100 * off:.0f} % off", model.name)


def _apart(centres_m: F64) -> Judged:
    apart_m = np.linalg.norm(centres_m[:, None] - centres_m, axis=-1)
    least_m = float(apart_m[np.triu_indices(len(centres_m), 1)].min())
    word: Word = "good" if least_m >= _LEAST_APART_M else "redo"
    return Judged(APART, word, f"{least_m:.2f} m between the nearest two")


def _aims(models: Sequence[CameraModel], centres_m: F64, axes: F64) -> list[Judged]:
    """How far each optical axis passes the point that all are nearest to."""
    across = np.eye(3) - axes[:, :, None] * axes[:, None]  # (C, 3, 3) off the axis
    target_m = np.linalg.lstsq(
        across.sum(axis=0), (across @ centres_m[..., None]).sum(axis=0)[:, 0], rcond=1e-6
    )[0]
    away_m = target_m - centres_m
    passed_m = np.linalg.norm((across @ away_m[..., None])[..., 0], axis=-1)
    ahead_m = (axes * away_m).sum(axis=-1)
    found = []
    for model, off_m, forward_m in zip(models, passed_m, ahead_m, strict=True):
        if forward_m <= 0:
            found.append(Judged(AIM, "redo", "looks away from where the others look", model.name))
            continue
        word = "good" if off_m <= _ABOUT_M else "acceptable" if off_m <= _WIDE_M else "redo"
        found.append(Judged(AIM, word, f"{off_m:.1f} m past the common place", model.name))
    return found


def _floor(model: CameraModel, centre: F64) -> Judged:
    up = -model.cam_from_world[1, 2]
    if up < _UPSIDE_DOWN:
        return Judged(FLOOR, "acceptable", "upside down", model.name)
    return Judged(FLOOR, _word(centre[2] > 0), f"{centre[2]:.2f} m up", model.name)


def _word(is_so: bool) -> Word:
    return "good" if is_so else "acceptable"
