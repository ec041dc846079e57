"""How large a person's segments are against those of the model: scale factors of its bodies.

A measurement compares distances between pairs of markers with the same distances on the model, and
scales bodies by the ratio (OpenSim's ScaleTool). The distances are those of upright frames, the
middle half of them averaged, as Pose2Sim does: bent joints and lost markers spoil lengths.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.segments import TRIMMED_SHARE, trimmed_mean

F64 = NDArray[np.float64]
Pair = tuple[str, str]

_AXES = "XYZ"
_SUFFIXES = {"_r": "_l", "_l": "_r"}
_SMALLEST, _LARGEST = 0.4, 2.0  # beyond it the markers are wrong, not the person


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is compared, and what is scaled by it."""

    name: str
    pairs: tuple[Pair, ...]
    """Markers between which it is measured."""
    bodies: tuple[tuple[str, str], ...]
    """Body, and the axes ("X", "XY", …) along which it is scaled."""


def distances_m(points_m: F64, names: Sequence[str], pairs: Sequence[Pair]) -> F64:
    """Distances (..., P) between pairs of markers (..., M, 3); NaN where one is missing.

    A marker that is not among the names is missing.
    """
    place = {name: number for number, name in enumerate(names)}
    known = [(place.get(a), place.get(b)) for a, b in pairs]
    found = np.full((*points_m.shape[:-2], len(pairs)), np.nan)
    for column, (a, b) in enumerate(known):
        if a is not None and b is not None:
            found[..., column] = np.linalg.norm(points_m[..., a, :] - points_m[..., b, :], axis=-1)
    return found


def typical_m(distances: F64, trimmed_share: float = TRIMMED_SHARE) -> F64:
    """Mean of the middle half of each column of (T, P), without NaN; NaN for an empty column."""
    columns = [column[np.isfinite(column)] for column in distances.T]
    return np.array([trimmed_mean(column, trimmed_share) for column in columns])


def all_pairs(measurements: Sequence[Measurement]) -> tuple[Pair, ...]:
    """All pairs of all measurements, each once."""
    return tuple(dict.fromkeys(pair for one in measurements for pair in one.pairs))


def body_factors(
    measurements: Sequence[Measurement],
    person_m: Mapping[Pair, float],
    model_m: Mapping[Pair, float],
    *,
    symmetric: bool,
) -> dict[str, F64]:
    """Scale factors (3,) of the bodies; a body that no measurement reaches is left out.

    Args:
        measurements: those of the model's marker set.
        person_m: distance of each pair on the person; NaN or absent: not known, left out.
        model_m: distance of each pair on the unscaled model at its default pose.
        symmetric: left and right get the mean of both.

    Raises:
        ModelError: factors that no person has: the markers are wrong or not in metres.
    """
    ratio = {pair: person_m.get(pair, np.nan) / model_m[pair] for pair in model_m}
    factors: dict[str, F64] = {}
    for one, (body, axes) in [(m, part) for m in measurements for part in m.bodies]:
        pairs = _pairs_for(one, body, measurements, symmetric=symmetric)
        known = [ratio[pair] for pair in pairs if np.isfinite(ratio.get(pair, np.nan))]
        if not known:
            continue
        factor = float(np.mean(known))
        if not _SMALLEST <= factor <= _LARGEST:
            raise ModelError(
                f"scaling: {body} comes out {factor:.2f} times the model's by {one.name}; "
                "look at the markers, and whether they are in metres"
            )
        scaled = factors.setdefault(body, np.ones(3))
        scaled[[_AXES.index(axis) for axis in axes]] = factor
    return factors


def _pairs_for(
    one: Measurement, body: str, measurements: Sequence[Measurement], *, symmetric: bool
) -> tuple[Pair, ...]:
    """Pairs that scale a body: of both sides, or of its own side where it has one."""
    if symmetric:
        other = _other_side(one.name)
        opposite = [more for more in measurements if more.name == other and more is not one]
        return tuple(pair for part in (one, *opposite) for pair in part.pairs)
    side = body[-1] if body[-2:] in _SUFFIXES else ""
    mine = tuple(pair for pair in one.pairs if {_side(name) for name in pair} == {side})
    return mine or one.pairs


def _side(marker: str) -> str:
    """Side of a marker by its name, such as r.ASIS_study, L_toe_study, RHip; empty: none."""
    first, second = marker[:1].lower(), marker[1:2]
    sided = first in ("r", "l") and (second in (".", "_") or second.isupper())
    return first if sided else ""


def _other_side(name: str) -> str:
    return name[:-2] + _SUFFIXES[name[-2:]] if name[-2:] in _SUFFIXES else name


class Lengths(msgspec.Struct, frozen=True):
    """Distances of the last upright frames of one person, for scaling while it goes on."""

    seen_m: F64  # (N, P) newest last, NaN where a marker was missing

    @property
    def count(self) -> int:
        """Frames that are kept."""
        return len(self.seen_m)


def no_lengths(n_pairs: int) -> Lengths:
    """Nothing measured yet."""
    return Lengths(np.empty((0, n_pairs)))


def measured(lengths: Lengths, distances: F64, keep: int) -> Lengths:
    """Take in the distances (P,) of an upright frame; the oldest beyond ``keep`` are dropped."""
    return Lengths(np.concatenate([lengths.seen_m, distances[None]])[-keep:])
