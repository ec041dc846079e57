"""Settings of the offline filters and of the gaps they meet; the defaults are Pose2Sim's.

One struct for each filter: ``filtering.type=kalman filtering.kalman.trust_ratio=300``.
"""

from typing import Annotated, Literal

import msgspec

from core.config import Count, NotNegative, Positive, Settings


class GapsConfig(Settings, frozen=True):
    """Where a keypoint is missing for a while, or a person."""

    interpolation: Literal["linear", "quadratic", "cubic", "none"] = "linear"
    longest_gap_frames: Annotated[int, msgspec.Meta(ge=0)] = 20
    """Longer gaps are not interpolated, nor those of a keypoint seen in less than five frames."""
    sections_to_keep: Literal["all", "largest", "first", "last"] = "all"
    """Of the stretches in which the person is seen: all = from the first to the last of them.
    What lies outside is left empty."""
    min_section_frames: Count = 10
    """Shorter stretches are none."""
    fill_large: Literal["nan", "last_value", "zeros"] = "nan"
    """What larger gaps hold, after filtering. nan: they stay empty, nothing is invented."""


class ButterworthConfig(Settings, frozen=True):
    """Low-pass forwards and backwards."""

    cutoff_hz: Positive = 6.0
    order: Literal[2, 4, 6, 8] = 4
    """Of both directions together."""


class ButterworthOnSpeedConfig(Settings, frozen=True):
    """The same on the speed, integrated back."""

    cutoff_hz: Positive = 10.0
    order: Literal[2, 4, 6, 8] = 4


class KalmanConfig(Settings, frozen=True):
    """Constant acceleration, and the smoother backwards."""

    trust_ratio: Positive = 500.0
    """Standard deviation of the change of acceleration / of a measurement, 1/s²; higher smooths
    less."""
    smooth: bool = True
    """false: only forwards, and the result is late."""


class OneEuroConfig(Settings, frozen=True):
    """Cut-off that rises with the speed, forwards and backwards."""

    cutoff_hz: Positive = 4.0
    """At rest."""
    beta: NotNegative = 1.5
    """Rise of the cut-off with the speed, Hz/(m/s)."""
    speed_cutoff_hz: Positive = 1.0


class GcvSplineConfig(Settings, frozen=True):
    """Cubic smoothing spline."""

    cutoff_hz: Positive | Literal["auto"] = "auto"
    """auto: for each coordinate by generalised cross-validation, between 1 and 30 Hz."""
    smoothing_factor: NotNegative = 1.0
    """With auto: more smoothing above 1, less below."""


class AccMinimizingConfig(Settings, frozen=True):
    """Least squares of samples and acceleration (Whittaker)."""

    cutoff_hz: Positive = 6.0


class LoessConfig(Settings, frozen=True):
    """Local straight lines."""

    n_values: Annotated[int, msgspec.Meta(ge=3)] = 5


class GaussianConfig(Settings, frozen=True):
    """Weighted moving average."""

    sd_frames: Positive = 1.0


class MedianConfig(Settings, frozen=True):
    """Moving median."""

    window_frames: Literal[3, 5, 7, 9, 11, 13, 15] = 3


FilterType = Literal[
    "butterworth",
    "butterworth_on_speed",
    "kalman",
    "one_euro",
    "gcv_spline",
    "acc_minimizing",
    "loess",
    "gaussian",
    "median",
]


class FilteringConfig(Settings, frozen=True):
    """Smoothing over the whole recording; each filter's own settings are used if it is chosen."""

    enabled: bool = True
    """false: the points as they were triangulated, gaps and all."""
    reject_outliers: bool = True
    """A Hampel filter over seven frames before the filter."""
    type: FilterType = "butterworth"
    butterworth: ButterworthConfig = ButterworthConfig()
    butterworth_on_speed: ButterworthOnSpeedConfig = ButterworthOnSpeedConfig()
    kalman: KalmanConfig = KalmanConfig()
    one_euro: OneEuroConfig = OneEuroConfig()
    gcv_spline: GcvSplineConfig = GcvSplineConfig()
    acc_minimizing: AccMinimizingConfig = AccMinimizingConfig()
    loess: LoessConfig = LoessConfig()
    gaussian: GaussianConfig = GaussianConfig()
    median: MedianConfig = MedianConfig()
