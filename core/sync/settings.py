"""Settings of the synchronisation, with their defaults."""

from typing import Literal

import msgspec

Method = Literal["auto", "epipolar", "speed"]
AnyMethod = Literal["auto", "epipolar", "speed", "flash", "clap"]
"""The last two look at videos, and not at keypoints."""


class SyncConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is searched, and from when on the answer is believed."""

    window_s: float = 1.0
    """Cameras are taken to be at most this far apart."""
    min_confidence: float = 0.3
    """Keypoints below are not used."""
    min_overlap_s: float = 0.5
    """Cameras must have this much in common, and half of the shorter recording."""
    bias_span_s: float = 2.0
    """Over so long a keypoint's own offset, and that of the calibration, count as constant."""
    search_spans: int = 12
    """Of these spans, those with most movement are searched for the whole frame …"""
    most_spans: int = 300
    """… and so many, evenly spread, for its fractions and the drift."""
    fit_s: float = 0.05
    """Half width of the cost around its minimum that tells the fraction of a frame …"""
    fit_frames: int = 3
    """… but at least so many frames."""
    resamplings: int = 200
    """Bootstrap rounds over time blocks and keypoints."""
    most_jumps: float = 0.02
    """Share of rounds that may lead to another minimum."""
    most_rival: float = 0.6
    """Depth of another minimum, as a share of the best one's: a movement that repeats itself."""
    min_contrast: float = 0.15
    """How far the cost must fall below what it is at other offsets, as a share of that."""
    max_uncertainty_s: float = 0.017
    """A camera less certain than this, and than a frame, is not told."""
    min_correlation: float = 0.5
    """speed: a lower peak is weak."""
    min_lead: float = 0.1
    """speed: how far the correlation at any other peak must lie below."""
    drift_from_s: float = 120.0
    """Shorter recordings are given no drift."""
    drift_window_s: float = 20.0
    max_drift_uncertainty_ppm: float = 5.0
    """A drift less certain than this is not stated."""
