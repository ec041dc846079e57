"""Calibration boards, and their corners in pictures: plain checkerboards and ChArUco boards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import CalibrationError, ConfigError

F64 = NDArray[np.float64]
Grey = NDArray[np.uint8]  # (H, W)

_LONGEST_PX = 2200  # larger pictures are searched at a fraction
_SMALL_PX = 700
_LEAST_SIDE = 3
_OFF_GRID = 0.2  # of a square's side
_LEAST_SHARE = 0.4  # of a ChArUco board's corners
_SQUARE_MM = (2.0, 500.0)
_SUBPIX = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 30, 1e-3)
_SURE = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
_ADAPTIVE = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE


@dataclass(frozen=True)
class Board:
    """A board by its inner corners; a ChArUco board has a square more each way, too."""

    columns: int
    rows: int
    square_mm: float
    dictionary: str = ""
    """Of the markers of a ChArUco board, as OpenCV calls it; empty: a plain checkerboard."""
    marker_mm: float = 0.0

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"

    @property
    def corners_m(self) -> F64:
        """(N, 3) row by row, on the plane z = 0."""
        across, down = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        flat = np.stack([across, down, np.zeros_like(across)], axis=-1).reshape(-1, 3)
        return np.asarray(1e-3 * self.square_mm * flat, dtype=np.float64)

    @property
    def turns(self) -> tuple[int, ...]:
        """Quarter turns after which it looks the same, colours and all: of one picture nobody can
        tell which corner is the first."""
        if self.dictionary:
            return (0,)
        if self.columns == self.rows:
            return (0, 2) if self.columns % 2 else (0, 1, 2, 3)
        return (0,) if (self.columns + self.rows) % 2 else (0, 2)

    @property
    def quarter_turns(self) -> F64:
        """``turns`` as poses (T, 3, 4) that put the board onto itself."""
        middle_m = self.corners_m.mean(axis=0)
        out = []
        for number in self.turns:
            turn = np.linalg.matrix_power(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), number)
            out.append(np.column_stack([turn, middle_m - turn @ middle_m]))
        return np.stack(out)

    @cached_property
    def charuco(self) -> cv2.aruco.CharucoBoard:
        """The same as OpenCV's object."""
        kind = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        size = (self.columns + 1, self.rows + 1)
        return cv2.aruco.CharucoBoard(size, 1e-3 * self.square_mm, 1e-3 * self.marker_mm, kind)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The corners that were found in a picture."""

    name: str
    places: NDArray[np.intp]  # (n,) numbers of the board's corners
    corners_px: F64  # (n, 2)


def board_of(size: str, square_mm: float, charuco: str = "") -> Board:
    """Make a board of what is said on the command line: ``4x7``, 60, ``DICT_4X4_50:45``.

    Raises:
        ConfigError: no such board.
    """
    numbers = re.fullmatch(r"(\d+)x(\d+)", size.strip().lower())
    if not numbers or min(map(int, numbers.groups())) < _LEAST_SIDE:
        raise ConfigError(f"--board {size}: inner corners across x down, such as 4x7, at least 3x3")
    if not _SQUARE_MM[0] <= square_mm <= _SQUARE_MM[1]:
        metres = f"; {square_mm:g} m are {1e3 * square_mm:g} mm" if square_mm < 1 else ""
        raise ConfigError(
            f"--square-mm {square_mm:g}: the side of a square in mm, such as 60{metres}"
        )
    columns, rows = map(int, numbers.groups())
    if not charuco:
        return Board(columns, rows, square_mm)
    name, _, side = charuco.partition(":")
    name = name.upper() if name.upper().startswith("DICT_") else f"DICT_{name.upper()}"
    if not isinstance(getattr(cv2.aruco, name, None), int):
        known = ", ".join(sorted(one for one in dir(cv2.aruco) if one.startswith("DICT_")))
        raise ConfigError(f"--charuco {charuco}: no such markers; these are: {known}")
    try:
        marker_mm = float(side)
    except ValueError:
        marker_mm = 0.0
    if not 0 < marker_mm < square_mm:
        raise ConfigError(
            f"--charuco {charuco}: DICTIONARY:MM, the markers smaller than the {square_mm:g} mm "
            "of a square"
        )
    return Board(columns, rows, square_mm, name, marker_mm)


def find(picture: Grey, board: Board, name: str) -> View | None:
    """Find the board's corners, to fractions of a pixel; None where it is not seen.

    A plain checkerboard must be seen whole; two detectors are tried. Its first corner is one with
    a dark square beyond it, where that tells ends apart. Of a ChArUco board 40 % of the corners are
    enough.
    """
    if board.dictionary:
        return _charuco(picture, board, name)
    fraction = -(-max(picture.shape) // _LONGEST_PX)
    small = _smaller(picture, fraction)
    size = (board.columns, board.rows)
    cv2.setRNGSeed(0)  # it draws lots: what it finds would depend on the pictures before
    is_found, corners = cv2.findChessboardCornersSB(small, size, flags=_SURE)
    is_rough = not is_found or not _is_plane(corners, board)
    if is_rough:
        is_found, corners = cv2.findChessboardCorners(small, size, flags=_ADAPTIVE)
    if not is_found or not _is_plane(corners, board):
        return None
    corners_px = np.asarray(corners, dtype=np.float32).reshape(-1, 1, 2)
    corners_px = (corners_px + 0.5) * fraction - 0.5
    if is_rough or fraction > 1:
        corners_px = _refined(picture, corners_px, board)
    ordered = _from_the_front(corners_px.reshape(-1, 2).astype(np.float64), board)
    ordered = _from_the_dark_end(picture, ordered, board)
    return View(name, np.arange(len(ordered)), ordered)


def _is_plane(corners: object, board: Board) -> bool:
    """Whether corners lie on a grid in perspective, but for a lens: a detector may mistake some."""
    corners_px = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    flat = board.corners_m[:, :2] * 1e3 / board.square_mm
    px_from_board = cv2.findHomography(flat, corners_px)[0]
    if px_from_board is None:
        return False
    there_px = cv2.perspectiveTransform(flat[:, None], px_from_board)[:, 0]
    grid = corners_px.reshape(board.rows, board.columns, 2)
    side_px = np.median(np.linalg.norm(np.diff(grid, axis=1), axis=-1))
    return bool(np.abs(there_px - corners_px).max() < _OFF_GRID * side_px)


def _from_the_front(corners_px: F64, board: Board) -> F64:
    """Corners (N, 2) row by row so that the board shows its front.

    Detectors now and then count the rows from the other side, as if the board were seen from
    behind: no lens explains that together with other views.
    """
    grid = corners_px.reshape(board.rows, board.columns, 2)
    across = (grid[:, -1] - grid[:, 0]).mean(axis=0)
    down = (grid[-1] - grid[0]).mean(axis=0)
    is_behind = across[0] * down[1] - across[1] * down[0] < 0
    return (grid[:, ::-1] if is_behind else grid).reshape(-1, 2)


def _from_the_dark_end(picture: Grey, corners_px: F64, board: Board) -> F64:
    """Corners (N, 2) counted so that the square at the first one is dark, if that can be had."""
    grid = corners_px.reshape(board.rows, board.columns, 2)
    middles = (grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]) / 4
    x, y = np.moveaxis(np.round(middles).astype(int), -1, 0)
    grey = picture[y.clip(0, picture.shape[0] - 1), x.clip(0, picture.shape[1] - 1)]
    row, column = np.indices(grey.shape)
    is_even = (row + column) % 2 == 0
    if grey[is_even].mean() < grey[~is_even].mean():
        return corners_px
    if board.columns == board.rows:
        return np.rot90(grid).reshape(-1, 2)
    return corners_px[::-1].copy()


def _smaller(picture: Grey, fraction: int) -> Grey:
    if fraction <= 1:
        return picture
    size = (picture.shape[1] // fraction, picture.shape[0] // fraction)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _refined(picture: Grey, corners_px: NDArray[np.float32], board: Board) -> NDArray[np.float32]:
    """Saddle points within a third of a square's smallest side."""
    grid = corners_px.reshape(board.rows, board.columns, 2)
    sides = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in (0, 1)]
    half = int(np.clip(min(sides) / 3, 2, 11))
    found = cv2.cornerSubPix(picture, corners_px.copy(), (half, half), (-1, -1), _SUBPIX)
    return np.asarray(found, dtype=np.float32)


