"""What goes into the synchronisation and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """One person's keypoints in each camera, each on its own count of frames.

    A camera that begins later or ends earlier has NaN there. Letters: C cameras, T frames,
    J keypoints.
    """

    names: tuple[str, ...]
    rate_hz: float
    points_px: F64  # (C, T, J, 2) with the lens, NaN where not detected
    confidence: F64  # (C, T, J) 0..1, 0 where not detected


@dataclass(frozen=True, slots=True)
class Offset:
    """One camera against the reference camera."""

    camera: str
    offset_frames: float
    """Index in this camera less index in the reference of the same instant; with a drift: at the
    first frame. NaN where it cannot be told."""
    uncertainty_frames: float
    """Half width that covers the truth 19 times in 20."""
    drift_ppm: float | None = None
    """How much faster this camera counts; None where the recording does not tell."""
    drift_uncertainty_ppm: float | None = None
    doubt: str = ""
    """Why it cannot be told."""


@dataclass(frozen=True, slots=True)
class Found:
    """All cameras, in their order."""

    method: Literal["epipolar", "speed", "flash", "clap"]
    reference: str
    rate_hz: float
    offsets: tuple[Offset, ...]
    noise_px: float | None = None
    """epipolar: median distance that is left, over pairs of cameras."""
    correlation: float | None = None
    """speed: median over pairs of cameras at the offsets found."""

    @property
    def certain(self) -> bool:
        """Whether every camera's offset can be told."""
        return not any(one.doubt for one in self.offsets)
