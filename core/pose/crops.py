"""Regions of interest and the picture crops that networks see.

Coordinates here are continuous: the first pixel covers 0..1 and its centre is 0.5. OpenCV's
warps count pixel centres from 0; the half pixel between the two is put in once, in ``crop``.
"""

import math
from collections.abc import Sequence
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
_LETTERBOX_GREY = 114


class Normalisation(NamedTuple):
    """What a network expects of its input: (value - mean) / sd, channels in the order given."""

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]
    rgb: bool
    """Red first; pictures here have blue first."""


RAW_BGR = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), rgb=False)
IMAGENET_RGB = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), rgb=True)
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


def letterbox_affine(width_px: int, height_px: int, size_px: int) -> Affine:
    """Map of a square crop that holds the whole picture, centred."""
    side = max(width_px, height_px)
    return roi_affine(Roi(width_px / 2, height_px / 2, side, 0.0), Size(size_px, size_px))


def crop(picture: U8, picture_from_crop: Affine, size: Size) -> U8:
    """Cut (height, width, 3) out of a picture (H, W, 3); outside it is black.

    Strong reductions go through an area average by a whole factor first, against aliasing.
    """
    scale = math.sqrt(abs(float(np.linalg.det(picture_from_crop.matrix))))
    factor = int(scale) if scale >= _AVERAGE_ABOVE else 1
    source = _averaged(picture, factor)
    matrix, offset = picture_from_crop.matrix / factor, picture_from_crop.offset_px / factor
    centred = np.column_stack([matrix, offset + matrix @ _HALF - _HALF])
    return cv2.warpAffine(
        source, centred, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    ).astype(np.uint8, copy=False)


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


def tensor(cuts: Sequence[U8], wanted: Normalisation) -> F32:
    """Pictures (height, width, 3) BGR of one size to a batch (N, 3, height, width), in one pass."""
    params = cv2.dnn.Image2BlobParams()
    params.scalefactor = tuple(1 / sd for sd in wanted.sd)
    params.mean = wanted.mean
    params.swapRB = wanted.rgb
    params.size = (cuts[0].shape[1], cuts[0].shape[0])
    return cv2.dnn.blobFromImagesWithParams(cuts, params).astype(np.float32, copy=False)
