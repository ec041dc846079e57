"""Watches whether the cameras still agree, and names the one that does not.

For each camera the offset between what it sees and where the others put it is followed. Errors of
the calibration are there from the beginning, so the first seconds are the yardstick; an offset
that grows away from it is a camera that was knocked, or lost its time. A moved camera drags the
points, and with them the offsets of all others: guilty is the one without which the rest agrees.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.calibration.exchange import Exchange
from core.cameras import Rig
from core.messages import CameraQuality
from core.quality import HeldOutViews
from core.watch_time import Lateness

F64 = NDArray[np.float64]

YARDSTICK_NS = 6_000_000_000
_MEMORY_NS = 1_500_000_000
_MOVED_PX = 10.0
_MOVED_SPREAD = 3.0  # times the usual wandering of the offset
_MIN_KEYPOINTS = 6


class Watch(msgspec.Struct, frozen=True):
    """Running figures of C cameras and J keypoints; NaN where nothing is known yet."""

    first_ns: int
    last_ns: int
    offset_px: F64  # (C, 2) over the last seconds
    held_out_px: F64  # (C,)
    keypoint_px: F64  # (J,) median over cameras and people
    rest_px: F64  # (C,) error of the others among themselves
    usual_px: F64  # (C, 2) offset of the first seconds
    wander_px: F64  # (C,) how far the offset strayed from it meanwhile
    samples: F64  # (C,) that the yardstick was made of


def start(n_cameras: int, n_keypoints: int, t_ns: int) -> Watch:
    """Return a watch that knows nothing."""
    return Watch(
        first_ns=t_ns,
        last_ns=t_ns,
        offset_px=np.full((n_cameras, 2), np.nan),
        held_out_px=np.full(n_cameras, np.nan),
        keypoint_px=np.full(n_keypoints, np.nan),
        rest_px=np.full(n_cameras, np.nan),
        usual_px=np.zeros((n_cameras, 2)),
        wander_px=np.zeros(n_cameras),
        samples=np.zeros(n_cameras),
    )


def step(
    state: Watch,
    t_ns: int,
    people: Sequence[HeldOutViews],
    in_time_px: Sequence[F64] | None = None,
) -> Watch:
    """Take in what holding out each camera gave for the people of one instant.

    ``in_time_px``: offsets as they would be with all clocks right, where that is known; a camera
    that is late has not moved.
    """
    if not people:
        return state
    distances_px = np.linalg.norm([one.offset_px for one in people], axis=-1)  # (P, C, J)
    if in_time_px is None:
        in_time_px = [one.offset_px for one in people]
    middle = median(np.concatenate(in_time_px, axis=1), axis=1)
    by_camera = np.concatenate(distances_px, axis=1)
    known = np.isfinite(by_camera).sum(axis=1) >= _MIN_KEYPOINTS
    middle[~known] = np.nan
    distance = np.where(known, median(by_camera, axis=1), np.nan)
    share = 1 - math.exp(-max(t_ns - state.last_ns, 0) / _MEMORY_NS)
    offset = _follow(state.offset_px, middle, share)
    usual, wander, samples = state.usual_px, state.wander_px, state.samples
    if t_ns - state.first_ns < YARDSTICK_NS:
        samples = samples + known
        part = np.where(known, 1 / np.maximum(samples, 1), 0.0)
        usual = usual + part[:, None] * np.nan_to_num(middle - usual)
        strayed = np.linalg.norm(np.nan_to_num(offset - usual), axis=1)
        wander = np.where(samples > _MIN_KEYPOINTS, np.maximum(wander, strayed), wander)
    return Watch(
        first_ns=state.first_ns,
        last_ns=t_ns,
        offset_px=offset,
        held_out_px=_follow(state.held_out_px, distance, share),
        keypoint_px=_follow(state.keypoint_px, median(distances_px, axis=(0, 1)), share),
        rest_px=_follow(state.rest_px, median([one.rest_px for one in people], axis=0), share),
        usual_px=usual,
        wander_px=wander,
        samples=samples,
    )


def median(values: Sequence[F64] | F64, axis: int | tuple[int, ...]) -> F64:
    """Median of what is finite; NaN where nothing is, without numpy's warning."""
    array = np.asarray(values)
    nothing = np.isnan(array)
    filled = np.where(nothing.all(axis=axis, keepdims=True), 0.0, array)
    return np.where(nothing.all(axis=axis), np.nan, np.nanmedian(filled, axis=axis))


def _follow(running: F64, now: F64, share: float) -> F64:
    """Move a running mean towards new values; NaN takes over nothing."""
    moved = running + share * (now - running)
    return np.where(np.isfinite(now), np.where(np.isfinite(running), moved, now), running)


def report(
    state: Watch, rig: Rig, lateness: Lateness, exchange: Exchange | None = None
) -> tuple[CameraQuality, ...]:
    """Say how each camera does, and what is wrong: which moved, are late or were exchanged."""
    away_px = np.linalg.norm(np.nan_to_num(state.offset_px - state.usual_px), axis=1)
    away_px = np.where(state.samples > 0, away_px, 0.0)
    watching = state.last_ns - state.first_ns >= YARDSTICK_NS
    limit_px = np.maximum(_MOVED_PX, _MOVED_SPREAD * state.wander_px)
    moved = watching & (away_px > limit_px)
    guilty = int(np.argmin(np.where(moved, np.nan_to_num(state.rest_px, nan=np.inf), np.inf)))
    turned_deg = np.degrees(np.arctan(away_px / rig.image_from_cam[:, 0, 0]))
    found = []
    for place, name in enumerate(rig.names):
        knocked = f"{name} moved about {turned_deg[place]:.1f}°" if place == guilty else ""
        late = f"{name} is {words}" if (words := lateness.words(place)) else ""
        wrong = [knocked if moved[place] else "", late]
        if exchange is not None and name in (exchange.first, exchange.second):
            wrong = [str(exchange)]
        found.append(
            CameraQuality(
                camera=name,
                held_out_px=float(state.held_out_px[place]),
                turned_deg=float(turned_deg[place]),
                says=", ".join(filter(None, wrong)),
                late_ms=float(lateness.late_ms[place]),
                late_sd_ms=float(lateness.sd_ms[place]),
            )
        )
    return tuple(found)
