"""A picture of where in a camera's field the board was seen, and how far each corner is off."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.calibration.intrinsics import Intrinsics

_LONGER_PX = 1000
_ENLARGED = 60.0
_INK, _FRAME = (40, 40, 40), (200, 200, 200)


def draw(found: Intrinsics, title: str) -> NDArray[np.uint8]:
    """Corners coloured by view, with their errors 60 times enlarged; (H, W, 3) BGR."""
    width, height = found.size_px
    scale = _LONGER_PX / max(width, height)
    canvas = np.full((round(height * scale) + 60, round(width * scale), 3), 255, dtype=np.uint8)
    bottom = (canvas.shape[1] - 1, canvas.shape[0] - 61)
    cv2.rectangle(canvas, (0, 0), bottom, _FRAME, 1)
    for number, (view, error_px) in enumerate(zip(found.views, found.error_px, strict=True)):
        colour = _colour(number, len(found.views))
        for corner, error in zip(view.corners_px, error_px, strict=True):
            start, end = corner * scale, (corner + _ENLARGED * error) * scale
            cv2.circle(canvas, _pixel(start), 3, colour, 1, cv2.LINE_AA)
            cv2.line(canvas, _pixel(start), _pixel(end), colour, 1, cv2.LINE_AA)
    words = (
        f"{title}: {found.rms_px:.3f} px rms, {len(found.views)} views, "
        f"{len(found.rejected)} left out",
        f"f {found.image_from_cam[0, 0]:.1f} +- {found.sd['fx']:.1f} px; errors x{_ENLARGED:.0f}",
    )
    for line, text in enumerate(words):
        place = (8, canvas.shape[0] - 36 + 24 * line)
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return canvas


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _colour(number: int, count: int) -> tuple[int, int, int]:
    hue = np.array([[[round(179 * number / max(count, 1)), 200, 190]]], dtype=np.uint8)
    blue, green, red = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)
