"""The left/right check in plain numpy: what the kernels are compared with."""

import itertools

import numpy as np
from numpy.typing import NDArray

from core.anatomy import anatomy_of
from tests.unit.triangulate_reference import linear, reproject

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ANATOMY = anatomy_of("HALPE_26")
PARTNER, BODY = _ANATOMY.partner, _ANATOMY.body

_WORST_PX = 100.0  # one lost keypoint must not outweigh the body
_SWAP_COST_PX = 1.0  # of two equally good explanations the one with fewer swaps


def apply(values: F64, swapped: Flags) -> F64:
    """Exchange left and right in the flagged cameras of an array (C, J, ...)."""
    flags = swapped.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(flags, values[:, PARTNER], values)


def body_cost(expected_px: F64, points_px: F64, weight: F64) -> F64:
    """Mean truncated distance of the body's keypoints per camera (C,), inf where none is seen."""
    distance = np.linalg.norm(expected_px[:, BODY] - points_px[:, BODY], axis=-1)
    counted = np.where(np.isfinite(distance), weight[:, BODY], 0.0)
    total = counted.sum(axis=1)
    cost = (np.minimum(np.nan_to_num(distance), _WORST_PX) * counted).sum(axis=1)
    return np.where(total > 0, cost / np.maximum(total, 1e-12), np.inf)


def against_prediction(
    image_from_world: F64, predicted_m: F64, points_px: F64, weight: F64, gain: float
) -> Flags:
    """Flag cameras (C,) that fit the predicted skeleton (J, 3) clearly better when exchanged."""
    expected_px = reproject(image_from_world, predicted_m)
    as_is = body_cost(expected_px, points_px, weight)
    every = np.ones(len(weight), dtype=bool)
    exchanged = body_cost(expected_px, apply(points_px, every), apply(weight, every))
    return np.isfinite(as_is) & (exchanged < gain * as_is)


def from_scratch(image_from_world: F64, points_px: F64, weight: F64) -> Flags:
    """Flag the cameras (C,) whose exchange makes all cameras agree best, with as few as may be."""
    present = (weight[:, BODY] > 0).any(axis=1)
    best_cost, best = np.inf, np.zeros(len(weight), dtype=bool)
    for combination in itertools.product((False, True), repeat=int(present.sum())):
        swapped = np.zeros(len(weight), dtype=bool)
        swapped[present] = combination
        points, weights = apply(points_px, swapped), apply(weight, swapped)
        expected_px = reproject(image_from_world, linear(image_from_world, points, weights))
        cost = body_cost(expected_px, points, weights)[present].mean() if present.any() else 0.0
        cost += _SWAP_COST_PX * sum(combination)
        if cost < best_cost:
            best_cost, best = cost, swapped
    return best
