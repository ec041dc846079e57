"""Skeletons drawn into a picture: how sure the network was is the colour, who it is a number."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.pose.backend import Estimate
from core.skeletons import Skeleton

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Colour = tuple[int, int, int]

_RED, _YELLOW, _GREEN = (40, 40, 230), (40, 210, 240), (60, 200, 40)
_PEOPLE: tuple[Colour, ...] = (
    (235, 160, 60), (80, 120, 255), (200, 90, 200), (170, 200, 40), (60, 190, 255), (190, 190, 190)
)  # fmt: skip
_BLACK = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE_PART = 1 / 400
"""Width of a line as a part of the picture's height."""
_FARTHEST_PX = 30_000.0
"""OpenCV draws no farther."""


def of_confidence(confidence: float) -> Colour:
    """BGR: red at 0, yellow at 0.5, green at 1."""
    low, high = (_RED, _YELLOW) if confidence < 0.5 else (_YELLOW, _GREEN)
    part = min(max(2 * confidence - (confidence >= 0.5), 0.0), 1.0)
    blue, green, red = (round(a + part * (b - a)) for a, b in zip(low, high, strict=True))
    return blue, green, red


def draw(picture: U8, people: tuple[tuple[int, Estimate], ...], skeleton: Skeleton) -> U8:
    """Copy of a picture (H, W, 3) BGR with people by number; unknown keypoints are left out.

    A bone has the colour of its less certain end.
    """
    drawn = picture.copy()
    width = max(1, round(len(picture) * _LINE_PART))
    for number, one in people:
        known = np.isfinite(one.points_px).all(axis=1) & (one.confidence > 0)
        places = _places(one.points_px, known)
        for a, b in skeleton.bones:
            if known[a] and known[b]:
                colour = of_confidence(float(min(one.confidence[a], one.confidence[b])))
                cv2.line(drawn, places[a], places[b], colour, width, cv2.LINE_AA)
        for j in np.flatnonzero(known):
            colour = of_confidence(float(one.confidence[j]))
            cv2.circle(drawn, places[j], 2 * width, colour, cv2.FILLED, cv2.LINE_AA)
        if known.any():
            _tag(drawn, number, one.points_px[known], width)
    return drawn


def _places(points_px: F64, known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pixels in which continuous points (J, 2) lie; 0, 0 where unknown."""
    whole = np.floor(np.where(known[:, None], points_px, 0.0).clip(-_FARTHEST_PX, _FARTHEST_PX))
    return [(int(x), int(y)) for x, y in whole]


def _tag(drawn: U8, number: int, points_px: F64, width: int) -> None:
    """The person's number on a plate of the person's colour, above the highest keypoint."""
    text, scale = str(number), 0.5 * (1 + width / 2)
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, width)
    margin = 2 * width
    highest = points_px[points_px[:, 1].argmin()]
    left = int(np.clip(highest[0], 0, max(drawn.shape[1] - text_width - 2 * margin, 0)))
    bottom = int(np.clip(highest[1] - 6 * width, text_height + 2 * margin, drawn.shape[0]))
    corner = left + text_width + 2 * margin, bottom - text_height - 2 * margin
    cv2.rectangle(drawn, (left, bottom), corner, _PEOPLE[number % len(_PEOPLE)], cv2.FILLED)
    at = left + margin, bottom - margin
    cv2.putText(drawn, text, at, _FONT, scale, _BLACK, width, cv2.LINE_AA)
