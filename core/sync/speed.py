"""Offsets from how fast keypoints rise and fall in each picture: needs no calibration.

The vertical speeds of keypoints are correlated at each lag (the field's usual way; Pose2Sim's
synchronisation among others). Each keypoint is compared with itself and up with up, where others
add up all their absolute speeds: left and right, up and down then look alike. Two views of one
movement do not rise and fall alike, so this errs by frames where the geometry does not; and it
takes cameras to stand upright.
Letters: C cameras, P pairs, T frames, J keypoints, L lags.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from core.sync import fractions, lags
from core.sync.found import Found, Offset, Views
from core.sync.lags import Table
from core.sync.settings import SyncConfig

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_CUTOFF_HZ = 6.0
_ORDER = 2
_LONGEST_GAP_S = 0.25
_LEAST_RUN = 16  # frames; shorter pieces cannot be filtered
_HALF = 0.5
_SD = 2.0
_NEAR_FRAMES = 3
_TINY = 1e-9


def estimate(views: Views, reference: int, config: SyncConfig) -> Found:
    """Offsets of all cameras against ``reference``, its place in ``views.names``."""
    pairs, n_cameras = lags.pairs_of(len(views.names)), len(views.names)
    curves = np.stack([_speeds(one, views.rate_hz) for one in _vertical(views, config)])
    reach = max(1, round(config.window_s * views.rate_hz))
    least = config.min_overlap_s * views.rate_hz
    r = np.stack([correlation(curves[a], curves[b], reach, least) for a, b in pairs])
    table = Table.of(pairs, -r, np.ones(len(pairs)))
    whole = lags.whole_frames(table, n_cameras, reference)
    offsets, wide, at_best = _fractions(pairs, r, whole, _samples(curves, views.rate_hz), reference)
    doubts = _doubts(pairs, r, whole, reference, config)
    limit = max(1.0, config.max_uncertainty_s * views.rate_hz)
    found = []
    for camera, name in enumerate(views.names):
        doubt = doubts[camera]
        if not doubt and not wide[camera] <= limit:
            doubt = "the peak is too broad, or the cameras contradict each other"
        found.append(Offset(name, float(offsets[camera]), float(wide[camera]), doubt=doubt))
    known = at_best[np.isfinite(at_best)]
    usual = float(np.median(known)) if len(known) else float("nan")
    return Found("speed", views.names[reference], views.rate_hz, tuple(found), correlation=usual)


def _vertical(views: Views, config: SyncConfig) -> F64:
    """(C, T, J) px, NaN where not sure."""
    return np.where(views.confidence >= config.min_confidence, views.points_px[..., 1], np.nan)


def _speeds(up_px: F64, rate_hz: float) -> F64:
    """Filtered vertical speeds (T, J) px a frame of (T, J); NaN where not seen."""
    cutoff_hz = min(_CUTOFF_HZ, 0.4 * rate_hz)
    low_pass = np.asarray(butter(_ORDER, cutoff_hz, fs=rate_hz, output="sos"))
    longest = round(_LONGEST_GAP_S * rate_hz)
    smooth = [_filtered(low_pass, _bridged(one, longest)) for one in up_px.T]
    return np.gradient(np.stack(smooth, axis=1), axis=0)


def _bridged(values: F64, longest: int) -> F64:
    """Linear over gaps of up to ``longest`` samples."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return values
    filled = np.interp(np.arange(len(values)), known, values[known], np.nan, np.nan)
    for before, after in pairwise(known):
        if after - before > longest + 1:
            filled[before + 1 : after] = np.nan
    return filled


def _filtered(low_pass: F64, values: F64) -> F64:
    """Each run between NaN forwards and backwards; runs that are too short become NaN."""
    out = np.full_like(values, np.nan)
    known = np.flatnonzero(np.isfinite(values))
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        if len(run) >= _LEAST_RUN:
            out[run] = sosfiltfilt(low_pass, values[run], padlen=min(9, len(run) - 1))
    return out


def correlation(a: F64, b: F64, reach: int, least: float) -> F64:
    """Pearson's r (2 * reach + 1,) of a's frames t with b's frames t + lag, both (T, J).

    Each keypoint less its mean, all keypoints together: those that move most count most. NaN where
    fewer than ``least`` frames, or half of those of the shorter camera, are common.
    """
    known_a, known_b = np.isfinite(a), np.isfinite(b)
    shorter = min(known_a.any(axis=1).sum(), known_b.any(axis=1).sum())
    found = np.full(2 * reach + 1, np.nan)
    for number, lag in enumerate(range(-reach, reach + 1)):
        mine, other = slice(max(0, -lag), len(b) - lag), slice(max(0, lag), len(a) + lag)
        known = known_a[mine] & known_b[other]
        if known.any(axis=1).sum() < max(least, _HALF * shorter, 2):
            continue
        x, y = _centred(a[mine], known), _centred(b[other], known)
        size = np.sqrt((x**2).sum() * (y**2).sum())
        found[number] = (x * y).sum() / size if size > 0 else np.nan
    return found


