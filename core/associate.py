"""Who is who across cameras, from geometry alone: no looks, no colours.

People already known claim their detections first, by where they are predicted to be. Only what
nobody claims is put together from scratch, by how near the rays of two detections pass each other
in metres. Each detection is used once. Letters: D detections (one person in one camera), P people,
C cameras, J keypoints.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core import kernels_people
from core.anatomy import Anatomy
from core.cameras import Rig
from core.jit import plain

F64 = NDArray[np.float64]
Ints = NDArray[np.intp]

NOBODY = -1
_FAR_M = 0.6  # one lost keypoint must not outweigh the body
_PARALLEL_SINE = 0.03  # below this the nearest points of two rays are noise
_MIN_SHARED = 4  # keypoints two detections must share to be compared


class Detections(NamedTuple):
    """All people seen in one instant."""

    camera: Ints  # (D,) place in the rig
    points_px: F64  # (D, J, 2) of ideal lenses, NaN where not seen
    weight: F64  # (D, J), 0 where not seen
    anatomy: Anatomy
    """Of the J keypoints."""
    whitening: F64 | None = None
    """(D, J, 3) as of ``core.whitening``; None where all errors are even."""

    def of(self, members: Ints) -> "Detections":
        """Return only these detections."""
        return Detections(
            self.camera[members],
            self.points_px[members],
            self.weight[members],
            self.anatomy,
            None if self.whitening is None else self.whitening[members],
        )


def distances_m(rig: Rig, people_m: F64, detections: Detections) -> F64:
    """How far each detection is from each person, as it is and with left and right exchanged.

    Args:
        rig: C cameras.
        people_m: (P, J, 3) predicted keypoints, NaN where unknown.
        detections: D of them.

    Returns:
        (D, P, 2) mean distance of the body's keypoints, in metres at the person's depth, each
        truncated at 0.6 m; inf where nothing can be compared.
    """
    return kernels_people.distances(
        plain(rig.image_from_world),
        plain(rig.image_from_cam[:, 0, 0]),
        detections.camera,
        plain(people_m),
        plain(detections.points_px),
        plain(detections.weight),
        detections.anatomy.body,
        detections.anatomy.exchanged,
        _FAR_M,
    )


def claim(distance_m: F64, camera: Ints, gate_m: float) -> Ints:
    """Give each detection to at most one person, and each person one detection per camera.

    Args:
        distance_m: (D, P), the better of as-is and exchanged.
        camera: (D,).
        gate_m: further than this is nobody's.

    Returns:
        (D,) person, or ``NOBODY``.
    """
    owner = np.full(len(camera), NOBODY, dtype=np.intp)
    if distance_m.size == 0:
        return owner
    cost = np.minimum(distance_m, 2 * gate_m + 1.0)
    places = camera.tolist()
    for one in dict.fromkeys(places):
        mine = [row for row, place in enumerate(places) if place == one]
        if len(mine) == 1:
            pairs = [(0, int(cost[mine[0]].argmin()))]
        else:
            pairs = zip(*linear_sum_assignment(cost[mine]), strict=True)
        for row, person in pairs:
            if cost[mine[row], person] <= gate_m:
                owner[mine[row]] = person
    return owner


def cluster(rig: Rig, detections: Detections, gate_m: float) -> list[Ints]:
    """Put detections of different cameras together that can be one person.

    Average linkage: two groups join while the mean distance of all their rays is within the gate,
    so that every member has to agree with every other one; a group has one detection a camera.

    Returns:
        Groups of at least two detections, the most agreeing first.
    """
    groups = [[i] for i in range(len(detections.camera))]
    if len(groups) < 2:
        return []
    between = ray_distances_m(rig, detections)
    joined: list[tuple[float, list[int]]] = []
    while (best := _nearest(groups, between, detections.camera)) is not None:
        distance, first, second = best
        if distance > gate_m:
            break
        merged = groups[first] + groups[second]
        groups = [g for i, g in enumerate(groups) if i not in (first, second)] + [merged]
        joined = [(d, g) for d, g in joined if not set(g) <= set(merged)] + [(distance, merged)]
    joined.sort(key=lambda one: (-len(one[1]), one[0]))
    return [np.array(sorted(group)) for _, group in joined]


def _nearest(groups: list[list[int]], between: F64, camera: Ints) -> tuple[float, int, int] | None:
    """The two groups without a common camera that agree best."""
    best: tuple[float, int, int] | None = None
    for i, first in enumerate(groups):
        cameras = {int(camera[member]) for member in first}
        for k in range(i + 1, len(groups)):
            if cameras & {int(camera[member]) for member in groups[k]}:
                continue
            distance = float(between[np.ix_(first, groups[k])].mean())
            if best is None or distance < best[0]:
                best = distance, i, k
    return best


def ray_distances_m(rig: Rig, detections: Detections) -> F64:
    """Mean distance of the body's rays of each two detections (D, D), the better of both sides.

    Skew rays: their common perpendicular. Near-parallel rays (cameras that face each other): the
    distance of one camera's centre from the other's ray. Inf for the same camera, or where too
    little is seen by both.
    """
    direction, centre = _rays(rig, detections)
    as_is = _pairwise_m(direction, centre, detections, detections.anatomy.body)
    exchanged = _pairwise_m(direction, centre, detections, detections.anatomy.exchanged)
    distance = np.minimum(as_is, np.minimum(exchanged, exchanged.T))
    distance[detections.camera[:, None] == detections.camera[None]] = np.inf
    return distance


def _rays(rig: Rig, detections: Detections) -> tuple[F64, F64]:
    """Unit directions (D, J, 3) in the world and camera centres (D, 3)."""
    cam_from_world = rig.cam_from_world[detections.camera]
    inverse = np.linalg.inv(rig.image_from_cam[detections.camera])
    pixels = np.concatenate(
        [detections.points_px, np.ones_like(detections.points_px[..., :1])], axis=-1
    )
    in_cam = np.einsum("dik,djk->dji", inverse, pixels)
    direction = np.einsum("dki,djk->dji", cam_from_world[:, :, :3], in_cam)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    centre = -np.einsum("dki,dk->di", cam_from_world[:, :, :3], cam_from_world[:, :, 3])
    return direction, centre


def _pairwise_m(direction: F64, centre: F64, detections: Detections, keypoints: Ints) -> F64:
    """Weighted mean ray distance of all pairs (D, D): the first with its body, the second with
    ``keypoints``."""
    body = detections.anatomy.body
    first, second = direction[:, body], direction[:, keypoints]
    baseline = centre[None, :, None] - centre[:, None, None]  # (D, D, 1, 3)
    normal = np.cross(first[:, None], second[None])
    sine = np.linalg.norm(normal, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.abs((baseline * normal).sum(axis=-1)) / sine
    parallel = np.linalg.norm(np.cross(baseline, first[:, None]), axis=-1)
    distance = np.minimum(np.where(sine > _PARALLEL_SINE, skew, parallel), _FAR_M)
    weight = detections.weight[:, None, body] * detections.weight[None][:, :, keypoints]
    weight = np.where(np.isfinite(distance), weight, 0.0)
    total = weight.sum(axis=-1)
    mean = (np.nan_to_num(distance) * weight).sum(axis=-1) / np.maximum(total, 1e-12)
    return np.where((weight > 0).sum(axis=-1) >= _MIN_SHARED, mean, np.inf)
