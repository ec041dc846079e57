"""A refinement in detail: what each camera saw at scored instants, and where the others put it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import quality, segments
from core.calibration import scratch
from core.calibration.people import MIN_LIKELIHOOD, Views, together
from core.calibration.sighting import Sighting
from core.cameras import Rig

F64 = NDArray[np.float64]
_MOST_SHOWN = 12
_FLOOR_SHARE = 0.02
_FEET = ("Ankle", "Heel", "Toe")


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What a calibration makes of the person who is seen most."""

    height_m: float
    floor_m: float
    """z of the lowest keypoint of the feet, at the second percentile; NaN where none is seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """K shown instants of the half that took no part in the fit."""

    sightings: tuple[Sighting, ...]
    """Of each shown instant and camera."""
    keypoints: tuple[tuple[str, float, float], ...]
    """Name, median held-out error before and after, px; NaN where unknown."""
    points_m: F64  # (K, J, 3) of the refined cameras
    before: Body | None
    after: Body


def scored(before: Rig | None, after: Rig, odd: Sequence[Views]) -> Scored:
    """Look closely at the half that was not fitted.

    Args:
        before: the cameras as they were; None where there were none.
        after: the refined ones.
        odd: that half of each person, the first who is seen most.
    """
    first = odd[0]
    put_px = _put_px(after, first)
    was_px = None if before is None else _put_px(before, first)
    rows = _shown(first)
    points_m = scratch.triangulated(after, first.points_px, first.likelihood)
    return Scored(
        sightings=tuple(
            Sighting(
                camera=name,
                view=f"instant {number + 1} of {len(rows)}",
                detected_px=_seen_px(first)[row, place],
                reprojected_px=put_px[row, place],
                before_px=None if was_px is None else was_px[row, place],
            )
            for place, name in enumerate(after.names)
            for number, row in enumerate(rows)
        ),
        keypoints=_by_keypoint(before, after, odd),
        points_m=points_m[rows],
        before=None if before is None else _body(before, first),
        after=_body(after, first),
    )


def _shown(views: Views) -> NDArray[np.intp]:
    """Instants evenly spread over the half."""
    n = len(views.likelihood)
    return np.linspace(0, n - 1, min(n, _MOST_SHOWN)).astype(np.intp)


def _seen_px(views: Views) -> F64:
    return np.where((views.likelihood > 0)[..., None], views.points_px, np.nan)


def _put_px(rig: Rig, views: Views) -> F64:
    """Where the other cameras put what a camera saw, (T, C, J, 2); NaN where unknown."""
    n_instants, n_cameras, n_keypoints = views.likelihood.shape
    offset_px = quality.hold_out(rig, *views.flat, MIN_LIKELIHOOD).offset_px
    split = offset_px.reshape(n_cameras, n_instants, n_keypoints, 2)
    return _seen_px(views) - split.swapaxes(0, 1)


def _by_keypoint(
    before: Rig | None, after: Rig, odd: Sequence[Views]
) -> tuple[tuple[str, float, float], ...]:
    names = odd[0].skeleton.names
    tables = [
        np.full(len(names), np.nan) if rig is None else _medians(rig, odd, len(names))
        for rig in (before, after)
    ]
    found = zip(names, *(one.tolist() for one in tables), strict=True)
    return tuple(row for row in found if np.isfinite(row[2]))


def _medians(rig: Rig, odd: Sequence[Views], n_keypoints: int) -> F64:
    error_px = quality.held_out_px(rig, *together(odd), MIN_LIKELIHOOD)
    by_keypoint = error_px.reshape(-1, n_keypoints)  # (C * T, J)
    known = [column[np.isfinite(column)] for column in by_keypoint.T]
    return np.array([np.median(one) if len(one) else np.nan for one in known])


def _body(rig: Rig, views: Views) -> Body:
    points_m = scratch.triangulated(rig, views.points_px, views.likelihood)
    names = views.skeleton.names
    feet = [place for place, name in enumerate(names) if any(part in name for part in _FEET)]
    heights_m = points_m[:, feet, 2]
    known = heights_m[np.isfinite(heights_m)]
    floor_m = float(np.quantile(known, _FLOOR_SHARE)) if len(known) else np.nan
    return Body(segments.height_m(points_m, views.skeleton), floor_m)
