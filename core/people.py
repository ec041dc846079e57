"""The people that are followed: predicted, given their detections, born, lost and found again."""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core import associate, bodies, kalman, lengths, swaps, triangulate
from core.associate import NOBODY, Detections, Ints
from core.cameras import Rig
from core.config import FusionConfig
from core.kalman import KeypointFilter
from core.lengths import Lengths
from core.triangulate import Triangulated

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_KNOWN = 4  # keypoints that make a body a person
_SURE_SIGHTINGS = 3  # detections before somebody new is believed
_JUMPED_SHARE = 0.5
_NEAR_M = 0.4
_OFF_TOO_OFTEN = 2  # instants in a row


class Body(msgspec.Struct, frozen=True):
    """One person that is followed."""

    id: int
    filter: KeypointFilter
    last_m: F64
    """(J, 3) where the keypoints were last known, however long ago."""
    seen_ns: int
    sightings: int
    """Detections so far; somebody seen by two cameras once may be a mistake."""
    times_off: F64
    """(J,) instants in a row in which it was measured off the gate."""
    lengths: Lengths | None = None
    """Of its segments, where they are held."""

    @property
    def is_known(self) -> bool:
        """Whether enough of it is predicted for it to claim detections."""
        return int(np.isfinite(self.filter.mean[:, 0]).sum()) >= MIN_KNOWN


class Sight(NamedTuple):
    """What one instant shows of one person."""

    members: Ints  # (V,) detections, one a camera
    swapped: Flags  # (V,) left and right exchanged
    measured: Triangulated
    weight: F64  # (V, J) with left and right put right
    whitening: F64 | None = None  # (V, J, 3) likewise


class Followed(NamedTuple):
    """One person after an instant; ``sight`` None where nobody saw it."""

    body: Body
    sight: Sight | None


class _Scene(NamedTuple):
    """What all people of an instant share."""

    detections: Detections
    rig: Rig
    sd_px: F64
    config: FusionConfig


def follow(
    people: tuple[Body, ...],
    detections: Detections,
    t_ns: int,
    n_seen: int,
    rig: Rig,
    sd_px: F64,
    config: FusionConfig,
) -> list[Followed]:
    """Move all people to an instant and give them what was seen.

    ``n_seen``: people so far; the next one is called ``n_seen + 1``. ``sd_px``: (C,) standard
    deviation of each camera's keypoints; infinite: it is left out.
    """
    scene = _Scene(detections, rig, sd_px, config)
    noise = kalman.density(config) * detections.anatomy.agility
    moved = [predict(body, t_ns, noise, config) for body in people]
    predicted = [body for body in moved if body is not None]
    known = [body for body in predicted if body.is_known]
    owner, exchanged = _claims(known, detections, rig, config)
    members = [np.flatnonzero(owner == place) for place in range(len(known))]
    firm = [place for place in range(len(known)) if len(members[place]) > 1]
    followed = [_with(known[p], members[p], exchanged[members[p], p], scene) for p in firm]
    # A claim of one camera alone gives way where its detection makes a body with others.
    loose = np.flatnonzero(~np.isin(owner, firm))
    arrivals = _arrivals(loose, followed, scene) if len(loose) > 1 else []
    taken = np.concatenate([np.empty(0, np.intp), *(sight.members for sight in arrivals)])
    for place, body in enumerate(known):
        if len(members[place]) == 1 and members[place][0] not in taken:
            flags = exchanged[members[place], place]
            followed.append(_with(body, members[place], flags, scene))
    claimed = {one.body.id for one in followed}
    unclaimed = [body for body in predicted if body.id not in claimed]
    followed += _met(arrivals, unclaimed, t_ns, n_seen, scene)
    found = {one.body.id for one in followed}
    followed += [Followed(_coasting(b, config), None) for b in unclaimed if b.id not in found]
    return sorted(followed, key=lambda one: one.body.id)


