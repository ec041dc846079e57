"""Offsets from geometry: at the right offset a keypoint lies on its epipolar lines, at all times.

Pair by pair and lag by lag the Sampson distances of all keypoints are looked at, each keypoint's
less its median over a span: what is constant (a camera that is turned, a keypoint that one view
puts beside the joint) falls out, and only what changes with the movement counts. Whole frames come
from the least cost over all pairs together, fractions from where the pairs' costs are symmetric.
Letters: C cameras, P pairs, T frames, J keypoints, R bootstrap rounds.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.cameras import Rig
from core.pieces import Pieces, whole
from core.sync import distances, drifts, fractions, lags, mending
from core.sync.distances import Spans
from core.sync.found import Found, Offset, Views
from core.sync.lags import Costs, Table
from core.sync.settings import SyncConfig

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_SOFT_SHARE = 0.02  # of a person's height, while the noise is not known
_SOFT_SD = 4.0
_LEAST_SOFT_PX = 1.0
_SPARE_FRAMES = 2
_HALF = 0.5
_FASTEST_DRIFT = 1e-4
_ROUNDS_A_PIECE = 10
_STILL_SD = 1.0  # movement, in sds of the noise, below which a person stands still


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    points_px: F64  # (C, T, J, 2) ideal
    rate_hz: float
    geometry: tuple[I64, F64]
    spans: Spans
    movement_px: F64  # (C, S)
    reference: int

    @property
    def n_cameras(self) -> int:
        return len(self.points_px)


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """Whole frames, and what is wrong with each camera's."""

    offsets: I64  # (C,)
    doubts: list[str]


def estimate(views: Views, rig: Rig, reference: int, config: SyncConfig) -> Found:
    """Offsets of all cameras against ``reference``, its place in ``views.names``."""
    return whole(estimating(views, rig, reference, config))


def estimating(views: Views, rig: Rig, reference: int, config: SyncConfig) -> Pieces[Found]:
    """The same in pieces of a few ms, for a live caller."""
    points_px = distances.ideal_px(views, rig, config)
    pairs = lags.pairs_of(len(views.names))
    geometry = (pairs, distances.fundamentals(rig, pairs))
    spans = distances.spans_of(points_px.shape[1], views.rate_hz, config)
    movement = distances.movement_px(points_px, spans)
    scene = _Scene(points_px, views.rate_hz, geometry, spans, movement, reference)
    frames = yield from _whole_frames(scene, config)
    lag = _lag(pairs, frames.offsets)
    geometry = (pairs, (yield from mending.mended(points_px, rig, pairs, lag)))
    noise = distances.noise_px(points_px, geometry, spans, lag)
    scene = replace(scene, geometry=geometry)
    offsets = yield from _fractions(scene, frames, noise, views.names, config)
    left_px = float(np.nanmedian(noise)) if np.isfinite(noise).any() else float("nan")
    return Found("epipolar", views.names[reference], views.rate_hz, offsets, noise_px=left_px)


def _lag(pairs: I64, offsets: I64) -> I64:
    return offsets[pairs[:, 1]] - offsets[pairs[:, 0]]


def _whole_frames(scene: _Scene, config: SyncConfig) -> Pieces[_Whole]:
    """Search whole frames where there is most movement; say what is doubtful."""
    lively = np.argsort(-scene.movement_px.sum(axis=0))[: config.search_spans]
    spans = scene.spans.pick(np.sort(lively))
    reach = max(1, round(config.window_s * scene.rate_hz))
    n_pairs = len(scene.geometry[0])
    soft = np.full(n_pairs, max(_LEAST_SOFT_PX, _SOFT_SHARE * distances.size_px(scene.points_px)))
    around = np.arange(-reach, reach + 1)
    where = (np.zeros(n_pairs, dtype=np.int64), around)
    costs = yield from distances.costs_of(scene.points_px, scene.geometry, spans, where, soft)
    usable = _usable(costs, scene.rate_hz, config)
    curves = np.where(usable, costs.curves(), np.nan)
    table = Table.of(costs.pairs, curves, _trust(costs))
    offsets = lags.whole_frames(table, scene.n_cameras, scene.reference)
    jumps = yield from _jumps(costs, usable, offsets, config)
    noise = distances.noise_px(scene.points_px, scene.geometry, spans, _lag(costs.pairs, offsets))
    still = scene.movement_px.max(axis=1) < _STILL_SD * np.nanmedian(np.append(noise, 0.0))
    doubts = _doubts(table, curves, offsets, jumps + still * np.sign(jumps), config)
    usual = np.asarray(np.isfinite(curves).any(axis=1))
    tied = fractions.tied(costs.pairs, usual, scene.n_cameras, scene.reference)
    return _Whole(offsets, fractions.against(doubts, tied, scene.reference))


def _usable(costs: Costs, rate_hz: float, config: SyncConfig) -> NDArray[np.bool_]:
    """(P, L) lags with half of the most frames in common, and some time."""
    frames = costs.frames()
    least = np.maximum(_HALF * frames.max(axis=-1, keepdims=True), config.min_overlap_s * rate_hz)
    return np.asarray(frames >= least)


def _trust(costs: Costs) -> F64:
    """Weights (P,) by what is known of a pair."""
    known = costs.known().mean(axis=-1)
    return known / max(1.0, known.max(initial=0.0))


