"""The report of ``kinelive calibrate convert``, and where all of them are written."""

from collections.abc import Sequence
from pathlib import Path

from core.calibration import plausible
from core.cameras import CameraModel
from services.calibration_report import CalibrationReport, Figure, Space, camera_of, standing, write
from services.monitor.bundle import BundleError
from tools.terminal import progress, result


def of_convert(source: Path, models: Sequence[CameraModel], kind: str) -> CalibrationReport:
    """Report a calibration that was read: nothing is measured, it is looked whether it may be."""
    judged = plausible.judge(models)
    has_places = any(one.by is plausible.AIM for one in judged)
    return CalibrationReport(
        title="Calibration, as it was read",
        input_name=f"{source.resolve().name}, written as {kind}",
        judged=judged,
        cameras=tuple(
            camera_of(model, (), [*([standing(model)] if has_places else []), *_lens(model)])
            for model in models
        ),
        space=Space(tuple(models)) if has_places else None,
        good="It looks like cameras in a room; whether they are right was not measured.",
        notes=(
            "Nothing was measured here: the file is looked at, whether it can be of cameras in a "
            "room. How good it is tells `kinelive calibrate refine` with somebody in view, or "
            "`kinelive process`.",
        ),
    )


def _lens(model: CameraModel) -> list[Figure]:
    focal_px = model.image_from_cam.diagonal()[:2]
    lens = ", ".join(f"{value:.4f}" for value in model.distortion)
    return [
        Figure("Focal length", f"{focal_px[0]:.1f}, {focal_px[1]:.1f} px", "across, down"),
        Figure("Distortion", lens, "k1, k2, p1, p2, k3"),
    ]


def save(given: Path | None, report: CalibrationReport) -> Path | None:
    """Write the report where one is asked for, and say where it is, or why there is none.

    Raises:
        ConfigError: it cannot be written there.
    """
    if given is None:
        return None
    try:
        path = write(given, report)
    except BundleError as error:
        progress.print(f"no report: {error}")
        return None
    result.print(f"written: {path} ({path.stat().st_size / 1e3:.0f} kB)", soft_wrap=True)
    return path
