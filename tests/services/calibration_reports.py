"""Reports of calibrations with a known truth, for tests of the file and of its page."""

from pathlib import Path

import cv2
import numpy as np

from core import synthetic
from core.calibration import people
from core.calibration.board import Board
from core.calibration.intrinsics import calibrate
from core.calibration.scale import Scale
from core.calibration.sighting import Sighting
from core.cameras import CameraModel, Rig, project
from core.synthetic_scenes import miscalibrated
from services import calibration_report
from services.board_pictures import Sights
from services.calibration_report import CalibrationReport
from tests.unit.calibration import boards as scenes
from tests.unit.calibration.scenes import walk
from tools.calibrate_report import of_convert
from tools.calibrate_report_board import of_intrinsics
from tools.calibrate_report_people import of_refine

BOARD = Board(4, 7, 60.0)
SIZE_PX = (1920, 1080)


def lenses(n_views: int = 12, names: tuple[str, ...] = ("cam01", "cam02")) -> CalibrationReport:
    """Lenses from boards; the third view of each camera is 40 px wrong at a corner."""
    found, sights = {}, {}
    for seed, name in enumerate(names):
        views = scenes.views(BOARD, n_views, 0.1, seed)
        views[2].corners_px[0] += 40
        found[name] = calibrate(views, scenes.SIZE_PX, BOARD)
        photo = cv2.imencode(".jpg", scenes.picture(BOARD, *scenes.poses(1, BOARD, seed)[0]))[1]
        photos = {view.name: photo.tobytes() for view in views}
        sights[name] = Sights(scenes.SIZE_PX, tuple(views), (), photos)
    return of_intrinsics(Path("boards"), found, sights, BOARD)


def models_of(rig: Rig) -> list[CameraModel]:
    """The cameras of a rig, full HD."""
    return [
        CameraModel(name, *SIZE_PX, rig.image_from_cam[n], rig.distortion[n], rig.cam_from_world[n])
        for n, name in enumerate(rig.names)
    ]


def refined(n_cameras: int = 4) -> CalibrationReport:
    """Cameras that were knocked, made to agree with a walk again."""
    true = synthetic.ring(n_cameras)
    knocked = miscalibrated(true, 1.5, 0.03, seed=2)
    recording = walk(true, knocked, 80)
    outcome = people.refine(knocked, [recording], Scale(), focal=False)
    odd = people.halves([recording])[1]
    return of_refine("walk", knocked, outcome, models_of(outcome.rig), odd)


def converted() -> CalibrationReport:
    """A calibration as it was read."""
    return of_convert(Path("Calib.toml"), models_of(synthetic.ring(4)), "opencv")


def measured(noise_px: float = 0.5) -> CalibrationReport:
    """Cameras from points whose places were measured; one view was left out."""
    models = models_of(synthetic.ring(4))
    points_m = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], (20, 3))
    seen_px = project(Rig.of(models), points_m)
    noise = np.random.default_rng(1).normal(0, noise_px / np.sqrt(2), seen_px.shape)
    sightings = [
        Sighting(one.name, "scene", seen_px[place] + noise[place], seen_px[place])
        for place, one in enumerate(models)
    ]
    nothing = np.empty((0, 2))
    sightings.append(Sighting("cam02", "blurred", nothing, nothing, False, "not sharp"))
    return calibration_report.of_points("Places", "points", models, sightings, points_m)
