"""``kinelive calibrate extrinsics``: where cameras are, from a board, measured points or a wand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.table import Table

from core import cameras as rigs
from core.calibration import board as boards
from core.calibration import outcome as outcomes
from core.calibration.extrinsics import ALONE
from core.calibration.outcome import CameraPlace, Outcome
from core.cameras import CameraModel
from services import calibration_files, calibration_world, extrinsics_input
from services.calibration_report import place_of
from services.calibration_world import Asked
from services.extrinsics_input import Gathered, Method, Wanted
from tools.calibrate_extrinsics_report import of_extrinsics
from tools.calibrate_report import save
from tools.terminal import print_json, progress, result, telling

_MOST_SAID = 12


def extrinsics(
    lenses: Path,
    folder: Annotated[Path | None, tyro.conf.Positional] = None,
    method: Method = "board",
    board: str = "",
    square_mm: float = 0.0,
    charuco: str = "",
    points: Path | None = None,
    wand_mm: str = "",
    markers: Path | None = None,
    world: str = "",
    floor_view: str = "",
    up: str = "",
    scale: str = "keep",
    cameras: str = "",
    out: Path | None = None,
    report: Path | None = None,
    json: bool = False,
) -> int:
    """Find where the cameras are, and how well that is known.

    What to film, one folder of photos or one video a camera (as for `intrinsics`):

    board: carry a board about where two cameras or more see it at once, 40 times or more, at all
    places of the room, turned to all of them in turn. Cameras may be linked through others. Photos
    of the same instant have the same number; videos start together (kinelive sync). At the end lay
    it on the floor where two see it and name that view: --floor-view 41.

    static: one board lies on the floor and all cameras see it. Quick, and rough: centimetres where
    it is small in the pictures.

    points: six or more things in the room, not on one plane, measured with a tape, and where they
    are in a picture of each camera; no DIR is needed. With --board both count together.

    wand: a stick with bright balls, waved through the room for a minute; or one ball, which tells
    no size (--scale baseline=A-B=M).

    All cameras and boards are adjusted at once, with the lenses as they are given. Views that do
    not agree are left out and named. If the result is bad nothing is written, the likely mistake
    is named, and the exit code is 1.

    Args:
        lenses: toml with the lenses, as `kinelive calibrate intrinsics` writes it.
        folder: with one folder of photos, or one video, of each camera, called as the camera.
        method: what is seen: board, static, points, wand, ball.
        board: inner corners across x down, such as 4x7: corners between squares, not squares. An
            odd and an even number tell one end from the other; 6x8 does not, so `static` wants
            another.
        square_mm: side of a square, in millimetres.
        charuco: of a ChArUco board, dictionary and side of the markers: DICT_4X4_50:45. It may
            leave the picture, and tells mirrored pictures, which a plain board cannot.
        points: measured points and their pixels. TOML: [points] with NAME = [x, y, z] in metres
            and a table of each camera with NAME = [x, y] in pixels. CSV: point, x_m, y_m, z_m,
            camera, x_px, y_px.
        wand_mm: places of the balls along the wand, in millimetres: 0,200,500. Three unevenly
            apart, or two of which the first is clearly the larger.
        markers: CSV of balls another program found: frame, camera, marker (from 0), x_px, y_px;
            instead of DIR.
        world: what the world rests on: board = the one of --floor-view, origin at its first
            corner, x along its columns, z up; points = that of the measured points; keep=Calib.toml
            = where the cameras, or two of them, were before; person=PROJECT = z is the mean up of
            who stands or walks there, the floor under the feet; first-camera = at it, y forwards.
            Without it points, board, first-camera, whichever is there.
        floor_view: number or name of the view in which the board lies on the floor.
        up: CAMERA=X,Y,Z: where up is in a camera's axes right, down, forward, as of a phone's
            gravity sensor: cam01=0,-1,0 is level. For first-camera and keep.
        scale: of a ball: baseline=CAMERA-CAMERA=M, a distance between two lenses.
        cameras: those that are to be found, with commas; otherwise all that are there.
        out: the calibration to be written, Calib.toml as Pose2Sim has it.
        report: also write a page of what each camera saw and where the calibration puts it, and
            the cameras in the room, good or not. A name.html, or a folder.
        json: print one JSON object as the last line.
    """
    if report:
        place_of(report)
    asked = Asked(
        world, floor_view, up, scale, method in ("board", "static") and bool(folder),
        method != "ball",
    )  # fmt: skip
    calibration_world.require_sensible(asked)
    wanted = Wanted(
        method=method,
        folder=folder,
        board=boards.board_of(board, square_mm, charuco) if board else None,
        points=points,
        wand_m=extrinsics_input.wand_of(wand_mm) if method == "wand" else (0.0,),
        markers=markers,
        cameras=tuple(name for name in cameras.split(",") if name),
        lenses=lenses,
    )
    models = calibration_files.read(lenses)
    with telling() as tell:
        given = extrinsics_input.gather(wanted, models, tell)
    done = _solved(given, asked, models, str(lenses))
    if out and done.is_good:
        calibration_files.write(out, done.models, "pose2sim")
    _show(done, given.says)
    if out and done.is_good:
        result.print(f"written: {out}", soft_wrap=True)
    if report:
        save(report, of_extrinsics(done, (folder or points or markers or lenses).resolve().name))
    if json:
        print_json(row(done, out))
    return 0 if done.is_good else 1


def _solved(
    given: Gathered, asked: Asked, models: Mapping[str, CameraModel], where: str
) -> Outcome:
    names = list(dict.fromkeys(one.camera for one in given.sights))
    rig = rigs.select(models, names, where)
    fitted = given.solve(given.sights, rig)
    placed = calibration_world.frame(asked, fitted)
    if placed.warning:
        progress.print(f"note: {placed.warning}", soft_wrap=True)
    return outcomes.outcome(
        fitted, placed.frame, models, given.unseen, given.solve, placed.relative
    )


def row(done: Outcome, out: Path | None) -> dict[str, object]:
    """The result as JSON has it."""
    return {
        "cameras": {name: _camera(one) for name, one in done.cameras.items()},
        "rms_px": done.rms_px,
        "common_sights": done.n_bodies,
        "world": done.rests_on,
        "sd_relative_to": done.sd_relative_to,
        "accepted": done.is_good,
        "problems": list(done.verdict.problems),
        "warnings": list(done.verdict.warnings),
        "written": str(out) if out and done.is_good else None,
    }


def _camera(one: CameraPlace) -> dict[str, object]:
    left_out = [judged for judged in one.judged if not judged.used]
    return {
        "rms_px": one.rms_px,
        "alone_px": one.alone_px,
        "centre_m": one.centre_m.tolist(),
        "world_from_camera": one.model.cam_from_world[:, :3].T.tolist(),
        "position_sd_mm": one.known.position_sd_mm.tolist(),
        "orientation_sd_deg": one.known.orientation_sd_deg.tolist(),
        "views_used": [judged.sight.picture for judged in one.judged if judged.used],
        "views_rejected": [
            *({"name": judged.sight.picture, "why": judged.why} for judged in left_out),
            *({"name": unseen.picture, "why": unseen.why} for unseen in one.unseen),
        ],
    }


def _show(done: Outcome, says: str) -> None:
    table = Table(
        "camera", "rms px", "stands at (m)", "sd mm", "sd deg", "views", "left out", "not seen",
        box=None,
    )  # fmt: skip
    for name, one in done.cameras.items():
        place = ", ".join(f"{value:.3f}" for value in one.centre_m)
        sd_mm = float(np.linalg.norm(one.known.position_sd_mm))
        sd_deg = float(np.linalg.norm(one.known.orientation_sd_deg))
        used = sum(judged.used for judged in one.judged)
        counts = (used, len(one.judged) - used, len(one.unseen))
        table.add_row(
            name, f"{one.rms_px:.3f}", place, f"{sd_mm:.2f}", f"{sd_deg:.3f}", *map(str, counts)
        )
    progress.print(table)
    progress.print(
        f"{says}; world: {done.rests_on}; standard deviations relative to {done.sd_relative_to}, "
        "the lenses taken as exact",
        soft_wrap=True,
    )
    for name, one in done.cameras.items():
        left_out = [j for j in one.judged if not j.used and j.why != ALONE]
        for judged in left_out[:_MOST_SAID]:
            progress.print(f"{name}: {judged.sight.picture}: {judged.why}", soft_wrap=True)
        if len(left_out) > _MOST_SAID:
            progress.print(f"{name}: and {len(left_out) - _MOST_SAID} more")
    for text in done.verdict.warnings:
        progress.print(f"warning: {text}", soft_wrap=True)
    for text in done.verdict.problems:
        progress.print(f"bad: {text}", soft_wrap=True)
    if done.verdict.problems:
        progress.print("nothing is written")
