"""Boards before synthetic cameras: their corners, and pictures of them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration.board import Board, View

SIZE_PX = (960, 720)
MATRIX = np.array([[800.0, 0, 490], [0, 805.0, 350], [0, 0, 1]])
LENS = np.array([-0.12, 0.05, 0.001, -0.0005, 0.0])
_PER_MM = 3


def poses(n: int, board: Board, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turns (3,) and shifts (3,) m of a board that is shown at all places, tilted."""
    rng = np.random.default_rng(seed)
    middle = board.corners_m.mean(axis=0)
    longest = np.ptp(board.corners_m, axis=0).max()
    out = []
    for _ in range(n):
        turn = rng.uniform([-0.6, -0.6, -0.4], [0.6, 0.6, 0.4])
        depth = longest * rng.uniform(1.6, 3.0)
        place = np.array([*(rng.uniform(-0.2, 0.2, 2) * depth), depth])
        out.append((turn, place - Rotation.from_rotvec(turn).as_matrix() @ middle))
    return out


def views(board: Board, n: int, noise_px: float = 0.1, seed: int = 0) -> list[View]:
    """The corners of each pose, with noise."""
    rng = np.random.default_rng(seed + 1)
    out = []
    for number, (turn, shift) in enumerate(poses(n, board, seed)):
        pixels = np.asarray(cv2.projectPoints(board.corners_m, turn, shift, MATRIX, LENS)[0])[:, 0]
        pixels = pixels + rng.normal(0, noise_px, pixels.shape)
        out.append(View(f"{number:02d}.png", np.arange(len(pixels)), pixels))
    return out


def picture(board: Board, turn: np.ndarray, shift: np.ndarray) -> NDArray[np.uint8]:
    """What an ideal lens shows of a board on a grey wall."""
    flat = _flat(board)
    edge_px = 2 * board.square_mm * _PER_MM - 0.5  # of the first inner corner
    px_from_board = np.array([[1e3 * _PER_MM, 0, edge_px], [0, 1e3 * _PER_MM, edge_px], [0, 0, 1]])
    rotation = Rotation.from_rotvec(turn).as_matrix()
    image_from_board = MATRIX @ np.column_stack([rotation[:, :2], shift])
    warp = np.diag([2.0, 2.0, 1.0]) @ _half(image_from_board @ np.linalg.inv(px_from_board))
    big = cv2.warpPerspective(flat, warp, (2 * SIZE_PX[0], 2 * SIZE_PX[1]), borderValue=128)
    return np.asarray(cv2.resize(big, SIZE_PX, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _half(warp: np.ndarray) -> np.ndarray:
    """Pixel centres of a picture of twice the size lie a quarter of a pixel off."""
    return np.array([[1, 0, 0.25], [0, 1, 0.25], [0, 0, 1]]) @ warp


def _flat(board: Board) -> NDArray[np.uint8]:
    """The printed board with a white rim of a square."""
    square_px = round(board.square_mm * _PER_MM)
    size = ((board.columns + 1) * square_px, (board.rows + 1) * square_px)
    if board.dictionary:
        inside = board.charuco.generateImage(size, marginSize=0)
    else:
        row, column = np.indices((board.rows + 1, board.columns + 1))
        inside = np.kron((row + column) % 2, np.ones((square_px, square_px))) * 255
    return np.pad(np.asarray(inside, dtype=np.uint8), square_px, constant_values=255)
