"""How exact each camera's keypoints really are, learnt from how well the cameras agree.

What a network's confidence is worth in pixels differs between cameras: focus, light, distance, and
above all the calibration. Weights and covariances use what is measured here instead of a guess.
Letters: V cameras that saw one person, C cameras of the rig, J keypoints.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.triangulate import Triangulated
from core.whitening import matrices

F64 = NDArray[np.float64]

_MEMORY_NS = 2_000_000_000
_LEAST_PX, _MOST_PX = 0.5, 40.0
_MIN_KEYPOINTS = 6
_FIRST_LESSONS = 2  # what was believed before the first counts as one
_LEAST_LEFT = 0.2  # of 2: a camera that the point follows says nothing of its own noise
_MEDIAN_OF_ONE, _MEDIAN_OF_TWO = 0.455, math.log(2)  # of x^2, and of (x^2 + y^2) / 2
_FAR_SD = 3.2  # errors beyond are gross
_SOFTNESS = 1.04  # the covariance has so much more than least squares, for its soft weights
_LEANING = 0.15  # beside the square of the free part of a camera's error


class Noise(msgspec.Struct, frozen=True):
    """What is known of each camera's noise."""

    sd_px: F64  # (C,) standard deviation of a keypoint of weight 1
    lessons: F64  # (C,) it was learnt from


def learn(
    before: Noise,
    camera: NDArray[np.intp],
    weight: F64,
    found: Triangulated,
    image_from_world: F64,
    elapsed_ns: int,
    whitening: F64 | None = None,
) -> Noise:
    """Follow each camera's standard deviation with what one person's triangulation shows.

    Args:
        before: of the rig's cameras.
        camera: (V,) places in the rig of the cameras that saw the person.
        weight: (V, J) of these keypoints.
        found: the triangulation.
        image_from_world: (V, 3, 4) of these cameras.
        elapsed_ns: capture time since the last lesson.
        whitening: (V, J, 3) that it was triangulated with.

    Returns:
        Moved by two seconds' memory. An error is smaller than the noise by what the camera itself
        contributed to the point (its leverage); gross errors teach nothing, because a median tells
        how large an error can be.

    Trap: a camera believed to be exact draws the points, so that its errors become small: believed
    still more, it would run away to nothing. So what is learnt leans towards what is usual in the
    rig, the more the less freedom the camera's errors have.
    """
    per_sd = weight / before.sd_px[camera][:, None]
    freedom, evenness = _freedom(image_from_world, found, per_sd, whitening)
    usable = (found.n_views >= 3) & (weight > 0) & np.isfinite(found.error_px)
    square = (found.error_px * weight) ** 2 / np.maximum(freedom, _LEAST_LEFT)
    usual = float(np.median(before.sd_px[camera])) ** 2
    typical = _MEDIAN_OF_ONE + (_MEDIAN_OF_TWO - _MEDIAN_OF_ONE) * evenness
    sd_px, lessons = before.sd_px.copy(), before.lessons.copy()
    pull = 1 - math.exp(-max(elapsed_ns, 0) / _MEMORY_NS)
    for row, place in enumerate(camera):
        mine = np.flatnonzero(usable[row])
        if len(mine) >= _MIN_KEYPOINTS:
            limit = float(np.median(square[row, mine] / typical[row, mine])) * _FAR_SD**2
            near = mine[square[row, mine] <= limit]
            variance = float(square[row, near].mean())
            own = (float(freedom[row, mine].mean()) / 2) ** 2
            variance = (own * variance + _LEANING * usual) / (own + _LEANING)
            share = max(pull, 1 / (_FIRST_LESSONS + lessons[place]))
            moved = (1 - share) * sd_px[place] ** 2 + share * variance
            sd_px[place] = math.sqrt(min(max(moved, _LEAST_PX**2), _MOST_PX**2))
            lessons[place] += 1
    return Noise(sd_px, lessons)


def _freedom(
    image_from_world: F64, found: Triangulated, per_sd: F64, whitening: F64 | None
) -> tuple[F64, F64]:
    """How much of each camera's noise (V, J) is left in its error, 0..2, and how evenly over both
    directions of the picture, 0..1.

    The point follows the camera by H = J C J^T / sd^2 (J the projection's derivative, C the point's
    covariance); I - H is left (Cook and Weisberg, Residuals and Influence in Regression, 1982).
    """
    homogeneous = np.concatenate([found.points_m, np.ones((len(found.points_m), 1))], axis=1)
    in_camera = np.einsum("vij,nj->vni", image_from_world, homogeneous)
    pixels, depth = in_camera[..., :2] / in_camera[..., 2:], in_camera[..., 2]
    third = image_from_world[:, None, 2:, :3]
    slope = image_from_world[:, None, :2, :3] - pixels[..., None] * third
    slope = slope * (per_sd / depth / math.sqrt(_SOFTNESS))[..., None, None]  # (V, J, 2, 3)
    if whitening is not None:
        slope = np.einsum("vnab,vnbi->vnai", matrices(whitening), slope)
    left = np.eye(2) - np.einsum("vnai,nij,vnbj->vnab", slope, found.covariance_m2, slope)
    trace = left[..., 0, 0] + left[..., 1, 1]
    determinant = left[..., 0, 0] * left[..., 1, 1] - left[..., 0, 1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        evenness = np.clip(4 * determinant / trace**2, 0.0, 1.0)
    return np.nan_to_num(trace), np.nan_to_num(evenness)