def _centred(values: F64, known: NDArray[np.bool_]) -> F64:
    """Each column less the mean of what is known in it; 0 elsewhere."""
    kept = np.where(known, values, 0.0)
    mean = kept.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, kept - mean, 0.0)


def _samples(curves: F64, rate_hz: float) -> float:
    """Independent samples of the shortest filtered curve: two a period of the cut-off.

    Keypoints of one person move together: all of them count as one.
    """
    shortest = np.isfinite(curves).any(axis=2).sum(axis=1).min()
    return max(1.0, shortest / rate_hz * 2 * min(_CUTOFF_HZ, 0.4 * rate_hz))


def _fractions(
    pairs: I64, r: F64, whole: I64, samples: float, reference: int
) -> tuple[F64, F64, F64]:
    """Offsets (C,), half widths (C,), and correlations (P,) at the pairs' peaks.

    The uncertainty is that of a delay between two noisy copies of a signal with the peak's
    curvature (Carter, "Coherence and time delay estimation", Proc. IEEE 1987). The pairs are made
    of C cameras only and do not err independently, which is allowed for by C / 2.
    """
    n_cameras = len(whole)
    lag, variance, at_best = np.full((3, len(pairs)), np.nan)
    for number, (a, b) in enumerate(pairs):
        peak = _peak(r[number], int(whole[b] - whole[a]))
        if peak is not None:
            lag[number], at_best[number], bend = peak
            variance[number] = max(_TINY, 1 - at_best[number] ** 2) / (
                samples * at_best[number] * bend
            )
    weight = np.nan_to_num(1 / variance)
    offsets = fractions.solve(pairs, lag, weight, n_cameras, reference)
    off = np.nan_to_num(lag - (offsets[pairs[:, 1]] - offsets[pairs[:, 0]]))
    spare = max(1, int((weight > 0).sum()) - n_cameras + 1)
    contradiction = max(1.0, float(np.sqrt((weight * off**2).sum() / spare)))
    sd = np.sqrt(_variances(pairs, weight, n_cameras, reference) * n_cameras / 2)
    return offsets, _SD * contradiction * sd, at_best


def _peak(r: F64, lag: int) -> tuple[float, float, float] | None:
    """Place, height and curvature of the peak next to a lag, by a parabola; None for no peak."""
    reach = len(r) // 2
    first, end = max(0, lag + reach - _NEAR_FRAMES), min(len(r), lag + reach + _NEAR_FRAMES + 1)
    near = r[first:end]
    if not np.isfinite(near).any():
        return None
    top = first + int(np.nanargmax(near))
    if not 0 < top < len(r) - 1 or not np.isfinite(r[top - 1 : top + 2]).all():
        return None
    before, here, after = r[top - 1 : top + 2]
    bend = 2 * here - before - after
    if bend <= 0 or here <= 0 or here < max(before, after):
        return None
    return top - reach + 0.5 * (after - before) / bend, float(here), float(bend)


def _variances(pairs: I64, weight: F64, n_cameras: int, reference: int) -> F64:
    """(C,) of weighted least squares; inf for a camera that nothing ties to the reference."""
    normal = np.zeros((n_cameras, n_cameras))
    for (a, b), one in zip(pairs, weight, strict=True):
        normal[[a, b], [a, b]] += one
        normal[a, b] -= one
        normal[b, a] -= one
    tied = fractions.tied(pairs, weight > 0, n_cameras, reference)
    found = np.where(tied, 0.0, np.inf)
    others = [camera for camera in np.flatnonzero(tied) if camera != reference]
    found[others] = np.diag(np.linalg.inv(normal[np.ix_(others, others)]))
    return found


def _doubts(pairs: I64, r: F64, whole: I64, reference: int, config: SyncConfig) -> list[str]:
    """What speaks against each camera's offset, "" for nothing."""
    reach, table = r.shape[1] // 2, Table.of(pairs, -r, np.ones(len(pairs)))
    usable = np.asarray(np.isfinite(r).any(axis=1))
    tied = fractions.tied(pairs, usable, len(whole), reference)
    doubts = []
    for camera in range(len(whole)):
        mine = np.flatnonzero((pairs == camera).any(axis=1))
        lag = np.clip(whole[pairs[mine, 1]] - whole[pairs[mine, 0]], -reach, reach)
        here = r[mine, lag + reach]
        height = float(here[np.isfinite(here)].mean()) if np.isfinite(here).any() else 0.0
        profile = table.profile(camera, whole, times=2) / len(mine)
        at = int(whole[camera]) + 2 * reach
        lead = lags.rival(profile, at) - float(profile[at])
        if camera != reference and height < config.min_correlation:
            doubts.append(f"its speeds hardly agree with the others' (correlation {height:.2f})")
        elif abs(whole[camera]) >= reach:
            doubts.append("the best offset is the largest one that was looked at")
        elif lead < config.min_lead:
            doubts.append(f"two offsets suit it nearly as well (correlations {lead:.2f} apart)")
        else:
            doubts.append("")
    return fractions.against(doubts, tied, reference)
