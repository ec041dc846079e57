"""Whether a camera still stands where it stood: fitted to every other look, judged by the rest.

A camera that was never well placed, that is late, half hidden, or sees a network's ideas is off,
too. It has moved only where all of this holds: it is off more than it ever used to be; neither its
place as given nor the place that people told before nor a delay explains what it sees; another
place does, as well as its own did before; and the other cameras agree among themselves.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import mending_looks, resection
from core.cameras import Rig
from core.mending_looks import Look, Stack, middle

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST_KEYPOINTS = 40
_LEAST_LOOKS = 3  # of each half
_LEAST_PX = 8.0
_PLACE_M = 0.3
_HIGH = 90  # percentile of the looks' errors
_TIMES_HIGH, _OF_APART = 1.5, 0.5
_AS_BEFORE, _AS_BEFORE_PX = 1.5, 2.0
_BETTER, _BETTER_PX = 0.65, 3.0
_AGAIN, _AGAIN_PX = 1.2, 1.0
_REST, _REST_PX = 1.3, 0.5


class Usual(msgspec.Struct, frozen=True):
    """How one camera agreed with the others while nothing was wrong."""

    cam_from_world: F64
    """(3, 4) where it agrees best; for a poor calibration not where it is given."""
    given_px: float
    """Median error at the place in force …"""
    fitted_px: float
    """… and where it agrees best, at looks that were not fitted."""
    high_px: float
    """What some looks reach at the better of both."""
    rest_px: float
    """Median error of the others among themselves."""
    others: Flags
    """(C,) cameras that it was compared with."""


class Finding(msgspec.Struct, frozen=True):
    """What the last looks say of one camera."""

    camera: int
    cam_from_world: F64
    """(3, 4) where it agrees best now."""
    given_px: float
    """Median error at the place in force,"""
    apart_px: float
    """at the best of that place and the usual one, each also with a delay,"""
    fitted_px: float
    """and where it agrees best; all at looks that were not fitted."""
    rest_px: float
    """Median error of the others among themselves."""

    def is_moved(self, usual: Usual) -> bool:
        """Whether the camera stands somewhere else; never where one of the figures is unknown."""
        limit_px = max(_TIMES_HIGH * usual.high_px, usual.fitted_px + _LEAST_PX)
        return (
            self.apart_px > limit_px
            and self.fitted_px <= self.apart_px * _OF_APART
            and _as_before(self.fitted_px, usual.fitted_px)
            and self.others_agree(usual)
        )

    def doubt(self, usual: Usual) -> float:
        """How much worse the cameras would agree with it moved than before: about 1, or more."""
        return max(self.fitted_px / usual.fitted_px, self.rest_px / usual.rest_px)

    def is_found(self, usual: Usual) -> bool:
        """Whether the place where a suspect agrees best is its new one."""
        return (
            self.fitted_px <= min(_BETTER * self.apart_px, self.apart_px - _BETTER_PX)
            and _as_before(self.fitted_px, usual.fitted_px)
            and self.others_agree(usual)
        )

    def others_agree(self, usual: Usual) -> bool:
        """Whether the other cameras agree among themselves as well as they used to."""
        return self.rest_px <= _REST * usual.rest_px + _REST_PX

    def agrees(self, usual: Usual) -> bool:
        """Whether the camera is where it is said to be, as well as it used to be, and as it would
        be anywhere else."""
        least_px = min(usual.given_px, self.fitted_px * usual.given_px / usual.fitted_px)
        return self.given_px <= _AGAIN * least_px + _AGAIN_PX


def _as_before(now_px: float, before_px: float) -> bool:
    return now_px <= _AS_BEFORE * before_px + _AS_BEFORE_PX


class _Halves(NamedTuple):
    """What is fitted and what judges, of one camera."""

    points_m: F64  # (M, 3)
    seen_px: F64  # (M, 2), NaN where not seen
    weight: F64  # (M,)
    stack: Stack
    fits: Flags  # (M,)
    judges: Flags  # (M,)
    image_from_cam: F64
    rest_px: float

    @staticmethod
    def of(looks: Sequence[Look], camera: int, rig: Rig, others: Flags) -> "_Halves | None":
        """None where too little was seen."""
        looks = [one for one in looks if one.weight[camera].any()]
        if len(looks) < 2 * _LEAST_LOOKS:
            return None
        stack = mending_looks.stacked(looks)
        points_m, rest_px = mending_looks.by_others(rig.image_from_world, stack, others)
        known = (stack.weight[camera] > 0) & np.isfinite(points_m).all(axis=1)
        seen_px = np.where(known[:, None], stack.points_px[camera], np.nan)
        fits, judges = known & (stack.look % 2 == 0), known & (stack.look % 2 == 1)
        if min(fits.sum(), judges.sum()) < _LEAST_KEYPOINTS:
            return None
        image_from_cam = rig.image_from_cam[camera]
        return _Halves(
            points_m, seen_px, stack.weight[camera], stack, fits, judges, image_from_cam, rest_px
        )

    def fitted(self, start: F64) -> F64:
        """Where it agrees best (3, 4), starting from a place."""
        weight = np.where(self.fits, self.weight, 0.0)
        return resection.resect(
            start, self.image_from_cam, self.points_m, self.seen_px, weight, self._n_alike()
        )

    def _n_alike(self) -> float:
        """Looks of those fitted that show people at one and the same place."""
        numbers = np.unique(self.stack.look[self.fits])
        looks = [self.points_m[self.fits & (self.stack.look == one)] for one in numbers]
        middles_m = np.array([one.mean(axis=0) for one in looks])
        way_m = np.linalg.norm(np.diff(middles_m, axis=0), axis=1).sum()
        return len(looks) / (1 + float(way_m) / _PLACE_M)

    def errors_px(self, place: F64, delay_s: float = 0.0) -> F64:
        """(M,) at a place (3, 4), for a camera that is late."""
        points_m = self.points_m - delay_s * self.stack.velocity_m_s if delay_s else self.points_m
        image_px = resection.image_of(place, self.image_from_cam, points_m)
        return np.linalg.norm(self.seen_px - image_px, axis=1)

    def judged_px(self, place: F64, delay_s: float = 0.0) -> float:
        """Median error where nothing was fitted."""
        return middle(self.errors_px(place, delay_s)[self.judges])

    def late_px(self, place: F64) -> float:
        """Median error at a place with the best delay."""
        off_px = self.seen_px - resection.image_of(place, self.image_from_cam, self.points_m)
        velocity_m_s = self.stack.velocity_m_s
        delay_s = resection.late_s(
            place, self.image_from_cam, self.points_m[self.fits], velocity_m_s[self.fits],
            off_px[self.fits],
        )  # fmt: skip
        return self.judged_px(place, delay_s)


def usual_of(looks: Sequence[Look], camera: int, rig: Rig, others: Flags) -> Usual | None:
    """How a camera agrees with others (C,) at looks of a quiet time; None: too few."""
    halves = _Halves.of(looks, camera, rig, others)
    if halves is None:
        return None
    given = rig.cam_from_world[camera]
    place = halves.fitted(given)
    if not np.isfinite(place).all():
        return None
    errors_px = np.minimum(halves.errors_px(place), halves.errors_px(given))
    number = halves.stack.look
    each_px = [middle(errors_px[number == one]) for one in np.unique(number)]
    known_px = [one for one in each_px if np.isfinite(one)]
    return Usual(
        cam_from_world=place,
        given_px=halves.judged_px(given),
        fitted_px=halves.judged_px(place),
        high_px=float(np.percentile(known_px, _HIGH)),
        rest_px=halves.rest_px,
        others=others,
    )


def examine(
    looks: Sequence[Look], camera: int, rig: Rig, others: Flags, usual: Usual
) -> Finding | None:
    """Compare the places that a camera may have, at some looks; None where too little was seen.

    Args:
        looks: the last ones.
        camera: its place in the rig.
        rig: with all places in force.
        others: (C,) cameras that tell where the people are; not this one.
        usual: of that camera.
    """
    halves = _Halves.of(looks, camera, rig, others)
    if halves is None:
        return None
    given = rig.cam_from_world[camera]
    place = halves.fitted(given)
    if not np.isfinite(place).all():
        return None
    given_px = halves.judged_px(given)
    before = usual.cam_from_world
    others_px = (halves.judged_px(before), halves.late_px(given), halves.late_px(before))
    return Finding(
        camera=camera,
        cam_from_world=place,
        given_px=given_px,
        apart_px=min(given_px, *others_px),
        fitted_px=halves.judged_px(place),
        rest_px=halves.rest_px,
    )


def judged_px(looks: Sequence[Look], camera: int, rig: Rig, others: Flags, place: F64) -> float:
    """Median error of a camera at a place (3, 4), at the looks that ``examine`` judges by."""
    halves = _Halves.of(looks, camera, rig, others)
    return float("nan") if halves is None else halves.judged_px(place)
