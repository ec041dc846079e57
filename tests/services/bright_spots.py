"""A pose model for made-up videos: each bright spot is a person whose keypoints are known."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from core.pose.backend import Estimate, Found
from core.pose.crops import Roi
from core.skeletons import HALPE_26, Skeleton

SIZE_PX = 160, 120
RADIUS_PX = 12
BODY = np.random.default_rng(1).uniform(-15, 15, (26, 2))


class BrightSpots:
    """A ``Backend``."""

    skeleton: Skeleton = HALPE_26
    derived = 0
    provider = "CPU"

    def detect(
        self, pictures: Sequence[np.ndarray], *, thorough: bool = False
    ) -> list[list[Found]]:
        return [[Found(0.9, _roi(*spot)) for spot in spots(one)] for one in pictures]

    def estimate(self, jobs: Sequence[tuple[np.ndarray, Roi]]) -> list[Estimate]:
        return [self._estimate(picture, roi) for picture, roi in jobs]

    def _estimate(self, picture: np.ndarray, roi: Roi) -> Estimate:
        near = [
            (x, y)
            for x, y in spots(picture)
            if np.hypot(x - roi.x_px, y - roi.y_px) < roi.height_px / 2
        ]
        if not near:
            return Estimate(0.0, np.full((26, 2), np.nan), np.zeros(26), roi)
        x, y = min(near, key=lambda one: np.hypot(one[0] - roi.x_px, one[1] - roi.y_px))
        return Estimate(0.9, BODY + [x, y], np.full(26, 0.9), _roi(x, y))

    def region(self, points_px: np.ndarray) -> Roi | None:
        return None


def _roi(x: float, y: float) -> Roi:
    return Roi(x, y, 3.0 * RADIUS_PX, 0.0)


def spots(picture: np.ndarray) -> list[tuple[float, float]]:
    """Centres of the spots in continuous coordinates, from left to right."""
    bright = (picture.mean(axis=-1) > 128).astype(np.uint8)
    n, _, stats, centres = cv2.connectedComponentsWithStats(bright)
    whole = [i for i in range(1, n) if stats[i, cv2.CC_STAT_AREA] > RADIUS_PX**2]
    return sorted((float(x) + 0.5, float(y) + 0.5) for x, y in centres[whole])


def film(path: Path, pictures: Iterator[list[tuple[int, int]]]) -> Path:
    """A video with spots at these places, picture by picture; noise makes its packets large."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt, stream.options = "yuv420p", {"bf": "2", "g": "10", "crf": "5"}
        for places in pictures:
            pixels = rng.integers(0, 60, (SIZE_PX[1], SIZE_PX[0], 3), dtype=np.uint8)
            for place in places:
                cv2.circle(pixels, place, RADIUS_PX, (240, 240, 240), cv2.FILLED)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))
    return path
