"""Extrinsics from boards, measured points and wands: scenes with a known truth."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core import synthetic
from core import synthetic_boards as scenes
from core.calibration import outcome, place, world
from core.calibration.board import Board
from core.calibration.outcome import Solve
from core.calibration.sights import Sight
from core.cameras import Rig, project

F64 = NDArray[np.float64]
Row = dict[str, float | str]
LARGE, SMALL = Board(6, 9, 80.0), Board(4, 7, 60.0)
_NOISE_PX = 0.2
_CARRIED = ((4, LARGE, 200), (8, LARGE, 140), (4, SMALL, 200), (4, SMALL, 60))
_WANDS = (4, 8)


def rows() -> list[Row]:
    """How far cameras are from the truth after a rigid motion, and what is claimed."""
    solve = outcome.with_boards(np.eye(3, 4)[None])
    out = []
    for n_cameras, board, n_shown in _CARRIED:
        rig = synthetic.ring(n_cameras)
        name = f"{n_cameras} cameras, {board} of {board.square_mm:g} mm, shown {n_shown} times"
        poses = scenes.shown(board, n_shown, seed=n_cameras)
        out.append(_row(name, rig, scenes.sights(rig, board, poses, _NOISE_PX), solve))
    for n_cameras in _WANDS:
        rig = synthetic.ring(n_cameras)
        name = f"{n_cameras} cameras, wand of 500 mm, 300 instants"
        out.append(_row(name, rig, waved(rig, np.array([0.0, 0.2, 0.5]), 300), outcome.with_balls))
    return out


def waved(rig: Rig, places_m: F64, n: int, seed: int = 0) -> list[Sight]:
    """What cameras see of a wand with balls (k,) along it."""
    rng = np.random.default_rng(seed)
    local_m = np.column_stack([places_m, np.zeros((len(places_m), 2))])
    out = list[Sight]()
    for number in range(n):
        turn = Rotation.from_rotvec(rng.uniform(-2, 2, 3)).as_matrix()
        points_m = local_m @ turn.T + rng.uniform([-1, -1, 0.3], [1, 1, 1.8])
        for camera, pixels in zip(rig.names, project(rig, points_m), strict=True):
            if ((pixels > 0) & (pixels < [synthetic.WIDTH_PX, synthetic.HEIGHT_PX])).all():
                seen_px = pixels + rng.normal(0, _NOISE_PX, pixels.shape)
                out.append(Sight(camera, f"{number}", f"{number}", local_m, seen_px))
    return out


def _row(name: str, rig: Rig, sights: Sequence[Sight], solve: Solve) -> Row:
    began_s = perf_counter()
    fitted = solve(sights, rig)
    took_s = perf_counter() - began_s
    frame = world.like(rig, sized=False)
    same, known = frame.put(fitted.scene.rig), world.known(fitted, frame)
    return {
        "scene": name,
        "common": len({one.body for one in fitted.used}),
        "worst mm": 1e3 * float(place.moved_m(rig, same).max()),
        "worst deg": float(place.turned_deg(rig, same).max()),
        "sd mm": _largest([one.position_sd_mm for one in known.values()]),
        "sd deg": _largest([one.orientation_sd_deg for one in known.values()]),
        "rms px": fitted.rms_px(),
        "s": took_s,
    }


def _largest(some: Sequence[F64]) -> float:
    return max(float(np.linalg.norm(one)) for one in some)
