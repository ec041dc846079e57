"""The report of ``kinelive calibrate intrinsics``: lenses, and the boards they were found from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.calibration import bands, coverage, intrinsics
from core.calibration.bands import Judged
from core.calibration.board import Board
from core.calibration.intrinsics import Intrinsics
from core.calibration.sighting import Sighting
from core.cameras import CameraModel
from services.board_pictures import Sights
from services.calibration_report import CalibrationReport, Figure, ReportCamera, Space

F64 = NDArray[np.float64]

MIRRORED = (
    "Whether the pictures are mirrored cannot be told from a plain checkerboard: it looks the "
    "same. Read some writing in a picture, or use a ChArUco board, which tells."
)
_BESIDE = (
    "This is no rig: the cameras stand beside each other, each with the boards it saw. Good are "
    "boards near and far, tilted each way."
)
_MOST_LEFT_OUT = 2  # photos of a camera
_LEAST_APART_M = 0.6
_EYE_M = 1.0


def of_intrinsics(
    folder: Path, found: Mapping[str, Intrinsics], sights: Mapping[str, Sights], board: Board
) -> CalibrationReport:
    """Report lenses, and the pictures of a board they were found from."""
    sightings = {name: _board_sightings(name, one, sights[name]) for name, one in found.items()}
    kind = f"ChArUco board {board.dictionary}" if board.dictionary else "checkerboard"
    doubts = [f"{name}: {one.says}." for name, one in found.items() if one.says]
    return CalibrationReport(
        title="Lenses",
        input_name=f"{folder.resolve().name}: {kind} of {board} inner corners, squares of "
        f"{board.square_mm:g} mm",
        judged=tuple(one for name, lens in found.items() for one in _judged_lens(name, lens)),
        cameras=tuple(_lens_camera(name, lens) for name, lens in found.items()),
        sightings=tuple(one for mine in sightings.values() for one in mine),
        seen="corner",
        photos={
            (name, view): sights[name].photos[view]
            for name, mine in sightings.items()
            for view in _worth_seeing(mine)
            if view in sights[name].photos
        },
        space=_boards_beside(found, board),
        notes=(*doubts, *(() if board.dictionary else (MIRRORED,))),
    )


def _judged_lens(name: str, lens: Intrinsics) -> list[Judged]:
    percent = bands.share(lens.rms_px, lens.size_px)
    known = 100 * lens.sd["fx"] / lens.image_from_cam[0, 0]
    cells = coverage.counts(np.concatenate([one.corners_px for one in lens.views]), lens.size_px)
    return [
        bands.CORNERS.judge(percent, name, f"{lens.rms_px:.2f} px"),
        bands.FOCAL.judge(known, name, f"± {lens.sd['fx']:.1f} px"),
        bands.VIEWS.judge(len(lens.views), name),
        bands.COVERED.judge(100 * coverage.share(cells), name),
    ]


def _lens_camera(name: str, lens: Intrinsics) -> ReportCamera:
    matrix, sd = lens.image_from_cam, lens.sd
    values = [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *lens.distortion[:4]]
    units = (" px", " px", " px", " px", "", "", "", "")
    words = ("focal length across", "focal length down", "principal point across",
             "principal point down", "radial distortion", "radial distortion",
             "tangential distortion", "tangential distortion")  # fmt: skip
    figures = [
        Figure(key, f"{value:.{1 if unit else 4}f} ± {sd[key]:.{1 if unit else 4}f}{unit}", word)
        for key, value, unit, word in zip(intrinsics.NAMES, values, units, words, strict=True)
    ]
    corners_px = np.concatenate([one.corners_px for one in lens.views])
    cells = coverage.counts(corners_px, lens.size_px)
    return ReportCamera(name, lens.size_px, tuple(figures), cells)


def _board_sightings(name: str, lens: Intrinsics, sights: Sights) -> list[Sighting]:
    """Used views with where the lens puts the corners; the others with the reason."""
    used = [
        Sighting(name, view.name, view.corners_px, view.corners_px - error_px)
        for view, error_px in zip(lens.views, lens.error_px, strict=True)
    ]
    corners = {view.name: view.corners_px for view in sights.views}
    nothing = np.empty((0, 2))
    left_out = [
        Sighting(
            camera=name,
            view=one.name,
            detected_px=corners.get(one.name, nothing),
            reprojected_px=np.full_like(corners.get(one.name, nothing), np.nan),
            used=False,
            reason=one.why,
        )
        for one in lens.rejected
    ]
    return [*used, *left_out]


def _worth_seeing(sightings: Sequence[Sighting]) -> list[str]:
    """The view in the middle of the used ones, and the first that were left out."""
    used = sorted((one for one in sightings if one.used), key=lambda one: one.rms_px)
    left_out = [one.view for one in sightings if not one.used]
    return [used[len(used) // 2].view, *left_out[:_MOST_LEFT_OUT]]


def _boards_beside(found: Mapping[str, Intrinsics], board: Board) -> Space:
    """Cameras beside each other, which look along y, with the rims of their boards."""
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # camera from world
    rim = np.array([0, board.columns - 1, board.columns * board.rows - 1,
                    board.columns * (board.rows - 1)])  # fmt: skip
    places_m = {
        name: np.array([one[rim] for one in intrinsics.board_places_m(lens, board)])
        for name, lens in found.items()
    }
    widths = [np.ptp(one[..., 0]) for one in places_m.values() if one.size]
    apart_m = max(_LEAST_APART_M, 1.2 * max(widths, default=0.0))
    cameras, points = list[CameraModel](), list[F64]()
    for number, (name, lens) in enumerate(found.items()):
        centre_m = np.array([(number - (len(found) - 1) / 2) * apart_m, 0.0, _EYE_M])
        pose = np.column_stack([turn, -turn @ centre_m])
        cameras.append(CameraModel(name, *lens.size_px, lens.image_from_cam, lens.distortion, pose))
        points.append(places_m[name].reshape(-1, 3) @ turn + centre_m)
    together_m = np.concatenate(points)
    lines = [
        (4 * n + k, 4 * n + (k + 1) % 4) for n in range(len(together_m) // 4) for k in range(4)
    ]
    return Space(tuple(cameras), together_m, tuple(lines), has_floor=False, note=_BESIDE)
