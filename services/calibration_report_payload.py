"""A calibration's report as the JSON that its page reads: words as they are, points as float32.

Bytes are little-endian, base64, NaN kept. ``services/monitor/web/src/calibration/payload.ts`` reads
it.
"""

import base64
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from core.calibration import bands
from core.calibration.bands import Band, Judged
from core.calibration.sighting import Sighting
from services import report_photos
from services.report_payload import encode

if TYPE_CHECKING:
    from services.calibration_report import CalibrationReport, ReportCamera, Space


def of(report: "CalibrationReport") -> dict[str, Any]:
    """All that the page needs."""
    photos = report_photos.fitted(report.photos)
    return {
        "kinelive": metadata.version("kinelive"),
        "title": report.title,
        "input": report.input_name,
        "headline": asdict(report.headline),
        "bands": [_band(one) for one in dict.fromkeys(one.by for one in report.judged)],
        "of_all": [_judged(one) for one in report.judged if not one.camera],
        "seen": report.seen,
        "bones": report.bones,
        "has_before": any(one.before_px is not None for one in report.sightings),
        "cameras": [_camera(one, report, photos) for one in report.cameras],
        "space": None if report.space is None else _space(report.space),
        "tables": [asdict(one) for one in report.tables],
        "notes": report.notes,
    }


def _band(by: bands.Band | bands.Check) -> dict[str, str]:
    good, acceptable = by.limits() if isinstance(by, Band) else ("as usual", "unusual")
    said = {"name": by.name, "means": by.means, "remedy": by.remedy}
    return {**said, "good": good, "acceptable": acceptable}


def _judged(one: Judged) -> dict[str, str]:
    return {"name": one.by.name, "value": one.value, "word": one.word, "means": one.by.means}


def _camera(
    camera: "ReportCamera", report: "CalibrationReport", photos: dict[tuple[str, str], bytes]
) -> dict[str, Any]:
    judged = [one for one in report.judged if one.camera == camera.name]
    views = [one for one in report.sightings if one.camera == camera.name]
    return {
        "name": camera.name,
        "size_px": camera.size_px,
        "word": bands.worst(judged) if judged else None,
        "judged": [_judged(one) for one in judged],
        "figures": [asdict(one) for one in camera.figures],
        "coverage": None if camera.coverage is None else camera.coverage.tolist(),
        "views": [_view(one, photos.get((one.camera, one.view))) for one in views],
    }


def _view(one: Sighting, photo: bytes | None) -> dict[str, Any]:
    """Points as rows of detected x, y, reprojected x, y, and before x, y where there is that."""
    parts = [one.detected_px, one.reprojected_px]
    if one.before_px is not None:
        parts.append(one.before_px)
    return {
        "name": one.view,
        "used": one.used,
        "reason": one.reason,
        "n_seen": int(np.isfinite(one.detected_px).all(axis=-1).sum()),
        "rms_px": one.rms_px,
        "points_px": encode(np.concatenate(parts, axis=1)),
        "n_columns": 2 * len(parts),
        "photo": None if photo is None else base64.b64encode(photo).decode(),
    }


def _space(space: "Space") -> dict[str, Any]:
    return {
        "cameras": [
            {
                "name": one.name,
                "width_px": one.width_px,
                "height_px": one.height_px,
                "image_from_cam": one.image_from_cam.tolist(),
                "cam_from_world": one.cam_from_world.tolist(),
            }
            for one in space.cameras
        ],
        "points_m": encode(space.points_m.reshape(-1, 3)),
        "lines": space.lines,
        "has_floor": space.has_floor,
        "note": space.note,
    }
