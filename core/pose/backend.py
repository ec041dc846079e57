"""What every 2D pose model is to the rest: people found in pictures, keypoints in regions.

A two-stage model finds regions (``detect``) and measures in them (``estimate``); a one-stage model
measures at once and says so in ``Found.estimate``. Coordinates are continuous picture coordinates
(the centre of the first pixel is 0.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.pose.crops import Roi
from core.skeletons import Skeleton

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The keypoints measured in one region."""

    presence: float
    """How sure it is that the region holds a person, 0..1."""
    points_px: F64
    """(J, 2); NaN where the model does not know the keypoint."""
    confidence: F64
    """(J,) 0..1; 0 where the model does not know the keypoint."""
    next_roi: Roi
    """Where to look for the person in the next frame."""
    covariance_px2: F64 | None = None
    """(J, 3) xx, yy, xy of the points' errors, ``core.pose.certainty``; NaN for keypoints of which
    it is not known, None where it is of none."""
    score: F64 | None = None
    """(J,) what the covariance was told from, NaN for derived keypoints; None: the confidence."""

    def covariance_at(self, scale: F64) -> bytes:
        """``Person2D.covariance_px2`` for a picture so much larger (2,) in both directions."""
        if self.covariance_px2 is None:
            return b""
        x, y = scale
        return (self.covariance_px2 * (x * x, y * y, x * y)).astype("<f4").tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One person found in a whole picture."""

    score: float
    roi: Roi
    estimate: Estimate | None = None
    """Already there with one-stage models."""


class Backend(Protocol):
    """A loaded pose model."""

    @property
    def skeleton(self) -> Skeleton:
        """The keypoint set of its estimates."""
        ...

    @property
    def derived(self) -> int:
        """Bit j set: keypoint j is derived from others, not detected."""
        ...

    @property
    def provider(self) -> str:
        """What its network really runs on: ``CPU``, ``CUDA``, ``Tensorrt``."""
        ...

    def detect(self, pictures: Sequence[U8], *, thorough: bool = False) -> list[list[Found]]:
        """For each picture (H, W, 3) BGR the people in it, the most certain first.

        ``thorough`` finds small people too, at several times the cost, where the model can.
        """
        ...

    def estimate(self, jobs: Sequence[tuple[U8, Roi]]) -> list[Estimate]:
        """Keypoints in regions of pictures, of any cameras and people, in one run; in order."""
        ...

    def region(self, points_px: F64) -> Roi | None:
        """Region around a person whose keypoints (J, 2) are known, from another camera say.

        NaN where unknown; None where too little is known.
        """
        ...
