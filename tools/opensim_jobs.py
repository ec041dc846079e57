"""What processes that load OpenSim are asked to do: plain values, so that the asker need not."""

import msgspec


class Scale(msgspec.Struct, frozen=True):
    """Scale one model to one person."""

    symmetric: bool
    trimmed_share: float
    points: str
    """.npz of ``points_m`` (T, M, 3): markers in the frames to measure in."""
    marker_names: tuple[str, ...]
    """(M,)"""
    mass_kg: float
    scaled_osim: str
    """File to write."""
    tree: str
    """File to write (.npz): the scaled model as arrays."""
    said: str
    """File to write: ``Scaled``."""


class Scaled(msgspec.Struct, frozen=True):
    """How a model was scaled."""

    factors: dict[str, tuple[float, float, float]]
    """By body."""
    unknown: tuple[str, ...]
    """Bodies that the set-up scales, and no distance was known for: they stay as they are."""


class Place(msgspec.Struct, frozen=True):
    """Put markers of a model at other places."""

    osim: str
    places_m: dict[str, tuple[float, float, float]]
    """By marker, on its body."""
    out: str
    """File to write."""
