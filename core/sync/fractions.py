"""Fractions of a frame: where each pair's cost is symmetric, and the offsets that suit all pairs.

Keypoints are not interpolated: averaging two frames lowers their noise, and with it the cost, half
way between them. At whole lags the noise of two cameras is independent and adds the same
everywhere, so that the cost of smooth movement is even about the true lag.
Letters as in ``core.sync.lags``.
"""

import numpy as np
from numpy.typing import NDArray

from core.sync.lags import Costs

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_ROUNDS = 12
_HUBER, _HUBER_ROUNDS = 1.5, 4
_SMOOTHING = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_TINY = 1e-12
_LEAST_KNOWN = 5  # points of a curve


def centres(lags: I64, curves: F64, half_width: float) -> tuple[F64, F64]:
    """Centre of symmetry of curves (..., L), and half their curvature there, both (...).

    Fits a + b u^2 + c u^4 with u = lag - centre and tricube weights around the centre. NaN where
    there is no minimum within the lags.
    """
    known = np.isfinite(curves)
    filled = np.where(known, curves, 0.0)
    enough = known.sum(axis=-1) >= _LEAST_KNOWN
    centre = np.zeros(curves.shape[:-1])
    bend = np.ones(curves.shape[:-1])
    for _ in range(_ROUNDS):
        u = (lags - centre[..., None]) / half_width
        weight = known * np.clip(1.0 - np.abs(u) ** 3, 0.0, None) ** 3
        columns = np.stack([np.ones_like(u), u, u**2, u**4], axis=-1)  # (..., L, 4)
        weighted = columns * weight[..., None]
        left = np.swapaxes(weighted, -1, -2) @ columns + 1e-9 * np.eye(4)
        right = np.swapaxes(weighted, -1, -2) @ filled[..., None]
        _, slope, bend, _ = np.moveaxis(np.linalg.solve(left, right)[..., 0], -1, 0)
        steep = np.where(bend > 0, -0.5 * slope / np.where(bend > 0, bend, 1.0), -np.sign(slope))
        centre = centre + np.clip(steep, -0.5, 0.5) * half_width
        centre = np.clip(centre, lags[0] - 1.0, lags[-1] + 1.0)
    inside = enough & (bend > 0) & (centre >= lags[0]) & (centre <= lags[-1])
    return np.where(inside, centre, np.nan), np.where(inside, bend / half_width**2, 0.0)


def solve(pairs: I64, lag: F64, weight: F64, n_cameras: int, reference: int) -> F64:
    """Offsets (..., C) from lags of pairs (..., P) by robust least squares.

    First by least absolute residuals, then by Huber's weights with a scale from what that leaves
    (both by reweighting: Holland and Welsch 1977). A camera that no known pair ties to another one
    gets 0.
    """
    weight = np.where(np.isfinite(lag), weight, 0.0)
    lag = np.nan_to_num(lag)
    offsets = _least_squares(pairs, lag, weight, n_cameras, reference)
    z = _residuals(pairs, lag, weight, offsets)
    for part in _SMOOTHING:
        trust = 1.0 / (z + part * z.max(axis=-1, keepdims=True) + _TINY)
        offsets = _least_squares(pairs, lag, weight * trust, n_cameras, reference)
        z = _residuals(pairs, lag, weight, offsets)
    spare = max(1, len(pairs) - n_cameras + 1)
    scale = 1.48 * np.median(np.sort(z, axis=-1)[..., -spare:], axis=-1)[..., None] + _TINY
    for _ in range(_HUBER_ROUNDS):
        trust = np.minimum(1.0, _HUBER * scale / np.maximum(z, _TINY))
        offsets = _least_squares(pairs, lag, weight * trust, n_cameras, reference)
        z = _residuals(pairs, lag, weight, offsets)
    return offsets


def _residuals(pairs: I64, lag: F64, weight: F64, offsets: F64) -> F64:
    off = lag - (offsets[..., pairs[:, 1]] - offsets[..., pairs[:, 0]])
    return np.abs(off) * np.sqrt(weight)


def _least_squares(pairs: I64, lag: F64, weight: F64, n_cameras: int, reference: int) -> F64:
    design = np.zeros((len(pairs), n_cameras))
    design[np.arange(len(pairs)), pairs[:, 0]] = -1.0
    design[np.arange(len(pairs)), pairs[:, 1]] = 1.0
    others = [camera for camera in range(n_cameras) if camera != reference]
    design = design[:, others]
    weighted = design * weight[..., None]  # (..., P, C - 1)
    left = np.swapaxes(weighted, -1, -2) @ design
    right = np.swapaxes(weighted, -1, -2) @ lag[..., None]
    size = np.trace(left, axis1=-2, axis2=-1)[..., None, None] + 1e-300
    solved = np.linalg.pinv(left / size, rcond=1e-9, hermitian=True) @ (right / size)
    offsets = np.zeros((*lag.shape[:-1], n_cameras))
    offsets[..., others] = solved[..., 0]
    return offsets


def tied(pairs: I64, known: NDArray[np.bool_], n_cameras: int, reference: int) -> NDArray[np.bool_]:
    """(C,) which cameras some chain of known pairs (P,) ties to the reference."""
    reached = np.zeros(n_cameras, dtype=np.bool_)
    reached[reference] = True
    for _ in range(n_cameras):
        for a, b in pairs[known]:
            reached[a] = reached[b] = reached[a] | reached[b]
    return reached


def against(doubts: list[str], tied: NDArray[np.bool_], reference: int) -> list[str]:
    """What speaks against each camera's offset to the reference; that one's own doubt is all's."""
    told = []
    for camera, doubt in enumerate(doubts):
        if camera == reference:
            told.append("")
        elif not tied[camera]:
            told.append("it has too little in common with the other cameras")
        else:
            told.append(
                doubt or (f"the reference: {doubts[reference]}" if doubts[reference] else "")
            )
    return told


def offsets_of(costs: Costs, half_width: float, n_cameras: int, reference: int) -> F64:
    """Offsets (C,) of all blocks together."""
    lag, bend = centres(costs.lags, costs.curves(), half_width)
    weight = bend * costs.known().mean(axis=-1)
    return solve(costs.pairs, lag + costs.centre, weight, n_cameras, reference)


def resampled(
    costs: Costs, weight: F64, half_width: float, n_cameras: int, reference: int
) -> tuple[F64, F64]:
    """Offsets (R, C) and lags of pairs (R, P) of bootstrap rounds with weights (R, U, J)."""
    lag, _ = centres(costs.lags, costs.curves(weight), half_width)
    _, bend = centres(costs.lags, costs.curves(), half_width)
    trust = bend * costs.known().mean(axis=-1)
    lag = lag + costs.centre
    return solve(costs.pairs, lag, np.broadcast_to(trust, lag.shape), n_cameras, reference), lag
