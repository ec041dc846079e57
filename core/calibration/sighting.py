"""What a camera saw in one view, and where the calibration puts the same points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """N points of one view of one camera: a board's corners, a person's keypoints."""

    camera: str
    view: str
    """Name of the picture or instant."""
    detected_px: F64  # (N, 2) with the lens, NaN where not seen
    reprojected_px: F64  # (N, 2) with the lens, NaN where unknown
    used: bool = True
    reason: str = ""
    """Why it was not used."""
    before_px: F64 | None = None
    """(N, 2) where the calibration before put them; None where there was none."""

    @property
    def error_px(self) -> F64:
        """How far each point is off, (N,); NaN where unknown."""
        return np.linalg.norm(self.detected_px - self.reprojected_px, axis=-1)

    @property
    def rms_px(self) -> float:
        """Root mean square of that; NaN where nothing is known."""
        known = self.error_px[np.isfinite(self.error_px)]
        return float(np.sqrt((known**2).mean())) if len(known) else np.nan