def predict(body: Body, t_ns: int, noise: F64, config: FusionConfig) -> Body | None:
    """Predict a body to an instant; None when it was not seen for so long that it is forgotten.

    ``noise``: process noise of each keypoint (J,), as ``core.kalman.predict`` takes it.
    """
    if t_ns - body.seen_ns > config.forget_after_ms * 1e6:
        return None
    moved = kalman.predict(body.filter, t_ns, noise)
    return msgspec.structs.replace(body, filter=moved)


def _claims(
    known: list[Body], detections: Detections, rig: Rig, config: FusionConfig
) -> tuple[Ints, Flags]:
    """Who owns each detection (D,), and whether left and right look exchanged (D, P)."""
    if not known or not len(detections.camera):
        n_detections = len(detections.camera)
        return np.full(n_detections, NOBODY), np.zeros((n_detections, len(known)), dtype=bool)
    people_m = np.stack([body.filter.points_m for body in known])
    distance_m = associate.distances_m(rig, people_m, detections)
    exchanged = distance_m[..., 1] < config.swap_gain * distance_m[..., 0]
    owner = associate.claim(distance_m.min(axis=-1), detections.camera, config.claim_gate_m)
    return owner, exchanged


def _sight(members: Ints, swapped: Flags, expected_m: F64 | None, scene: _Scene) -> Sight:
    mine = scene.detections.of(members)
    weight = swaps.apply(mine.weight, swapped, mine.anatomy)
    sd_px, whitening = scene.sd_px[mine.camera], mine.whitening
    weight = np.where(np.isfinite(sd_px)[:, None], weight, 0.0)
    if whitening is not None:
        whitening = swaps.apply(whitening, swapped, mine.anatomy)
    measured = triangulate.robust(
        scene.rig.image_from_world[mine.camera],
        swaps.apply(mine.points_px, swapped, mine.anatomy),
        weight,
        np.where(np.isfinite(sd_px), sd_px, 1.0),
        scene.config.robust_sd,
        expected_m,
        whitening,
    )
    return Sight(members, swapped, measured, weight, whitening)


def _with(body: Body, members: Ints, swapped: Flags, scene: _Scene) -> Followed:
    """Take what a body claimed into it; a body that is somewhere else begins its filter anew."""
    sight = _sight(members, swapped, body.filter.points_m, scene)
    if _jumped(body.filter, sight.measured, scene.config):
        sight = _sight(members, _from_scratch(members, scene), None, scene)
        blank = kalman.empty(body.filter.t_ns, len(body.last_m), scene.config.motion_model)
        body = msgspec.structs.replace(body, filter=blank)
    return Followed(_grown(body, sight, scene), sight)


def _from_scratch(members: Ints, scene: _Scene) -> Flags:
    mine = scene.detections.of(members)
    projection = scene.rig.image_from_world[mine.camera]
    return swaps.from_scratch(projection, mine.points_px, mine.weight, mine.anatomy)


def _jumped(state: KeypointFilter, measured: Triangulated, config: FusionConfig) -> bool:
    off = kalman.off_gate(state, measured.points_m, measured.covariance_m2, config.gate_sd)
    return bool(off.sum() > _JUMPED_SHARE * np.isfinite(measured.points_m[:, 0]).sum())


def _grown(body: Body, sight: Sight, scene: _Scene) -> Body:
    measured, config = sight.measured, scene.config
    segments = scene.detections.anatomy.segments
    points_m, body = _believed(body, measured, config)
    updated = kalman.update(body.filter, points_m, measured.covariance_m2, config.gate_sd)
    learnt = None
    if config.segment_lengths:
        learnt = lengths.learn(body.lengths, measured, segments)
        updated = lengths.hold(updated, learnt, segments)
    kept = kalman.forget(updated, config.coast_ms * 1e6)
    points_m = kept.points_m
    return Body(
        id=body.id,
        filter=kept,
        last_m=np.where(np.isfinite(points_m), points_m, body.last_m),
        seen_ns=kept.t_ns,
        sightings=body.sightings + len(sight.members),
        times_off=body.times_off,
        lengths=learnt,
    )


