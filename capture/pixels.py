"""Raw pixels of cameras to pictures: the pixel formats we can take, by their GenICam names."""

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

# Bytes a pixel, and OpenCV's conversion to BGR. OpenCV's older names of Bayer patterns (BayerBG for
# what everybody else calls RGGB) are avoided.
_FORMATS: dict[str, tuple[int, int | None]] = {
    "Mono8": (1, cv2.COLOR_GRAY2BGR),
    "BayerRG8": (1, cv2.COLOR_BayerRGGB2BGR),
    "BayerGR8": (1, cv2.COLOR_BayerGRBG2BGR),
    "BayerGB8": (1, cv2.COLOR_BayerGBRG2BGR),
    "BayerBG8": (1, cv2.COLOR_BayerBGGR2BGR),
    "BGR8": (3, None),
    "BGR8Packed": (3, None),
    "RGB8": (3, cv2.COLOR_RGB2BGR),
    "RGB8Packed": (3, cv2.COLOR_RGB2BGR),
    "YUV422_8": (2, cv2.COLOR_YUV2BGR_YUYV),
    "YCbCr422_8": (2, cv2.COLOR_YUV2BGR_YUYV),
    "YUV422Packed": (2, cv2.COLOR_YUV2BGR_UYVY),
}
FORMATS = tuple(_FORMATS)


def to_bgr(
    payload: bytes, name: str, shape: tuple[int, int], factor: int = 1, padding_bytes: int = 0
) -> U8:
    """Picture (H // factor, W // factor, 3), contiguous.

    Args:
        payload: the pixels row by row; what follows them (chunks) is not looked at.
        name: one of ``FORMATS``.
        shape: H, W.
        factor: the picture is smaller by this.
        padding_bytes: unused bytes at the end of each row.
    """
    height, width = shape
    n_bytes, conversion = _FORMATS[name]
    row_bytes = width * n_bytes + padding_bytes
    rows = np.frombuffer(payload, np.uint8, height * row_bytes).reshape(height, row_bytes)
    pixels = rows[:, : width * n_bytes].reshape(height, width, n_bytes)
    mixed = name.startswith(("Bayer", "Y"))  # neighbouring bytes are not of one kind
    if not mixed:
        pixels = shrunk(pixels, factor)
    if conversion is not None:
        pixels = np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
    return np.ascontiguousarray(shrunk(pixels, factor) if mixed else pixels)


def shrunk(picture: U8, factor: int) -> U8:
    """Picture (H // factor, W // factor, any channels), area-averaged."""
    if factor == 1:
        return picture
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, dtype=np.uint8)
