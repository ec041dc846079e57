"""``kinelive calibrate intrinsics``: lenses from pictures of a board."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.table import Table

from core.calibration import board as boards
from core.calibration import intrinsics as lenses
from core.calibration.board import Board
from core.calibration.intrinsics import Intrinsics
from core.cameras import CameraModel
from core.errors import CalibrationError
from services import board_pictures, calibration_files
from services.board_pictures import Sights
from services.calibration_report import place_of
from tools.calibrate_report import save
from tools.calibrate_report_board import MIRRORED, of_intrinsics
from tools.terminal import print_json, progress, result, telling


def intrinsics(
    folder: Annotated[Path, tyro.conf.Positional],
    board: str,
    square_mm: float,
    charuco: str = "",
    cameras: str = "",
    out: Path | None = None,
    report: Path | None = None,
    json: bool = False,
) -> int:
    """Calibrate the lens of each camera from photos or a video of a board.

    Hold the board at all places of the picture, near and far, and tilted each way; 15 pictures
    are good, four the least. Of a video the sharpest and most different pictures are taken. A
    picture that does not agree with the others is found and left out, and named. The lens model
    is OpenCV's with k1, k2, p1, p2.

    Args:
        folder: with one folder of photos, or one video, of each camera, called as the camera;
            Pose2Sim's int_cam01_img is cam01.
        board: inner corners across x down, such as 4x7: corners between squares, not squares.
        square_mm: side of a square, in millimetres.
        charuco: of a ChArUco board, dictionary and side of the markers: DICT_4X4_50:45.
        cameras: those that must be there, with commas; others are left out.
        out: also write the lenses as a Calib.toml without poses, for `refine --initial none`.
        report: also write a page that shows how good the lenses are, and why: the pictures with
            the corners and how far each is off, where the board was, what was left out. A
            name.html, or a folder, which gets a calibration.html.
        json: print one JSON object as the last line.
    """
    asked = boards.board_of(board, square_mm, charuco)
    if report:
        place_of(report)
    expected = [name for name in cameras.split(",") if name]
    found: dict[str, Intrinsics] = {}
    seen: dict[str, Sights] = {}
    with telling() as tell:
        for source in board_pictures.sources(folder, expected):
            sights = board_pictures.look(source, asked, tell)
            seen[source.camera], found[source.camera] = sights, _lens(source.camera, sights, asked)
    _show(found)
    if not asked.dictionary:
        progress.print(MIRRORED)
    if out:
        models = [_model(name, lens) for name, lens in found.items()]
        calibration_files.write(out, models, "pose2sim")
        result.print(f"written: {out}", soft_wrap=True)
    if report:
        save(report, of_intrinsics(folder, found, seen, asked))
    if json:
        print_json({"cameras": {name: _row(lens) for name, lens in found.items()}})
    return 0


def _lens(camera: str, sights: Sights, board: Board) -> Intrinsics:
    try:
        lens = lenses.calibrate(sights.views, sights.size_px, board)
    except CalibrationError as error:
        raise CalibrationError(f"{camera}: {error}") from error
    return replace(lens, rejected=(*sights.rejected, *lens.rejected))


def _model(name: str, lens: Intrinsics) -> CameraModel:
    width_px, height_px = lens.size_px
    nowhere = np.eye(3, 4)
    return CameraModel(name, width_px, height_px, lens.image_from_cam, lens.distortion, nowhere)


def _row(lens: Intrinsics) -> dict[str, object]:
    return {
        "rms_px": lens.rms_px,
        "size_px": list(lens.size_px),
        "matrix": lens.image_from_cam.tolist(),
        "distortions": lens.distortion.tolist(),
        "sd": lens.sd,
        "views_used": [view.name for view in lens.views],
        "views_rejected": [{"name": one.name, "why": one.why} for one in lens.rejected],
        "says": lens.says,
    }


def _show(found: dict[str, Intrinsics]) -> None:
    table = Table("camera", "rms px", "f px", "sd of f", "views", "left out", box=None)
    for name, lens in found.items():
        figures = (lens.rms_px, lens.image_from_cam[0, 0], lens.sd["fx"])
        numbers = [f"{value:.{digits}f}" for value, digits in zip(figures, (3, 1, 1), strict=True)]
        counts = (str(len(lens.views)), str(len(lens.rejected)))
        table.add_row(name, *numbers, *counts)
    progress.print(table)
    for name, lens in found.items():
        for one in lens.rejected:
            progress.print(f"{name}: {one.name}: {one.why}")
        if lens.says:
            progress.print(f"{name}: {lens.says}")