def _jumps(
    costs: Costs,
    usable: NDArray[np.bool_],
    offsets: I64,
    config: SyncConfig,
) -> Pieces[F64]:
    """Share (C,) of bootstrap rounds in which a camera goes to another minimum."""
    weight = lags.draws(config.resamplings, *costs.sums.shape[1:3])
    curves = np.where(usable, costs.curves(weight), np.nan)
    trust, near = _trust(costs), config.fit_frames
    away = np.zeros(len(offsets))
    for number, one in enumerate(curves):
        if number % _ROUNDS_A_PIECE == 0:
            yield
        other = lags.descend(Table.of(costs.pairs, one, trust), offsets, None)
        away += np.abs(other - offsets) > near
    return away / len(curves)


def _doubts(table: Table, curves: F64, offsets: I64, jumps: F64, config: SyncConfig) -> list[str]:
    """What speaks against each camera's place among the others, "" for nothing."""
    contrast = _contrast(table.pairs, curves, offsets, len(offsets))
    doubts = []
    for camera in range(len(offsets)):
        profile = table.profile(camera, offsets, times=2)
        here = int(offsets[camera]) + 2 * table.reach
        if contrast[camera] < config.min_contrast or jumps[camera] >= 1.0:
            doubts.append("no offset suits it clearly better than others: the person hardly moves, "
                          "or it shows somebody else, or its calibration is wrong")  # fmt: skip
        elif abs(offsets[camera]) >= table.reach:
            doubts.append("the best offset is the largest one that was looked at")
        elif (
            jumps[camera] > config.most_jumps
            or lags.rival(profile, here) < config.most_rival * profile[here]
        ):
            doubts.append("two offsets suit it nearly as well")
        else:
            doubts.append("")
    return doubts


def _contrast(pairs: I64, curves: F64, offsets: I64, n_cameras: int) -> F64:
    """(C,) how far the cost of a camera's best pair falls, as a share of its usual cost."""
    reach = curves.shape[1] // 2
    lag = np.clip(_lag(pairs, offsets), -reach, reach) + reach
    at_best = curves[np.arange(len(pairs)), lag]
    found = np.zeros(n_cameras)
    for number, (a, b) in enumerate(pairs):
        if np.isfinite(at_best[number]):
            usual = float(np.nanmedian(curves[number]))
            fall = 1.0 - at_best[number] / usual if usual > 0 else 0.0
            found[[a, b]] = np.maximum(found[[a, b]], fall)
    return found


def _fractions(
    scene: _Scene, frames: _Whole, noise: F64, names: tuple[str, ...], config: SyncConfig
) -> Pieces[tuple[Offset, ...]]:
    """Fractions of frames, drift, and how sure all this is."""
    width = max(float(config.fit_frames), config.fit_s * scene.rate_hz) + 1.0
    drift = int(np.ceil(_FASTEST_DRIFT * scene.points_px.shape[1]))
    reach = int(np.ceil(width)) + _SPARE_FRAMES + drift
    soft = np.maximum(_LEAST_SOFT_PX, _SOFT_SD * np.nan_to_num(noise, nan=1.0))
    where = (_lag(scene.geometry[0], frames.offsets), np.arange(-reach, reach + 1))
    costs = yield from distances.costs_of(scene.points_px, scene.geometry, scene.spans, where, soft)
    shape = (width, scene.n_cameras, scene.reference)
    best = fractions.offsets_of(costs, *shape)
    yield
    wide = yield from _uncertainty(costs, shape, config)
    lines = drifts.lines(costs, scene.spans.middle(), scene.rate_hz, shape, config)
    limit = max(1.0, config.max_uncertainty_s * scene.rate_hz)
    found = []
    for camera, name in enumerate(names):
        one = Offset(name, float(best[camera]), float(wide[camera]), doubt=frames.doubts[camera])
        if lines is not None and camera != scene.reference:
            one = drifts.stated(one, lines, camera, config)
        if not one.doubt and not one.uncertainty_frames <= limit:
            one = replace(one, doubt="the person moves too little to tell the offset to a frame")
        found.append(one)
    return tuple(found)


def _uncertainty(costs: Costs, shape: tuple[float, int, int], config: SyncConfig) -> Pieces[F64]:
    """Half widths (C,): the bootstrap's, and wider where the pairs contradict each other."""
    weight = lags.draws(config.resamplings, *costs.sums.shape[1:3])
    rounds = list[tuple[F64, F64]]()
    for first in range(0, len(weight), _ROUNDS_A_PIECE):
        rounds.append(fractions.resampled(costs, weight[first : first + _ROUNDS_A_PIECE], *shape))
        yield
    offsets, lag = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    known = np.isfinite(lag).all(axis=0)
    if not known.any():
        return np.full(shape[1], np.inf)
    sd = np.nanstd(lag[:, known], axis=0) + 1e-9
    best, _ = fractions.centres(costs.lags, costs.curves(), shape[0])
    solved = fractions.offsets_of(costs, *shape)
    lag_of = solved[costs.pairs[:, 1]] - solved[costs.pairs[:, 0]]
    off = (best + costs.centre - lag_of)[known]
    spare = max(1, known.sum() - shape[1] + 1)
    contradiction = max(1.0, float(np.sqrt(np.nansum((off / sd) ** 2) / spare)))
    return 2.0 * contradiction * offsets.std(axis=0)
