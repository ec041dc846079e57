"""Whether the calibrations of two cameras were exchanged: told by the error in a held-out camera.

Where the cameras do not agree about what they saw, each pair is exchanged in turn; if one of the
exchanges makes them agree, it is named.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from core import quality, verdict
from core.cameras import Rig
from core.offline_people import Pictures

F64 = NDArray[np.float64]
_MOST_POINTS = 2000
_FALLS_TO = 0.4
_LEAST_CAMERAS = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two cameras that look like each other."""

    first: str
    second: str
    before_px: float
    """Median held-out error with the calibration as it is."""
    after_px: float
    """The same after the exchange."""

    def __str__(self) -> str:
        return (
            f"{self.first} and {self.second} look exchanged: a camera left out is "
            f"{self.before_px:.0f} px off, and {self.after_px:.0f} px with these two exchanged; "
            "exchange their names in the calibration, or their videos"
        )


def find(
    rig: Rig, points_px: F64, confidence: F64, min_confidence: float, picture_px: int
) -> Exchange | None:
    """Return the exchange of two cameras that makes the others agree; None where none does.

    Args:
        rig: C cameras; fewer than three tell nothing.
        points_px: (C, N, 2) as seen, with the lens, NaN where not seen.
        confidence: (C, N).
        min_confidence: weaker ones count as not seen.
        picture_px: longer side of the pictures; cameras that agree usably are not doubted.
    """
    if len(rig.names) < _LEAST_CAMERAS:
        return None
    chosen = _chosen(confidence >= min_confidence)
    seen = (points_px[:, chosen], confidence[:, chosen], min_confidence)
    before_px = _median_px(rig, *seen)
    if not before_px > verdict.USABLE_HELD_OUT * picture_px:
        return None
    pairs = list(combinations(range(len(rig.names)), 2))
    errors_px = [_median_px(exchanged(rig, *pair), *seen) for pair in pairs]
    best = int(np.argmin(np.nan_to_num(errors_px, nan=np.inf)))
    if not errors_px[best] < _FALLS_TO * before_px:
        return None
    first, second = (rig.names[place] for place in pairs[best])
    return Exchange(first, second, before_px, errors_px[best])


def in_pictures(pictures: Pictures, min_confidence: float, picture_px: int) -> Exchange | None:
    """Return the exchange that a whole recording tells of; None where it tells of none.

    Only instants count at which no picture holds more than one person: who is who in the others is
    told by the calibration itself.
    """
    crowded = {row for (row, _), people in pictures.people.items() if len(people) > 1}
    alone = np.array([row not in crowded for row in range(len(pictures.frames))], dtype=bool)
    one = pictures.surest()
    n_cameras = len(pictures.rig.names)
    confidence = one.likelihood[alone]
    confidence[:, :, list(one.derived)] = 0.0
    points_px = one.points_px[alone].swapaxes(0, 1).reshape(n_cameras, -1, 2)
    seen = confidence.swapaxes(0, 1).reshape(n_cameras, -1)
    return find(pictures.rig, points_px, seen, min_confidence, picture_px)


def exchanged(rig: Rig, first: int, second: int) -> Rig:
    """The rig with the lenses and poses of two cameras exchanged; the names stay."""
    order = np.arange(len(rig.names))
    order[[first, second]] = second, first
    return replace(
        rig,
        image_from_cam=rig.image_from_cam[order],
        distortion=rig.distortion[order],
        cam_from_world=rig.cam_from_world[order],
        image_from_world=rig.image_from_world[order],
    )


def _chosen(is_seen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Points that three cameras saw, evenly thinned."""
    places = np.flatnonzero(is_seen.sum(axis=0) >= _LEAST_CAMERAS)
    return places[np.linspace(0, len(places) - 1, min(_MOST_POINTS, len(places))).astype(int)]


def _median_px(rig: Rig, points_px: F64, confidence: F64, min_confidence: float) -> float:
    """Points that come to lie behind a camera count as far off, not as unknown."""
    error_px = quality.held_out_px(rig, points_px, confidence, min_confidence)
    seen = (confidence >= min_confidence) & np.isfinite(points_px).all(axis=-1)
    told = np.where(np.isfinite(error_px), error_px, np.inf)[seen]
    return float(np.median(told)) if len(told) else np.nan
