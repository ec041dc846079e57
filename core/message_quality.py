"""What messages say of how well the rig agrees."""

import math

import msgspec


class CameraQuality(msgspec.Struct, frozen=True):
    """How well one camera agrees with the others."""

    camera: str
    held_out_px: float
    """Median distance of what it sees to where the others put it; NaN while unknown."""
    turned_deg: float
    """By how much it looks turned since the run began."""
    says: str
    """What is wrong with it, in plain words; empty while nothing is."""
    late_ms: float = math.nan
    """By how much its pictures lag behind those of the others; NaN while unknown."""
    late_sd_ms: float = math.nan
    offset_ms: float = math.nan
    """By how much the capture times that it gives are late against the median camera, as a moving
    person tells by the epipolar geometry; NaN while unknown."""
    offset_uncertainty_ms: float = math.nan
    """Half-width that covers the truth 19 times in 20."""
    shift_ms: float = 0.0
    """What the fusion adds to its capture times; ``late_ms`` is what is left."""


class PredictionQuality(msgspec.Struct, frozen=True):
    """How far off the predictions for one person were, against what was measured then."""

    id: int
    predicted_mm: float
    """Root mean square over the last two seconds; holds the error of the measurement too."""
    held_mm: float
    """The same without prediction, of a pose shown so much later as it was."""
