"""Bundle adjustment with rigid bodies: boards, wands, measured scenes, single balls.

A body is a set of points whose places on it are known; each has a pose in the world and is
eliminated exactly (Schur complement), as ``bundle`` does with points. A ball is a body of one
point, a wand one of a few on a line: turns that nothing tells stay as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration import kernels
from core.calibration.bundle import Equations, arrays, minimised, moved
from core.cameras import Rig
from core.jit import plain

F64 = NDArray[np.float64]
SOFT_PX = 1.0
_POSE = 6
_NOTHING = 1e-9  # of the largest: what is below it tells nothing


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """M points of bodies, as cameras saw them."""

    index: NDArray[np.intp]  # (M, 2) camera and body
    local_m: F64  # (M, 3) on the body
    seen_px: F64  # (M, 2) with the lens
    weight: F64  # (M,) of its square


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Cameras, and where the bodies are."""

    rig: Rig
    world_from_body: F64  # (B, 3, 4) m


def adjust(
    scene: Scene, pixels: Pixels, *, soft_px: float = SOFT_PX, max_rounds: int = 100
) -> Scene:
    """Move cameras and bodies until the pixels agree best; origin and axes are held by nothing."""
    task = _Task(pixels, soft_px)
    start = Scene(scene.rig, plain(scene.world_from_body))
    return minimised(task, start, max_rounds)[0]


def errors_px(scene: Scene, pixels: Pixels) -> F64:
    """Projected less seen (M, 2); 1000 px where a point is behind the camera."""
    return kernels.body_errors(*arrays(scene.rig), plain(scene.world_from_body), *_flat(pixels))


def _flat(pixels: Pixels) -> tuple[F64, F64, F64]:
    return plain(pixels.index), plain(pixels.local_m), plain(pixels.seen_px)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    pixels: Pixels
    soft_px: float

    def cost(self, state: Scene) -> float:
        off_px = errors_px(state, self.pixels)
        square = self.pixels.weight * (off_px**2).sum(axis=1) / self.soft_px**2
        return float(self.soft_px**2 * (np.sqrt(1 + square) - 1).sum())

    def equations(self, state: Scene) -> Equations:
        return equations(state, self.pixels, self.soft_px)

    def stepped(self, state: Scene, parts: Equations, damping: float) -> Scene:
        system, right, inverse = reduced(*parts, damping)
        found = np.linalg.lstsq(system, right, rcond=1e-14)[0]
        steps = plain(found.reshape(-1, _POSE))
        return Scene(moved(state.rig, steps), _moved_bodies(state, parts, inverse, steps))


def equations(scene: Scene, pixels: Pixels, soft_px: float = SOFT_PX) -> Equations:
    """Normal equations (C, 6, 6), (C, 6), (B, 6, 6), (B, 6), (B, C, 6, 6) at a scene."""
    bodies = plain(scene.world_from_body)
    weight = plain(pixels.weight)
    return kernels.body_equations(*arrays(scene.rig), bodies, *_flat(pixels), weight, soft_px)


def reduced(
    u_cc: F64, u_c: F64, v_bb: F64, v_b: F64, w_cb: F64, damping: float = 0.0
) -> tuple[F64, F64, F64]:
    """Take the bodies out of damped equations: (6C, 6C), (6C,) and the bodies' inverses.

    Triggs et al., "Bundle adjustment: a modern synthesis", 2000.
    """
    n_cameras = len(u_c)
    inverse = _inverse(v_bb, damping)
    half = w_cb @ inverse[:, None]  # (B, C, 6, 6)
    rows = half.transpose(1, 2, 0, 3).reshape(_POSE * n_cameras, -1)
    columns = w_cb.transpose(1, 2, 0, 3).reshape(_POSE * n_cameras, -1)
    system = -rows @ columns.T
    for camera, block in enumerate(u_cc):
        at = slice(_POSE * camera, _POSE * (camera + 1))
        system[at, at] += block + damping * np.diag(block.diagonal())
    return system, rows @ v_b.ravel() - u_c.ravel(), inverse


def _inverse(blocks: F64, damping: float) -> F64:
    """Inverses (B, 6, 6) of damped blocks, zero in directions of which they tell nothing."""
    size = np.sqrt(np.maximum(np.diagonal(blocks, axis1=1, axis2=2), 1e-300))
    scale = size[:, :, None] * size[:, None, :]
    values, vectors = np.linalg.eigh(blocks / scale + damping * np.eye(_POSE))
    told = values > _NOTHING + damping * (1 + _NOTHING)
    values = np.where(told, 1 / np.where(told, values, 1.0), 0.0)
    return (vectors * values[:, None, :]) @ np.swapaxes(vectors, 1, 2) / scale


def _moved_bodies(state: Scene, parts: Equations, inverse: F64, steps: F64) -> F64:
    right = parts[3] + np.einsum("bcij,ci->bj", parts[4], steps)
    turns = -np.einsum("bij,bj->bi", inverse, right)
    turn = Rotation.from_rotvec(turns[:, :3]).as_matrix()
    rotation = state.world_from_body[:, :, :3]
    shift = state.world_from_body[:, :, 3] + (rotation @ turns[:, 3:, None])[..., 0]
    return np.concatenate([rotation @ turn, shift[:, :, None]], axis=2)
