"""What somebody needs to know who sets up a camera: is it sharp, is it too bright or too dark."""

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

_WHITE, _BLACK = 250, 5
_TOO_WHITE, _TOO_BLACK = 0.05, 0.25
_DARK_MEAN = 35.0
_MIDDLE = 4  # of each side, the middle half: people stand there


class Exposure(msgspec.Struct, frozen=True):
    """How a picture uses the range of the sensor."""

    mean: float
    """0 to 255."""
    white: float
    """Part of the pixels that are burnt out."""
    black: float
    says: str
    """What is wrong, and what to do; empty while nothing is."""


def sharpness(picture: U8) -> float:
    """Variance of the Laplacian over the middle of a picture (H, W, 3) BGR.

    Grows as the lens comes into focus; only values of the same scene compare (Pech-Pacheco et al.,
    "Diatom autofocusing in brightfield microscopy", ICPR 2000).
    """
    height, width = picture.shape[:2]
    top, left = height // _MIDDLE, width // _MIDDLE
    middle = picture[top : height - top, left : width - left]
    grey = cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def exposure(picture: U8) -> Exposure:
    """Look at the brightness of a picture (H, W, 3) BGR."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    mean = float(grey.mean())
    white, black = float((grey >= _WHITE).mean()), float((grey <= _BLACK).mean())
    says = ""
    if white > _TOO_WHITE:
        says = f"{white:.0%} of it is burnt out: shorten the exposure or lower the gain"
    elif mean < _DARK_MEAN or black > _TOO_BLACK:
        says = "too dark: more light first, then a longer exposure, then gain"
    return Exposure(mean, white, black, says)
