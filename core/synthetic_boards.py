"""Boards, scenes and wands before synthetic cameras, with a known truth."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration import poses
from core.calibration.board import Board
from core.calibration.sights import Sight
from core.cameras import CameraModel, Rig, project, undistort
from core.synthetic import HEIGHT_PX, WIDTH_PX

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_LEAST_COSINE = 0.3
"""Of the angle under which a board is looked at: flatter ones are not detected."""
_RIM = 1
_DARK, _LIGHT, _WALL = 30, 225, 120


def shown(board: Board, n: int, seed: int = 0, reach_m: float = 0.8) -> F64:
    """Poses ``world_from_board`` (n, 3, 4) of a board that is carried about, turned every way."""
    rng = np.random.default_rng(seed)
    out = []
    for heading in rng.uniform(0, 2 * np.pi, n):
        # standing: its front, which is -z, looks along the heading
        out_of = np.array([np.cos(heading), np.sin(heading), 0.0])
        standing = np.stack([np.cross([0, 0, -1.0], -out_of), [0, 0, -1.0], -out_of], axis=1)
        tilt = Rotation.from_rotvec(rng.uniform(-0.5, 0.5, 3)).as_matrix()
        turn = standing @ tilt
        middle_m = np.array([*rng.uniform(-reach_m, reach_m, 2), rng.uniform(0.4, 1.6)])
        out.append(np.column_stack([turn, middle_m - turn @ board.corners_m.mean(axis=0)]))
    return np.stack(out)


def lying() -> F64:
    """Pose (3, 4) of a board on the floor, its first corner at the origin, x along its columns."""
    return np.column_stack([np.diag([1.0, -1.0, -1.0]), np.zeros(3)])


def sights(
    rig: Rig, board: Board, world_from_board: F64, noise_px: float = 0.2, seed: int = 0
) -> list[Sight]:
    """What cameras see of a board at poses (n, 3, 4): whole, from the front, not too flat."""
    rng = np.random.default_rng(seed)
    out = []
    for number, pose in enumerate(world_from_board):
        pixels = project(rig, poses.placed(pose, board.corners_m))
        for camera in _who_see(rig, board, pose, pixels):
            seen_px = pixels[camera] + rng.normal(0, noise_px, pixels[camera].shape)
            name = f"{number:03d}"
            out.append(Sight(rig.names[camera], name, f"{name}.png", board.corners_m, seen_px))
    return out


def _who_see(rig: Rig, board: Board, pose: F64, pixels: F64) -> Iterator[int]:
    inside = ((pixels >= 5) & (pixels < [WIDTH_PX - 5, HEIGHT_PX - 5])).all(axis=(1, 2))
    middle_m = poses.placed(pose, board.corners_m).mean(axis=0)
    centres_m = poses.inverse(rig.cam_from_world)[:, :, 3]
    out = centres_m - middle_m
    cosine = out @ -pose[:, 2] / np.linalg.norm(out, axis=1)
    yield from np.flatnonzero(inside & (cosine > _LEAST_COSINE)).tolist()


def picture(model: CameraModel, board: Board, world_from_board: F64) -> U8:
    """What a camera shows of a plain board with a white rim, its lens too; (H, W) grey.

    The ray of each pixel, four times, is met with the board; which must lie before the camera.
    """
    low, high = _box(model, board, world_from_board)
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    pixels = np.stack([columns, rows], axis=-1)
    fine = np.zeros(columns.shape)
    for shift in ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25)):
        shades = _shades(model, board, world_from_board, (pixels + shift).reshape(-1, 2))
        fine += shades.reshape(columns.shape) / 4
    whole = np.full((model.height_px, model.width_px), float(_WALL))
    whole[low[1] : high[1], low[0] : high[0]] = fine
    return np.asarray(np.round(cv2.GaussianBlur(whole, (0, 0), 0.6)), dtype=np.uint8)


def _box(model: CameraModel, board: Board, world_from_board: F64) -> NDArray[np.int64]:
    """Pixels (2, 2) between which the board lies, rim and all."""
    side_m = 1e-3 * board.square_mm
    far = side_m * (np.array([board.columns, board.rows]) + _RIM)
    near = -side_m * (1 + _RIM)
    edge = np.linspace(0, 1, 20)
    across, down = near + edge * (far[0] - near), near + edge * (far[1] - near)
    x, y = np.meshgrid(across, down)
    outline = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    there = project(Rig.of([model]), poses.placed(world_from_board, outline))[0]
    ends = np.stack([there.min(axis=0) - 3, there.max(axis=0) + 4])
    return ends.clip(0, [model.width_px, model.height_px]).astype(np.int64)


def _shades(model: CameraModel, board: Board, world_from_board: F64, pixels: F64) -> F64:
    """Grey values of pixels (n, 2)."""
    ideal_px = undistort(model.image_from_cam, model.distortion, pixels)
    cam_from_board = poses.joined(model.cam_from_world, world_from_board)
    image_from_board = model.image_from_cam @ cam_from_board[:, [0, 1, 3]]
    homogeneous = np.column_stack([ideal_px, np.ones(len(ideal_px))])
    on_board = homogeneous @ np.linalg.inv(image_from_board).T
    square = on_board[:, :2] / on_board[:, 2:] / (1e-3 * board.square_mm) + 1
    cell = np.floor(square).astype(int)
    size = np.array([board.columns + 1, board.rows + 1])
    inside = ((cell >= 0) & (cell < size)).all(axis=1)
    around = ((square >= -_RIM) & (square < size + _RIM)).all(axis=1)
    shade = np.where(around, _LIGHT, _WALL)
    return np.where(inside & (cell.sum(axis=1) % 2 == 0), _DARK, shade).astype(np.float64)
