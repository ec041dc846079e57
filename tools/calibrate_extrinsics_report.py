"""The report of ``kinelive calibrate extrinsics``."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import bands
from core.calibration.outcome import CameraPlace, Outcome
from core.calibration.sighting import Sighting
from core.cameras import Rig, undistort
from core.triangulate import linear
from services import calibration_report
from services.calibration_report import CalibrationReport, Figure

F64 = NDArray[np.float64]
_MOST_POINTS = 3000


def of_extrinsics(done: Outcome, input_name: str) -> CalibrationReport:
    """Report cameras that were placed by a board, measured points or balls."""
    report = calibration_report.of_points(
        "Places of cameras",
        input_name,
        done.models,
        [one for camera in done.cameras.values() for one in _sightings(camera)],
        seen_twice_m(done),
        figures={name: _figures(one) for name, one in done.cameras.items()},
        notes=(
            f"The world rests on {done.rests_on}. Standard deviations are relative to "
            f"{done.sd_relative_to}; the lenses count as exact.",
            *done.verdict.warnings,
        ),
    )
    against = tuple(bands.MISTAKES.judge(1, also=text) for text in done.verdict.problems)
    return replace(report, judged=(*against, *report.judged))


def seen_twice_m(done: Outcome) -> F64:
    """Points (N, 3) m that two cameras or more saw, where the calibration puts them."""
    rig = Rig.of(done.models)
    seen = dict[tuple[str, bytes], list[tuple[int, F64]]]()
    for number, one in enumerate(done.cameras.values()):
        for judged in one.judged:
            if judged.used:
                lens = rig.image_from_cam[number], rig.distortion[number]
                ideal_px = undistort(lens[0][None], lens[1][None], judged.sight.seen_px[None])[0]
                for at_m, at_px in zip(judged.sight.local_m, ideal_px, strict=True):
                    key = judged.sight.body, np.round(at_m, 6).tobytes()
                    seen.setdefault(key, []).append((number, at_px))
    twice = [views for views in seen.values() if len(views) > 1]
    twice = twice[:: max(1, -(-len(twice) // _MOST_POINTS))]
    points_px = np.zeros((len(rig.names), len(twice), 2))
    weight = np.zeros(points_px.shape[:2])
    for place, views in enumerate(twice):
        for number, at_px in views:
            points_px[number, place], weight[number, place] = at_px, 1.0
    return linear(rig.image_from_world, points_px, weight)


def _sightings(camera: CameraPlace) -> list[Sighting]:
    return [
        Sighting(
            camera.model.name,
            one.sight.picture,
            one.sight.seen_px,
            one.reprojected_px,
            one.used,
            one.why,
        )
        for one in camera.judged
    ]


def _figures(camera: CameraPlace) -> tuple[Figure, ...]:
    sd_mm = float(np.linalg.norm(camera.known.position_sd_mm))
    sd_deg = float(np.linalg.norm(camera.known.orientation_sd_deg))
    used = sum(one.used for one in camera.judged)
    left_out = len(camera.judged) - used
    return (
        Figure("Place known to", f"{sd_mm:.2f} mm", "standard deviation"),
        Figure("Direction known to", f"{sd_deg:.3f}°", "standard deviation"),
        Figure("Pictures", str(used), f"{left_out} left out, {len(camera.unseen)} without a find"),
    )
