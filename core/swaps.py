"""Left and right exchanged: 2D networks take a back for a front in some pictures.

Whole bodies are checked per camera: against the predicted skeleton once there is one, and by
trying all combinations of cameras when there is none. The loops are in ``core.kernels``.
"""

import numpy as np
from numpy.typing import NDArray

from core import kernels
from core.anatomy import Anatomy
from core.jit import F64, plain

Flags = NDArray[np.bool_]

_WORST_PX = 100.0  # one lost keypoint must not outweigh the body
_SWAP_COST_PX = 1.0  # of two equally good explanations the one with fewer swaps


def apply(values: F64, swapped: Flags, anatomy: Anatomy) -> F64:
    """Exchange left and right in the flagged cameras of an array (C, J, ...).

    With no camera flagged it is the array itself.
    """
    if not swapped.any():
        return values
    put_right = values.copy()
    put_right[swapped] = values[swapped][:, anatomy.partner]
    return put_right


def body_cost(expected_px: F64, points_px: F64, weight: F64, anatomy: Anatomy) -> F64:
    """Mean truncated distance of the body's keypoints per camera (C,), inf where none is seen."""
    return kernels.body_cost(
        plain(expected_px), plain(points_px), plain(weight), anatomy.body, _WORST_PX
    )


def against_prediction(
    image_from_world: F64,
    predicted_m: F64,
    points_px: F64,
    weight: F64,
    gain: float,
    anatomy: Anatomy,
) -> Flags:
    """Flag cameras (C,) that fit the predicted skeleton (J, 3) clearly better when exchanged."""
    return kernels.against_prediction(
        plain(image_from_world),
        predicted_m[anatomy.body],
        plain(points_px),
        plain(weight),
        anatomy.body,
        anatomy.exchanged,
        float(gain),
        _WORST_PX,
    )


def from_scratch(image_from_world: F64, points_px: F64, weight: F64, anatomy: Anatomy) -> Flags:
    """Flag the cameras (C,) whose exchange makes all cameras agree best, with as few as may be."""
    present = np.flatnonzero((weight[:, anatomy.body] > 0).any(axis=1))
    return kernels.from_scratch(
        plain(image_from_world),
        plain(points_px),
        plain(weight),
        np.stack([anatomy.body, anatomy.exchanged]),
        present,
        _SWAP_COST_PX,
        _WORST_PX,
    )
