"""Takes out of the distances what a wrong calibration puts in: each pair's relative pose, refined.

A turned or moved camera makes distances that change as the person walks about, and so look like
time. Here six numbers a pair (a turn and a shift of the second camera) are fitted to the distances
along with the delay, which therefore cannot hide in them. They serve the synchronisation only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.cameras import Rig
from core.pieces import Pieces

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MOST_ROWS = 500
_STEP_FRAMES = 2
_ROUNDS = 4
_WEIGHTINGS = 4
_LEAST_PER_NUMBER = 20
_PRIOR_TURN_RAD = np.radians(1.5)
_PRIOR_SHIFT = 0.05  # of the distance between the two cameras
_TINY = 1e-5
_SOFT_SD = 2.0


class _Pair(NamedTuple):
    """What two cameras saw at the same instants, N of them, and one just after and before."""

    a_px: F64  # (N, J, 2)
    b_px: F64  # (N, J, 2)
    later_px: F64  # (N, J, 2) of b
    earlier_px: F64
    turn: F64  # (3, 3) b from a
    shift: F64  # (3,)
    pixels_inv: tuple[F64, F64]  # of a and b

    def fundamental(self, change: F64) -> F64:
        """Of the pose turned and shifted by ``change`` (6,) rad and baselines."""
        extra = Rotation.from_rotvec(change[:3]).as_matrix()
        x, y, z = extra @ self.shift + change[3:] * np.linalg.norm(self.shift)
        across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        return self.pixels_inv[1].T @ across @ extra @ self.turn @ self.pixels_inv[0]


def mended(points_px: F64, rig: Rig, pairs: I64, lag: I64) -> Pieces[F64]:
    """Fundamental matrices (P, 3, 3) of pairs with their poses refined at whole-frame lags (P,).

    ``points_px`` (C, T, J, 2) are those of an ideal lens. A pair that has too little in common
    keeps its pose.
    """
    found = np.empty((len(pairs), 3, 3))
    for number, (a, b) in enumerate(pairs):
        pair = _pair(points_px[a], points_px[b], int(lag[number]), rig, (int(a), int(b)))
        found[number] = pair.fundamental(_fit(pair))
        yield
    return found


def _pair(a_px: F64, b_px: F64, lag: int, rig: Rig, places: tuple[int, int]) -> _Pair:
    a, b = places
    first = max(0, _STEP_FRAMES - lag)
    end = min(len(a_px), len(b_px) - lag - _STEP_FRAMES)
    rows = np.arange(first, max(first, end))
    common = np.isfinite(a_px[rows, :, 0] + b_px[rows + lag, :, 0]).any(axis=1)
    rows = rows[common]
    if len(rows) > _MOST_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_ROWS).astype(np.intp)]
    turn = rig.cam_from_world[b, :, :3] @ rig.cam_from_world[a, :, :3].T
    return _Pair(
        a_px[rows],
        b_px[rows + lag],
        b_px[rows + lag + _STEP_FRAMES],
        b_px[rows + lag - _STEP_FRAMES],
        turn,
        rig.cam_from_world[b, :, 3] - turn @ rig.cam_from_world[a, :, 3],
        (np.linalg.inv(rig.image_from_cam[a]), np.linalg.inv(rig.image_from_cam[b])),
    )


def _sampson(fundamental: F64, a_px: F64, b_px: F64) -> F64:
    """Signed distances (N, J) of pixels (N, J, 2)."""
    a = np.concatenate([a_px, np.ones_like(a_px[..., :1])], axis=-1)
    b = np.concatenate([b_px, np.ones_like(b_px[..., :1])], axis=-1)
    line_b, line_a = a @ fundamental.T, b @ fundamental
    steep = np.hypot(
        np.hypot(line_b[..., 0], line_b[..., 1]), np.hypot(line_a[..., 0], line_a[..., 1])
    )
    return (b * line_b).sum(axis=-1) / steep


def _fit(pair: _Pair) -> F64:
    """Change of the pose (6,) by Gauss-Newton; zeros where there is too little to go by."""
    change = np.zeros(6)
    prior = np.repeat([1 / _PRIOR_TURN_RAD**2, 1 / _PRIOR_SHIFT**2], 3)
    for _ in range(_ROUNDS):
        off, columns = _linearised(pair, change)
        if len(off) < _LEAST_PER_NUMBER * columns.shape[1]:
            return np.zeros(6)
        change = change + _step(off, columns, change, prior)
    return change


def _linearised(pair: _Pair, change: F64) -> tuple[F64, F64]:
    """Distances (M,) less each keypoint's median, and their derivatives (M, 7); the last: time."""
    here = pair.fundamental(change)
    off = _sampson(here, pair.a_px, pair.b_px)
    parts = [
        (_sampson(pair.fundamental(change + _TINY * axis), pair.a_px, pair.b_px) - off) / _TINY
        for axis in np.eye(6)
    ]
    later = _sampson(here, pair.a_px, pair.later_px)
    parts.append((later - _sampson(here, pair.a_px, pair.earlier_px)) / (2 * _STEP_FRAMES))
    table = np.stack([off, *parts], axis=-1)  # (N, J, 8)
    known = np.asarray(np.isfinite(table).all(axis=-1))
    seen = known.sum(axis=0) >= _LEAST_PER_NUMBER
    table, known = table[:, seen], known[:, seen]
    if not seen.any():
        return np.empty(0), np.empty((0, 7))
    table = np.where(known[..., None], table, np.nan)
    usual = np.nanmean(table, axis=0)
    usual[:, 0] = np.nanmedian(table[..., 0], axis=0)
    unbiased: F64 = np.subtract(table, usual, dtype=np.float64)[known]
    return unbiased[:, 0], unbiased[:, 1:]


def _step(off: F64, columns: F64, change: F64, prior: F64) -> F64:
    """One robust, regularised step of the pose; the delay is fitted too and left out."""
    noise = 1.4826 * float(np.median(np.abs(off))) + 1e-9
    ridge = np.append(prior, 0.0) * noise**2
    solved = np.zeros(7)
    for _ in range(_WEIGHTINGS):
        left = off + columns @ solved
        weight = 1.0 / (1.0 + (left / (_SOFT_SD * noise)) ** 2) ** 2
        weighted = columns * weight[:, None]
        right = weighted.T @ off + ridge * np.append(change, 0.0)
        system = weighted.T @ columns + np.diag(ridge) + 1e-12 * np.eye(7)
        solved = np.asarray(-np.linalg.solve(system, right), dtype=np.float64)
    return solved[:6]
