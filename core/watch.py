"""Watches whether the cameras still agree, and names the one that does not.

For each camera the offset between what it sees and where the others put it is followed. Errors of
the calibration are there from the beginning, so the first seconds are the yardstick; an offset
that grows away from it is a camera that was knocked, or lost its time. A moved camera drags the
points, and with them the offsets of all others: guilty is the one without which the rest agrees.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.cameras import Rig
from core.messages import CameraQuality
from core.quality import HeldOutViews

F64 = NDArray[np.float64]

YARDSTICK_NS = 6_000_000_000
_MEMORY_NS = 1_500_000_000
_MOVED_PX = 10.0
_MOVED_SPREAD = 3.0  # times the usual wandering of the offset
_MIN_KEYPOINTS = 6


class Watch(msgspec.Struct, frozen=True):
    """Running figures of C cameras; NaN where nothing is known yet."""

    first_ns: int
    last_ns: int
    offset_px: F64  # (C, 2) over the last seconds
    held_out_px: F64  # (C,)
    rest_px: F64  # (C,) error of the others among themselves
    usual_px: F64  # (C, 2) offset of the first seconds
    wander_px: F64  # (C,) how far the offset strayed from it meanwhile
    samples: F64  # (C,) that the yardstick was made of


def start(n_cameras: int, t_ns: int) -> Watch:
    """Return a watch that knows nothing."""
    return Watch(
        first_ns=t_ns,
        last_ns=t_ns,
        offset_px=np.full((n_cameras, 2), np.nan),
        held_out_px=np.full(n_cameras, np.nan),
        rest_px=np.full(n_cameras, np.nan),
        usual_px=np.zeros((n_cameras, 2)),
        wander_px=np.zeros(n_cameras),
        samples=np.zeros(n_cameras),
    )


def step(state: Watch, t_ns: int, views: HeldOutViews) -> Watch:
    """Take in what holding out each camera gave for one person in one instant."""
    offsets_px = views.offset_px
    known = np.isfinite(offsets_px).all(axis=-1).sum(axis=1) >= _MIN_KEYPOINTS
    middle, distance = np.full((len(known), 2), np.nan), np.full(len(known), np.nan)
    if known.any():
        middle[known] = np.nanmedian(offsets_px[known], axis=1)
        distance[known] = np.nanmedian(np.linalg.norm(offsets_px[known], axis=-1), axis=1)
    share = 1 - math.exp(-max(t_ns - state.last_ns, 0) / _MEMORY_NS)
    offset = _follow(state.offset_px, middle, share)
    usual, wander, samples = state.usual_px, state.wander_px, state.samples
    if t_ns - state.first_ns < YARDSTICK_NS:
        samples = samples + known
        part = np.where(known, 1 / np.maximum(samples, 1), 0.0)
        usual = usual + part[:, None] * np.nan_to_num(middle - usual)
        strayed = np.linalg.norm(np.nan_to_num(offset - usual), axis=1)
        wander = np.where(samples > _MIN_KEYPOINTS, np.maximum(wander, strayed), wander)
    held_out = _follow(state.held_out_px, distance, share)
    rest = _follow(state.rest_px, views.rest_px, share)
    return Watch(state.first_ns, t_ns, offset, held_out, rest, usual, wander, samples)


def _follow(running: F64, now: F64, share: float) -> F64:
    """Move a running mean towards new values; NaN takes over nothing."""
    moved = running + share * (now - running)
    return np.where(np.isfinite(now), np.where(np.isfinite(running), moved, now), running)


def report(state: Watch, rig: Rig) -> tuple[CameraQuality, ...]:
    """Say how each camera does, and what is wrong with the worst."""
    away_px = np.linalg.norm(np.nan_to_num(state.offset_px - state.usual_px), axis=1)
    away_px = np.where(state.samples > 0, away_px, 0.0)
    watching = state.last_ns - state.first_ns >= YARDSTICK_NS
    limit_px = np.maximum(_MOVED_PX, _MOVED_SPREAD * state.wander_px)
    moved = watching & (away_px > limit_px)
    guilty = int(np.argmin(np.where(moved, np.nan_to_num(state.rest_px, nan=np.inf), np.inf)))
    turned_deg = np.degrees(np.arctan(away_px / rig.image_from_cam[:, 0, 0]))
    return tuple(
        CameraQuality(
            camera=name,
            held_out_px=float(state.held_out_px[place]),
            turned_deg=float(turned_deg[place]),
            says=f"{name} moved about {turned_deg[place]:.1f}°"
            if moved[place] and place == guilty
            else "",
        )
        for place, name in enumerate(rig.names)
    )