def _charuco(picture: Grey, board: Board, name: str) -> View | None:
    corners, places, _, _ = cv2.aruco.CharucoDetector(board.charuco).detectBoard(picture)
    if places is None or len(places) < max(6, _LEAST_SHARE * board.columns * board.rows):
        return None
    return View(name, places.ravel().astype(np.intp), corners.reshape(-1, 2).astype(np.float64))


def is_seen(picture: Grey, board: Board) -> F64 | None:
    """The corners (n, 2) px, roughly and quickly found; None where there are none."""
    fraction = -(-max(picture.shape) // _SMALL_PX)
    small = _smaller(picture, fraction)
    if board.dictionary:
        found = _charuco(small, board, "")
        return None if found is None else found.corners_px * fraction
    flags = _ADAPTIVE | cv2.CALIB_CB_FAST_CHECK
    is_found, corners = cv2.findChessboardCorners(small, (board.columns, board.rows), flags=flags)
    return np.asarray(corners, dtype=np.float64).reshape(-1, 2) * fraction if is_found else None


def size_seen(picture: Grey, least: tuple[int, int]) -> tuple[int, int] | None:
    """Inner corners (columns, rows) of a checkerboard of at least so many, as far as it is seen."""
    is_found, _, grid = cv2.findChessboardCornersSBWithMeta(
        _smaller(picture, -(-max(picture.shape) // _LONGEST_PX)),
        least,
        cv2.CALIB_CB_LARGER | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE,
    )
    return (grid.shape[1], grid.shape[0]) if is_found else None


def require_whole(picture: Grey, board: Board) -> None:
    """Say so where the board that was found is a part of a larger one.

    Raises:
        CalibrationError: it is.
    """
    asked = (board.columns, board.rows)
    seen = None if board.dictionary else size_seen(picture, asked)
    if seen and seen[0] * seen[1] > board.columns * board.rows:
        raise _other_size(seen, board)


def require_no_other(pictures: Sequence[Grey], board: Board) -> None:
    """Say so where pictures without the board show one of another size.

    Raises:
        CalibrationError: they do.
    """
    if board.dictionary:
        return
    sizes = [size_seen(one, (_LEAST_SIDE, _LEAST_SIDE)) for one in pictures]
    largest = max((size for size in sizes if size), key=lambda one: one[0] * one[1], default=None)
    if largest and sorted(largest) != sorted((board.columns, board.rows)):
        raise _other_size(largest, board)


def _other_size(seen: tuple[int, int], board: Board) -> CalibrationError:
    small, large = sorted(seen)  # which way round cannot be told
    return CalibrationError(
        f"the board in the pictures has {small}x{large} inner corners, not {board}; "
        "count the corners between squares, not the squares"
    )


def require_not_mirrored(picture: Grey, board: Board) -> None:
    """Say so where a picture shows the board only after it is mirrored.

    Of a plain checkerboard that cannot be told: it looks the same.

    Raises:
        CalibrationError: it does.
    """
    flipped = np.ascontiguousarray(picture[:, ::-1])
    if board.dictionary and _charuco(flipped, board, "") is not None:
        raise CalibrationError("the pictures are mirrored; switch that off in the camera")
