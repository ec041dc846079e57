"""Live, whether the calibrations of two cameras were exchanged: looked at once, near the start.

From the keypoints as they come, not from the people made of them: with two cameras exchanged there
may be none.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.calibration import exchange
from core.calibration.exchange import Exchange
from core.cameras import Rig
from core.messages import Keypoints2D, view

F64 = NDArray[np.float64]

ENOUGH = 40
"""Instants at which three cameras see one person each."""
_LEAST_CAMERAS = 3


class Suspicion(msgspec.Struct, frozen=True):
    """What was gathered, and what it tells."""

    points_px: tuple[F64, ...] = ()  # each (C, J, 2)
    confidence: tuple[F64, ...] = ()  # each (C, J)
    is_settled: bool = False
    found: Exchange | None = None


def step(
    state: Suspicion, seen: Sequence[Keypoints2D | None], rig: Rig, min_confidence: float
) -> Suspicion:
    """Take in what the C cameras saw at one instant; None where one saw nothing."""
    if state.is_settled or any(one is not None and len(one.persons) > 1 for one in seen):
        return state
    alone = {place: one for place, one in enumerate(seen) if one is not None and one.persons}
    if len(alone) < _LEAST_CAMERAS:
        return state
    n_keypoints = len(view(next(iter(alone.values())).persons[0], "confidence"))
    points_px = np.full((len(rig.names), n_keypoints, 2), np.nan)
    confidence = np.zeros((len(rig.names), n_keypoints))
    for place, one in alone.items():
        points_px[place] = view(one.persons[0], "keypoints_px")
        confidence[place] = view(one.persons[0], "confidence")
    points, sure = (*state.points_px, points_px), (*state.confidence, confidence)
    if len(points) < ENOUGH:
        return Suspicion(points, sure)
    # the principal point is about the middle of the picture
    picture_px = round(2 * float(rig.image_from_cam[:, :2, 2].max()))
    together = (np.concatenate(points, axis=1), np.concatenate(sure, axis=1))
    return Suspicion(
        is_settled=True, found=exchange.find(rig, *together, min_confidence, picture_px)
    )
