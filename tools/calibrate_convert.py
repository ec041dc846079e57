"""``kinelive calibrate convert``: calibrations of other programs, read and written."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.table import Table

from core.calibration.checks import centre_m, require_metres
from core.cameras import CameraModel
from core.errors import ConfigError
from services import calibration_files, places
from services.calibration_report import place_of
from services.session import open_session
from services.session_format import MANIFEST
from tools.calibrate_report import of_convert, save
from tools.terminal import print_json, result

Kind = Literal["pose2sim", "opencv", "easymocap", "qualisys", "opencap"]


def convert(
    source: Annotated[Path, tyro.conf.Positional],
    target: Annotated[Path, tyro.conf.Positional],
    to: Kind | None = None,
    unit: Literal["m", "mm"] = "m",
    report: Path | None = None,
    at: Literal["start", "end"] = "end",
    json: bool = False,
) -> int:
    """Read a calibration of another program and write it as Pose2Sim's toml or for others.

    Read are, told by name and content: Pose2Sim, Anipose, FreeMoCap and Caliscope toml; Qualisys
    qca.txt; Vicon xcp (its lens fitted by OpenCV's); OpenCap pickle (arrays only, nothing in it is
    run); EasyMocap intri.yml with extri.yml; OpenCV yml; bioCV calib. Of the last four one file of
    each camera, or the folder with them. The world stays as it is, metres, but OpenCap's is turned
    z up. Of a session it is the calibration that it was recorded with, cameras that were knocked
    where they were found again.

    Args:
        source: file, folder with one file of each camera, or session.
        target: file (pose2sim, qualisys) or folder (opencv, easymocap, opencap) to be written.
        to: the format; without it what the name of the target says: .toml or .qca.txt.
        unit: of a source that does not say it (toml, yml): FreeMoCap and Anipose often have mm.
        report: also write a page that shows the cameras in the room, and whether they look like
            that of a rig. A name.html, or a folder, which gets a calibration.html.
        at: of a session, the cameras as calibrated, or where they stand at its end.
        json: print one JSON object as the last line.
    """
    if report:
        place_of(report)
    kind = to or calibration_files.kind_of(target)
    if kind is None:
        raise ConfigError(f"{target}: say with --to which format that is to be")
    models = _models_of(source, at_end=at == "end")
    if unit == "mm":
        models = {name: _in_metres(model) for name, model in models.items()}
    require_metres(models, str(source))
    written = calibration_files.write(target, list(models.values()), kind)
    if report:
        save(report, of_convert(source, list(models.values()), kind))
    if json:
        cameras = {name: _row(model) for name, model in models.items()}
        print_json({"cameras": cameras, "written": [str(path) for path in written], "to": kind})
    else:
        _show(models, written)
    return 0


def _models_of(source: Path, *, at_end: bool) -> dict[str, CameraModel]:
    if (source / MANIFEST).is_file():
        return places.models_of(open_session(source), at_end=at_end)
    return calibration_files.read(source)


def _in_metres(model: CameraModel) -> CameraModel:
    return replace(model, cam_from_world=model.cam_from_world * [1.0, 1.0, 1.0, 1e-3])


def _row(model: CameraModel) -> dict[str, object]:
    return {
        "size_px": [model.width_px, model.height_px],
        "focal_px": model.image_from_cam.diagonal()[:2].tolist(),
        "distortions": model.distortion.tolist(),
        "centre_m": centre_m(model.cam_from_world).tolist(),
    }


def _show(models: dict[str, CameraModel], written: list[Path]) -> None:
    table = Table("camera", "picture", "focal px", "stands at (m)", box=None)
    for name, model in models.items():
        place = ", ".join(f"{value:.3f}" for value in centre_m(model.cam_from_world))
        focal = f"{model.image_from_cam[0, 0]:.1f}"
        table.add_row(name, f"{model.width_px}x{model.height_px}", focal, place)
    result.print(table)
    result.print(f"written: {', '.join(map(str, written))}", soft_wrap=True)
