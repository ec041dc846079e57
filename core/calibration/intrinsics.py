"""A camera's lens from views of a board, and how well it is known.

Zhang 2000, as OpenCV has it, with k1 k2 p1 p2. A view that is wrong (a corner mistaken, a board
that moved or bent) draws the whole fit towards it and hides there; so the worst views are tried
out one by one: if the fit without it leaves it far off, and the others agree, it goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.calibration import bands
from core.calibration.board import Board, View
from core.errors import CalibrationError

F64 = NDArray[np.float64]
Numbers = NDArray[Any]
LEAST_VIEWS = 4
_N_TRIED = 3
_FAR, _SPREADS, _LEAST_PX = 2.5, 5.0, 0.1
_MAD = 1.4826
_FLAGS = cv2.CALIB_FIX_K3
NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A picture that was not used."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Intrinsics:
    """What is known of a lens."""

    size_px: tuple[int, int]
    """Width and height."""
    image_from_cam: F64  # (3, 3) px
    distortion: F64  # (5,) k1 k2 p1 p2 k3
    sd: dict[str, float]
    """Standard deviations by ``NAMES``, from the scatter of the corners."""
    rms_px: float
    views: tuple[View, ...]
    """Those used."""
    error_px: tuple[F64, ...]
    """Of each of them (n, 2): seen less projected."""
    rejected: tuple[Rejected, ...]
    says: str = ""
    """What is doubtful, in plain words."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    rms_px: float
    matrix: F64
    lens: F64
    sd: F64
    errors_px: list[F64]

    @property
    def each_px(self) -> F64:
        """Root mean square of each view."""
        return np.array([_rms(error) for error in self.errors_px])


def calibrate(views: Sequence[View], size_px: tuple[int, int], board: Board) -> Intrinsics:
    """Fit the lens to the views that agree.

    Raises:
        CalibrationError: too few views, or none that a lens can explain.
    """
    if len(views) < LEAST_VIEWS:
        raise CalibrationError(
            f"the board was found in {len(views)} pictures, {LEAST_VIEWS} are needed, better 15; "
            "hold it at all places of the picture, near and far, tilted each way"
        )
    kept, rejected = list(views), list[Rejected]()
    while True:
        fit = _fitted(kept, size_px, board)
        worst = _worst(kept, fit, size_px, board) if len(kept) > LEAST_VIEWS else None
        if worst is None:
            break
        number, why = worst
        rejected.append(Rejected(kept.pop(number).name, why))
    return Intrinsics(
        size_px=size_px,
        image_from_cam=fit.matrix,
        distortion=fit.lens,
        sd=dict(zip(NAMES, fit.sd[: len(NAMES)].tolist(), strict=True)),
        rms_px=fit.rms_px,
        views=tuple(kept),
        error_px=tuple(fit.errors_px),
        rejected=tuple(rejected),
        says=_doubts(fit, size_px),
    )


def board_places_m(found: Intrinsics, board: Board) -> list[F64]:
    """All corners (N, 3) of the board in each used view, as the camera has them: z ahead, y down.

    A view for which no place is found is left out.
    """
    places = list[F64]()
    for view in found.views:
        is_found, turn, shift = cv2.solvePnP(
            board.corners_m[view.places], view.corners_px, found.image_from_cam, found.distortion
        )
        if is_found:
            places.append(board.corners_m @ cv2.Rodrigues(turn)[0].T + shift.ravel())
    return places


def _fitted(views: Sequence[View], size_px: tuple[int, int], board: Board) -> _Fit:
    corners_m = board.corners_m.astype(np.float32)
    points = [corners_m[view.places] for view in views]
    pixels = [view.corners_px.astype(np.float32) for view in views]
    try:
        rms_px, matrix, lens, turns, shifts, sd, _, _ = cv2.calibrateCameraExtended(
            points, pixels, size_px, np.eye(3), np.zeros(5), flags=_FLAGS
        )
    except cv2.error as error:
        raise CalibrationError(f"no lens explains the views: {error.err}") from error
    if not (np.isfinite(matrix).all() and np.isfinite(lens).all()):
        raise CalibrationError("no lens explains the views: tilt the board more, each way")
    lens = np.append(lens.ravel(), np.zeros(5))[:5].astype(np.float64)
    errors = [
        view.corners_px - _projected(corners_m[view.places], turn, shift, matrix, lens)
        for view, turn, shift in zip(views, turns, shifts, strict=True)
    ]
    matrix = np.array(matrix, dtype=np.float64)
    return _Fit(float(rms_px), matrix, lens, sd.ravel().astype(np.float64), errors)


def _projected(
    points_m: NDArray[np.float32], turn: Numbers, shift: Numbers, matrix: Numbers, lens: Numbers
) -> F64:
    pixels = cv2.projectPoints(points_m, turn, shift, matrix, lens)[0]
    return np.asarray(pixels, dtype=np.float64).reshape(-1, 2)


def _worst(
    views: Sequence[View], fit: _Fit, size_px: tuple[int, int], board: Board
) -> tuple[int, str] | None:
    """The view that is furthest beyond the spread of the others when it takes no part."""
    worst, reason, most = None, "", 1.0
    for number in np.argsort(-fit.each_px)[:_N_TRIED]:
        others = [view for place, view in enumerate(views) if place != number]
        without = _fitted(others, size_px, board)
        left_out_px = _left_out_px(views[number], without, board)
        typical_px = float(np.median(without.each_px))
        spread_px = _MAD * float(np.median(np.abs(without.each_px - typical_px)))
        limit_px = max(_FAR * typical_px, typical_px + _SPREADS * spread_px, _LEAST_PX)
        if left_out_px > most * limit_px:
            worst, most = int(number), left_out_px / limit_px
            reason = (
                f"{left_out_px:.2f} px off where it takes no part, the others {typical_px:.2f}; "
                f"all of them {fit.rms_px:.2f} with it, {without.rms_px:.2f} without"
            )
    return None if worst is None else (worst, reason)


def _left_out_px(view: View, fit: _Fit, board: Board) -> float:
    points_m = board.corners_m.astype(np.float32)[view.places]
    is_found, turn, shift = cv2.solvePnP(points_m, view.corners_px, fit.matrix, fit.lens)
    if not is_found:
        return np.inf
    return _rms(view.corners_px - _projected(points_m, turn, shift, fit.matrix, fit.lens))


def _rms(error_px: F64) -> float:
    return float(np.sqrt((error_px**2).sum(axis=-1).mean()))


def _doubts(fit: _Fit, size_px: tuple[int, int]) -> str:
    focal_px, sd_px = fit.matrix[0, 0], fit.sd[0]
    if bands.FOCAL.word(100 * sd_px / focal_px) == "redo":
        return f"focal length known to {sd_px / focal_px:.0%} only: tilt the board more, each way"
    middle = np.abs(fit.matrix[:2, 2] / size_px - 0.5)
    if middle.max() > 0.2:
        return "principal point far from the middle: was the picture cropped or stabilised?"
    return ""
