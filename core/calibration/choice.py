"""Which pictures of a video show a board sharply and differently enough to calibrate from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
MOST_VIEWS = 30
MOST_TOGETHER = 90
_NEW_LOOK, _NEW_PAIR, _LEAST_NEWS = 0.3, 0.3, 0.02
_LEAST_APART = 0.04
_TILT_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A picture with a board in it, seen roughly."""

    number: int
    corners_px: F64  # (n, 2)
    sharpness: float
    """Larger is sharper, comparable within one video."""


def sharpness(picture: NDArray[np.uint8], corners_px: F64) -> float:
    """Mean square of the Laplacian where the board is, over that of its contrast."""
    low = np.maximum(corners_px.min(axis=0).astype(int), 0)
    high = corners_px.max(axis=0).astype(int) + 1
    part = picture[low[1] : high[1], low[0] : high[0]]
    if part.size == 0:
        return 0.0
    edges = np.asarray(cv2.Laplacian(part, cv2.CV_64F))
    return float((edges**2).mean() / (part.astype(np.float64).var() + 1.0))


def choose(candidates: Sequence[Candidate], size_px: tuple[int, int]) -> list[int]:
    """Numbers of the pictures to use: of each place and tilt the sharpest, the most varied first.

    Args:
        candidates: in order of time.
        size_px: width and height of the pictures.
    """
    if not candidates:
        return []
    sharp = np.array([one.sharpness for one in candidates])
    usable = np.flatnonzero(sharp >= 0.5 * np.median(sharp))
    looks = np.stack([_look(candidates[place].corners_px, size_px) for place in usable.tolist()])
    chosen = [int(np.argmax(sharp[usable]))]
    weight = np.clip(sharp[usable] / np.median(sharp), 0.5, 1.5)
    while len(chosen) < MOST_VIEWS:
        apart = np.linalg.norm(looks[:, None] - looks[chosen], axis=-1).min(axis=1)
        following = int(np.argmax(apart * weight))
        if apart[following] < _LEAST_APART:
            break
        chosen.append(following)
    places = usable.tolist()
    return sorted(candidates[places[place]].number for place in chosen)


def choose_together(
    candidates: Mapping[str, Sequence[Candidate]], sizes_px: Mapping[str, tuple[int, int]]
) -> list[int]:
    """Numbers of the instants at which several cameras see the board, the most telling ones.

    What counts is how different each camera sees it from before, and that pairs of cameras that
    rarely see it together are not forgotten.

    Args:
        candidates: of each camera, numbered by instants.
        sizes_px: width and height of the pictures of each camera.
    """
    looks: dict[int, dict[str, F64]] = {}
    for camera, seen in candidates.items():
        least = 0.5 * np.median([one.sharpness for one in seen]) if seen else 0.0
        for one in seen:
            if one.sharpness >= least:
                look = _look(one.corners_px, sizes_px[camera])
                looks.setdefault(one.number, {})[camera] = look
    left = {number: seen for number, seen in looks.items() if len(seen) > 1}
    chosen, before, pairs = list[int](), dict[str, list[F64]](), dict[tuple[str, str], int]()

    def news(number: int) -> float:
        new = [
            min((float(np.linalg.norm(look - one)) for one in before[camera]), default=_NEW_LOOK)
            if camera in before
            else _NEW_LOOK
            for camera, look in left[number].items()
        ]
        rare = [1 + pairs.get(pair, 0) for pair in combinations(sorted(left[number]), 2)]
        return sum(min(one, _NEW_LOOK) for one in new) * (1 + sum(_NEW_PAIR / n for n in rare))

    while left and len(chosen) < MOST_TOGETHER:
        best = max(left, key=news)
        if news(best) < _LEAST_NEWS:
            break
        seen = left.pop(best)
        chosen.append(best)
        for camera, look in seen.items():
            before.setdefault(camera, []).append(look)
        for pair in combinations(sorted(seen), 2):
            pairs[pair] = pairs.get(pair, 0) + 1
    return sorted(chosen)


def _look(corners_px: F64, size_px: tuple[int, int]) -> F64:
    """Place, size and tilt (6,), each about 0 to 1."""
    box = cv2.minAreaRect(corners_px.astype(np.float32))
    centre = np.array(box[0]) / size_px
    extent = np.sqrt(max(box[1][0] * box[1][1], 1.0) / (size_px[0] * size_px[1]))
    hull = cv2.approxPolyDP(cv2.convexHull(corners_px.astype(np.float32)), 5.0, True)
    fill = cv2.contourArea(hull) / max(box[1][0] * box[1][1], 1.0)  # trapezes fill less
    middle = corners_px.mean(axis=0) - np.array(box[0])
    lean = middle / (extent * np.sqrt(size_px[0] * size_px[1]))
    return np.array([*centre, extent, fill, *(_TILT_WEIGHT * 10 * lean)])