def _believed(body: Body, measured: Triangulated, config: FusionConfig) -> tuple[F64, Body]:
    """Measured points (J, 3) to take in, NaN where they are not believed, and the body to do so.

    Two cameras of which one is wrong may put a keypoint anywhere, and agree. So one that was lost
    comes back by three cameras, or near where it was; and two cameras alone are not believed
    against the prediction. Where three cameras see it off the gate again and again, it is the
    prediction that is wrong, carried away by a false start: the keypoint begins anew.
    """
    points_m = measured.points_m
    state = body.filter
    off = kalman.off_gate(state, points_m, measured.covariance_m2, config.gate_sd)
    times_off = np.where(
        off, body.times_off + 1, np.where(np.isnan(points_m[:, 0]), body.times_off, 0)
    )
    sure = measured.n_views >= _SURE_SIGHTINGS
    anew = sure & (times_off >= _OFF_TOO_OFTEN)
    lost = np.isnan(state.mean[:, 0]) & np.isfinite(body.last_m[:, 0])
    near = np.linalg.norm(points_m - body.last_m, axis=1) < _NEAR_M
    believed = sure | np.where(lost, near, ~off)
    body = msgspec.structs.replace(
        body, filter=kalman.without(state, anew), times_off=np.where(anew, 0.0, times_off)
    )
    return np.where(believed[:, None], points_m, np.nan), body


def _coasting(body: Body, config: FusionConfig) -> Body:
    kept = kalman.forget(body.filter, config.coast_ms * 1e6)
    return msgspec.structs.replace(body, filter=kept)


def _arrivals(free: Ints, followed: list[Followed], scene: _Scene) -> list[Sight]:
    """People put together from what nobody claimed: plausible bodies that are not there already."""
    anatomy = scene.detections.anatomy
    there = [one.body.last_m for one in followed]
    found: list[Sight] = []
    gate_m = scene.config.claim_gate_m
    groups = associate.cluster(scene.rig, scene.detections.of(free), scene.config.cluster_gate_m)
    for group in groups:
        members = free[group]
        sight = _sight(members, _from_scratch(members, scene), None, scene)
        points_m = sight.measured.points_m
        doubled = any(apart_m(points_m, other) < gate_m for other in there)
        if bodies.is_plausible(points_m, anatomy) and not doubled:
            found.append(sight)
            there.append(points_m)
    return found


def _met(
    arrivals: list[Sight], unclaimed: list[Body], t_ns: int, n_seen: int, scene: _Scene
) -> list[Followed]:
    """Arrivals that are somebody lost a while ago, or somebody new."""
    config = scene.config
    owners: dict[int, Body] = {}
    if arrivals and unclaimed:
        away_m = np.array(
            [[apart_m(s.measured.points_m, b.last_m) for b in unclaimed] for s in arrivals]
        )
        gap_s = np.array([(t_ns - b.seen_ns) * 1e-9 for b in unclaimed])
        reach_m = config.reentry_m + config.reentry_m_s * gap_s
        cost = np.where(away_m <= reach_m, away_m, 1e3)
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < 1e3:
                owners[int(row)] = unclaimed[column]
    followed = []
    for row, sight in enumerate(arrivals):
        n_keypoints = len(sight.measured.points_m)
        if row not in owners:
            n_seen += 1
        blank = kalman.empty(t_ns, n_keypoints, config.motion_model)
        nowhere = np.full((n_keypoints, 3), np.nan)
        body = owners.get(row) or Body(n_seen, blank, nowhere, t_ns, 0, np.zeros(n_keypoints))
        body = msgspec.structs.replace(body, filter=blank)
        followed.append(Followed(_grown(body, sight, scene), sight))
    return followed


def apart_m(first_m: F64, second_m: F64) -> float:
    """Mean distance of two bodies' keypoints (J, 3); inf where too little is known of both."""
    distance = np.linalg.norm(first_m - second_m, axis=-1)
    known = np.isfinite(distance)
    return float(distance[known].mean()) if known.sum() >= MIN_KNOWN else float("inf")


def is_sure(body: Body) -> bool:
    """Whether somebody is to be shown: seen often enough, and enough of it known."""
    return body.sightings >= _SURE_SIGHTINGS and body.is_known
