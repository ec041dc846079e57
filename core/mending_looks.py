"""What the cameras saw of people now and then, kept to see whether a camera still stands.

Letters: C cameras, N keypoints of all people of a look, M of all looks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import swaps
from core.associate import Detections
from core.people import Followed
from core.triangulate import linear, reproject

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST_PEOPLE = 3


class Look(msgspec.Struct, frozen=True):
    """One instant."""

    t_ns: int
    points_px: F32  # (C, N, 2) of ideal lenses, NaN where not seen
    weight: F32  # (C, N) 0 where not seen
    velocity_m_s: F32  # (N, 3)

    def without(self, camera: int) -> "Look":
        """The same look without what a camera saw."""
        weight = self.weight.copy()
        weight[camera] = 0.0
        return msgspec.structs.replace(self, weight=weight)


class Gathered(msgspec.Struct, frozen=True):
    """Looks spread over however long a time: when there are many every other one goes."""

    looks: tuple[Look, ...] = ()
    spacing_ns: int = 0
    """At least so far apart are new ones."""

    def plus(self, look: Look, most: int) -> "Gathered":
        """Take in a look, unless it comes too soon after the last; at most so many are kept."""
        if self.looks and look.t_ns - self.looks[-1].t_ns < self.spacing_ns:
            return self
        looks = (*self.looks, look)
        if len(looks) <= most:
            return Gathered(looks, self.spacing_ns)
        return Gathered(looks[::2], 2 * self.spacing_ns)

    def without(self, camera: int) -> "Gathered":
        """The same without what a camera saw."""
        return Gathered(tuple(one.without(camera) for one in self.looks), self.spacing_ns)


class Stack(NamedTuple):
    """Several looks side by side."""

    points_px: F64  # (C, M, 2), 0 where not seen
    weight: F64  # (C, M)
    velocity_m_s: F64  # (M, 3)
    look: NDArray[np.intp]  # (M,) number of the look


def look_at(
    t_ns: int, followed: Sequence[Followed], detections: Detections, n_cameras: int
) -> Look | None:
    """What all cameras saw of the first few people, left and right put right; None: of nobody."""
    seen = [one for one in followed if one.sight is not None][:_MOST_PEOPLE]
    if not seen:
        return None
    n_keypoints = detections.anatomy.n_keypoints
    points_px = np.full((n_cameras, len(seen), n_keypoints, 2), np.nan, np.float32)
    weight = np.zeros((n_cameras, len(seen), n_keypoints), np.float32)
    for number, one in enumerate(seen):
        if one.sight is not None:
            mine, flags = detections.of(one.sight.members), one.sight.swapped
            points_px[mine.camera, number] = swaps.apply(mine.points_px, flags, mine.anatomy)
            weight[mine.camera, number] = swaps.apply(mine.weight, flags, mine.anatomy)
    velocity_m_s = np.concatenate([one.body.filter.velocity_m_s for one in seen])
    return Look(
        t_ns,
        points_px.reshape(n_cameras, -1, 2),
        np.minimum(weight.reshape(n_cameras, -1), 1),
        velocity_m_s.astype(np.float32),
    )


def seen_by(looks: Sequence[Look], n_cameras: int) -> NDArray[np.intp]:
    """In how many looks each camera (C,) saw somebody."""
    seen = [(one.weight > 0).any(axis=1) for one in looks]
    return np.array(seen, dtype=np.intp).reshape(-1, n_cameras).sum(axis=0)


def stacked(looks: Sequence[Look]) -> Stack:
    """Put looks side by side."""
    weight = np.concatenate([one.weight for one in looks], axis=1).astype(np.float64)
    points_px = np.concatenate([one.points_px for one in looks], axis=1).astype(np.float64)
    return Stack(
        np.where(weight[..., None] > 0, points_px, 0.0),
        weight,
        np.concatenate([one.velocity_m_s for one in looks]).astype(np.float64),
        np.repeat(np.arange(len(looks)), [len(one.velocity_m_s) for one in looks]),
    )


def by_others(image_from_world: F64, stack: Stack, counted: Flags) -> tuple[F64, float]:
    """Points (M, 3) m as some cameras (C,) see them, and their median error there, px."""
    weight = np.where(counted[:, None], stack.weight, 0.0)
    points_m = linear(image_from_world, stack.points_px, weight)
    off_px = np.linalg.norm(stack.points_px - reproject(image_from_world, points_m), axis=-1)
    return points_m, middle(off_px[(weight > 0) & np.isfinite(off_px)])


def middle(values: F64) -> float:
    """Median of what is finite; NaN of nothing."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
