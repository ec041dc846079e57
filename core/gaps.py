"""Gaps in trajectories: what is interpolated, what is left out, what large gaps hold.

Points are (T, J, 3), NaN where missing. Rows are never removed: what is left out becomes NaN.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from core.runs import as_columns, equal_columns, runs
from core.smoothing_config import GapsConfig

F64 = NDArray[np.float64]

_DEGREES = {"linear": 1, "quadratic": 2, "cubic": 3}
_MIN_SAMPLES = 5


def interpolate(points_m: F64, config: GapsConfig) -> F64:
    """Close gaps of up to ``longest_gap_frames`` with a spline through the column's samples.

    Nothing is added before a column's first sample or after its last, nor to a column of less
    than five samples.
    """
    columns = as_columns(points_m)
    closed = columns.copy()
    if config.interpolation == "none":
        return points_m.copy()
    for together, present in equal_columns(np.isfinite(columns)):
        wanted = _short_gaps(present, config.longest_gap_frames)
        seen = np.flatnonzero(present)
        if len(wanted) and len(seen) >= _MIN_SAMPLES:
            spline = make_interp_spline(
                seen, columns[np.ix_(seen, together)], k=_DEGREES[config.interpolation]
            )
            closed[np.ix_(wanted, together)] = spline(wanted)
    return closed.reshape(points_m.shape)


def _short_gaps(present: NDArray[np.bool_], longest: int) -> NDArray[np.intp]:
    """Frames in gaps between samples that are not longer than that."""
    inner = [gap for gap in runs(~present) if gap.start > 0 and gap.stop < len(present)]
    frames = [np.arange(gap.start, gap.stop) for gap in inner if gap.stop - gap.start <= longest]
    return np.concatenate([np.empty(0, np.intp), *frames])


def section(points_m: F64, config: GapsConfig) -> slice:
    """Frames to keep, by the stretches in which any keypoint is there; empty for no stretch."""
    seen = runs(np.asarray(np.isfinite(points_m).all(axis=2).any(axis=-1)))
    long = [run for run in seen if run.stop - run.start >= config.min_section_frames]
    if not long:
        return slice(0, 0)
    match config.sections_to_keep:
        case "all":
            return slice(long[0].start, long[-1].stop)
        case "largest":
            return max(long, key=lambda run: run.stop - run.start)
        case "first":
            return long[0]
        case "last":
            return long[-1]


def only(points_m: F64, kept: slice) -> F64:
    """The points of the frames to keep, NaN in all others."""
    left = np.full_like(points_m, np.nan)
    left[kept] = points_m[kept]
    return left


def fill(points_m: F64, kept: slice, config: GapsConfig) -> F64:
    """Put ``fill_large`` into what is still missing in the frames to keep.

    last_value: that of the last sample, before the first one that of the first; a keypoint that
    is never there stays NaN.
    """
    filled = points_m.copy()
    match config.fill_large:
        case "nan":
            pass
        case "zeros":
            filled[kept] = np.where(np.isfinite(points_m[kept]), points_m[kept], 0.0)
        case "last_value":
            filled[kept] = _held(points_m[kept])
    return filled


def _held(points_m: F64) -> F64:
    columns = as_columns(points_m)
    held = columns.copy()
    for together, present in equal_columns(np.isfinite(columns)):
        seen = np.flatnonzero(present)
        if len(seen):
            last = np.maximum(np.searchsorted(seen, np.arange(len(present)), "right") - 1, 0)
            held[:, together] = columns[np.ix_(seen[last], together)]
    return held.reshape(points_m.shape)
