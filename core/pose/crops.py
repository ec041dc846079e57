"""Regions of interest and the picture crops that networks see.

Coordinates here are continuous: the first pixel covers 0..1 and its centre is 0.5. OpenCV's
warps count pixel centres from 0; the half pixel between the two is put in once, in ``crop``.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

_HALF = np.array([0.5, 0.5])
_AVERAGE_ABOVE = 3.0
_WHOLE_PX = 1e-6
_LETTERBOX_GREY = 114


IMAGENET_MEAN_RGB = (123.675, 116.28, 103.53)
IMAGENET_SD_RGB = (58.395, 57.12, 57.375)
"""Of the networks that mmpose trains; the numbers are those of red, green and blue."""


@dataclass(frozen=True, slots=True)
class Roi:
    """A rotated rectangle in a picture; its width follows from the shape of the network's input."""

    x_px: float
    y_px: float
    height_px: float
    angle_rad: float
    """Clockwise turn of the region's upright, as seen in the picture."""


class Size(NamedTuple):
    """Of a network's input."""

    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """picture_from_crop: continuous coordinates in a crop to those in the picture."""

    matrix: F64  # (2, 2)
    offset_px: F64  # (2,)

    def __call__(self, points: F64) -> F64:
        """Map points (..., 2)."""
        return points @ self.matrix.T + self.offset_px


def roi_affine(roi: Roi, size: Size) -> Affine:
    """Map of a crop of a size that is as high as the region and centred on it."""
    scale = roi.height_px / size.height_px
    cos, sin = math.cos(roi.angle_rad) * scale, math.sin(roi.angle_rad) * scale
    matrix = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([roi.x_px, roi.y_px])
    return Affine(matrix, centre - matrix @ (np.array(size) / 2))


def region_affine(roi: Roi, size: Size) -> Affine:
    """The same, an upright region moved to whole pixels: then a crop is a mere change of size.

    A fifth of the cost of a warp. Such a region may be a pixel wider or higher; the map tells.
    """
    if roi.angle_rad:
        return roi_affine(roi, size)
    half_px = np.array([size.width_px / size.height_px, 1.0]) * roi.height_px / 2
    centre = np.array([roi.x_px, roi.y_px])
    low = np.floor(centre - half_px + 0.5)
    span = np.maximum(np.floor(centre + half_px + 0.5) - low, 1.0)
    return Affine(np.diag(span / np.array(size, np.float64)), low)


def letterbox_affine(width_px: int, height_px: int, size_px: int) -> Affine:
    """Map of a square crop that holds the whole picture, centred."""
    side = max(width_px, height_px)
    return roi_affine(Roi(width_px / 2, height_px / 2, side, 0.0), Size(size_px, size_px))


def crop(picture: U8, picture_from_crop: Affine, size: Size) -> U8:
    """Cut (height, width, 3) out of a picture (H, W, 3); outside it is black.

    Strong reductions go through an area average by a whole factor first, against aliasing.
    """
    low, high = picture_from_crop.offset_px, picture_from_crop(np.array(size, np.float64))
    upright = not (picture_from_crop.matrix[0, 1] or picture_from_crop.matrix[1, 0])
    if upright and (low == np.rint(low)).all() and np.abs(high - np.rint(high)).max() < _WHOLE_PX:
        return _resized(picture, np.rint([low, high]).astype(int), size)
    scale = math.sqrt(abs(float(np.linalg.det(picture_from_crop.matrix))))
    factor = int(scale) if scale >= _AVERAGE_ABOVE else 1
    source = _averaged(picture, factor)
    matrix, offset = picture_from_crop.matrix / factor, picture_from_crop.offset_px / factor
    centred = np.column_stack([matrix, offset + matrix @ _HALF - _HALF])
    return cv2.warpAffine(
        source, centred, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    ).astype(np.uint8, copy=False)


def _resized(picture: U8, corners: NDArray[np.int_], size: Size) -> U8:
    """Cut whole pixels, black outside, and change their number; corners (2, 2): low and high."""
    (left, top), (right, bottom) = corners.tolist()
    height, width = picture.shape[:2]
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not inside.size:
        return np.zeros((size.height_px, size.width_px, 3), np.uint8)
    above, before = max(-top, 0), max(-left, 0)
    below, behind = max(bottom - height, 0), max(right - width, 0)
    if above or before or below or behind:
        inside = cv2.copyMakeBorder(inside, above, below, before, behind, cv2.BORDER_CONSTANT)
    shrinks = (bottom - top) > _AVERAGE_ABOVE * size.height_px
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(inside, size, interpolation=how).astype(np.uint8, copy=False)


def _averaged(picture: U8, factor: int) -> U8:
    """Smaller by a whole factor; rows and columns that do not fill a cell are left out."""
    if factor == 1:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    whole = picture[: height * factor, : width * factor]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def letterboxed(picture: U8, size: Size) -> tuple[U8, Affine]:
    """Shrink or enlarge a whole picture into the upper left of a grey canvas (height, width, 3).

    As YOLOX and RTMO are trained: bilinear, sides cut to whole pixels, grey 114. The map accounts
    for the cut.
    """
    height, width = picture.shape[:2]
    scale = min(size.width_px / width, size.height_px / height)
    inner = Size(max(1, int(width * scale)), max(1, int(height * scale)))
    canvas = np.full((size.height_px, size.width_px, 3), _LETTERBOX_GREY, np.uint8)
    canvas[: inner.height_px, : inner.width_px] = cv2.resize(
        picture, inner, interpolation=cv2.INTER_LINEAR
    )
    matrix = np.diag([width / inner.width_px, height / inner.height_px])
    return canvas, Affine(matrix, np.zeros(2))
