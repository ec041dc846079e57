"""Photos small enough that a report with them stays a file one can send."""

from collections.abc import Mapping

import cv2
import numpy as np

Key = tuple[str, str]

MOST_BYTES = 200_000
"""Of all photos together; a third more in base64."""
_STEPS = ((960, 65), (800, 60), (640, 55), (520, 50), (420, 45), (320, 40), (240, 35))
"""Longer side in px, and quality of the JPEG."""


def fitted(photos: Mapping[Key, bytes], most_bytes: int = MOST_BYTES) -> dict[Key, bytes]:
    """The same photos as JPEG, so small that they fit; as large as that allows."""
    found = dict(photos)
    for longest_px, quality in _STEPS:
        found = {key: _shrunk(content, longest_px, quality) for key, content in photos.items()}
        if sum(map(len, found.values())) <= most_bytes:
            break
    return found


def _shrunk(content: bytes, longest_px: int, quality: int) -> bytes:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("a photo of the report is no picture")
    scale = min(1.0, longest_px / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
