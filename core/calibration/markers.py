"""A wand, or a single ball, that is waved about: bright spots, and first poses from them.

A wand is several balls on a line at known places. Which end is which must be told from the spots:
by three balls unevenly apart, or by two of which the first is the larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.calibration import place, scratch
from core.calibration.extrinsics import Start
from core.calibration.sights import Sight
from core.cameras import Rig, undistort
from core.errors import CalibrationError
from core.triangulate import linear

F64 = NDArray[np.float64]
Grey = NDArray[np.uint8]
_CONTRAST = 60  # of 255: how much brighter than the picture a ball must be
_LEAST_AREA_PX, _FULLNESS = 6, 0.55
_LARGER = 1.3
_UNEVEN, _OFF_LINE = 0.08, 0.06
_MOST_LEFT = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Bright round spots of a picture, the largest first."""

    centres_px: F64  # (n, 2)
    areas_px: F64  # (n,)


def spots(picture: Grey) -> Spots:
    """Find what is round and much brighter than the rest; centres weighted by brightness."""
    ground, top = float(np.median(picture)), float(picture.max())
    if top - ground < _CONTRAST:
        return Spots(np.empty((0, 2)), np.empty(0))
    mask = (picture > 0.5 * (ground + top)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    found = []
    for number in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[number])
        if area < _LEAST_AREA_PX or area < _FULLNESS * max(width, height) ** 2:
            continue
        rows = slice(max(y - 2, 0), y + height + 2)
        columns = slice(max(x - 2, 0), x + width + 2)
        shine = np.maximum(picture[rows, columns].astype(np.float64) - ground, 0.0)
        shine = np.where(np.isin(labels[rows, columns], (0, number)), shine, 0.0)
        down, across = np.indices(shine.shape)
        centre = np.array([(across * shine).sum(), (down * shine).sum()]) / shine.sum()
        found.append((area, [centre[0] + columns.start, centre[1] + rows.start]))
    found.sort(key=lambda one: -one[0])
    centres = np.array([centre for _, centre in found]).reshape(-1, 2)
    return Spots(centres, np.array([area for area, _ in found], dtype=np.float64))


def identified(seen: Spots, places_m: F64) -> F64 | str:
    """Spots (n, 2) in the order of a wand's balls, or why they cannot be told apart.

    Args:
        seen: in a picture.
        places_m: (n,) along the wand from its first ball; one for a single ball.
    """
    wanted = len(places_m)
    if len(seen.areas_px) != wanted:
        return f"{len(seen.areas_px)} bright round spots, not {wanted}"
    if wanted == 1:
        return seen.centres_px
    if wanted == 2:
        if seen.areas_px[0] < _LARGER * seen.areas_px[1]:
            return "two spots of the same size: which end is which cannot be told"
        return seen.centres_px
    middle = seen.centres_px - seen.centres_px.mean(axis=0)
    _, size, axes = np.linalg.svd(middle, full_matrices=False)
    if size[1] > _OFF_LINE * size[0]:
        return "the spots do not lie on a line"
    along = middle @ axes[0]
    order = np.argsort(along)
    shares = np.sort((along - along.min()) / np.ptp(along))
    known = (places_m - places_m[0]) / (places_m[-1] - places_m[0])
    forward, backward = np.abs(shares - known).max(), np.abs(1 - shares[::-1] - known).max()
    if min(forward, backward) > _MOST_LEFT or abs(forward - backward) < _UNEVEN:
        return "which end of the wand is which cannot be told"
    return seen.centres_px[order if forward < backward else order[::-1]]


def start(sights: Sequence[Sight], lenses: Rig) -> Start:
    """Place cameras and wands roughly; a single ball leaves the size open.

    Args:
        sights: of balls on a line along x, one body each instant.
        lenses: C cameras of which only the lenses count.

    Raises:
        CalibrationError: a camera saw too little in common with the others.
    """
    bodies = list(dict.fromkeys(one.body for one in sights))
    places_m = np.unique(np.concatenate([one.local_m[:, 0] for one in sights]))
    points_px = np.full((len(lenses.names), len(bodies), len(places_m), 2), np.nan)
    number = {name: row for row, name in enumerate(bodies)}
    for one in sights:
        balls = np.searchsorted(places_m, one.local_m[:, 0])
        points_px[lenses.index(one.camera), number[one.body], balls] = one.seen_px
    flat_px = points_px.reshape(len(lenses.names), -1, 2)
    weight = np.where(np.isfinite(flat_px).all(axis=-1), 1.0, 0.0)
    try:
        rig = scratch.find(lenses, flat_px, weight)
    except CalibrationError as error:
        raise CalibrationError(
            f"{', '.join(lenses.names)}: too little is seen by two cameras at once to find them: "
            "wave it for a minute through the whole room, so that each camera sees it together "
            "with another; or the lenses are wrong, or the cameras are not synchronous"
        ) from error
    ideal_px = undistort(rig.image_from_cam, rig.distortion, flat_px)
    points_m = linear(rig.image_from_world, ideal_px, weight).reshape(len(bodies), -1, 3)
    factor = _factor(points_m, places_m)
    rig, points_m = place.scaled(rig, factor), factor * points_m
    poses = {name: _pose(points_m[row], places_m) for name, row in number.items()}
    known = {name: pose for name, pose in poses.items() if pose is not None}
    return Start(rig, known, tuple(one for one in sights if one.body in known))


def _factor(points_m: F64, places_m: F64) -> float:
    """True over found length of the wand, the median."""
    if len(places_m) < 2:
        return 1.0
    length_m = np.linalg.norm(points_m[:, -1] - points_m[:, 0], axis=-1)
    if not np.isfinite(length_m).any():
        raise CalibrationError("both ends of the wand are never seen by two cameras at once")
    return float((places_m[-1] - places_m[0]) / np.nanmedian(length_m))


def _pose(points_m: F64, places_m: F64) -> F64 | None:
    """The line through balls (n, 3), x along it; None where too few have a place."""
    there = np.isfinite(points_m).all(axis=1)
    if there.sum() < min(2, len(places_m)):
        return None
    if len(places_m) == 1:
        return np.column_stack([np.eye(3), points_m[0]])
    known_m, along = points_m[there], places_m[there]
    x = known_m[-1] - known_m[0]
    x = x / np.linalg.norm(x)
    across = np.cross(x, np.eye(3)[int(np.abs(x).argmin())]).astype(np.float64)
    across = across / np.linalg.norm(across)
    turn = np.stack([x, across, np.cross(x, across)], axis=1)
    return np.column_stack([turn, known_m.mean(axis=0) - along.mean() * x]).astype(np.float64)
