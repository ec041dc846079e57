"""Who is followed in the pictures of one camera. Pure: no network runs here.

A frame goes through three steps. ``look`` says whether the detector is to run; ``jobs`` lists the
regions to measure in: of the people followed, of people whom the other cameras see and this one
has lost, of people just detected; ``absorb`` takes the estimates in, and drops what is nobody,
somebody else, or twice the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose.backend import Estimate, Found
from core.pose.crops import Roi

F64 = NDArray[np.float64]
Look = Literal["no", "quick", "thorough"]

_SAME_PLACE = 0.12
"""Regions whose centres are closer than this part of their height are looked at once."""
_SAME_PERSON = 0.1
"""Estimates closer than this part of the person's size are of one person."""
_SOMEBODY_ELSE = 0.1
"""A person farther than this part of its size from where it must be is another one: a tenth of an
upright person is what a crossing neighbour is away, and five times the usual error."""
_ENOUGH_KEYPOINTS = 4
_SURE = 0.3
_THOROUGH_EACH = 5
_EMPTY_NS = 1_000_000_000
"""With nobody followed for so long the detector looks thoroughly, now and then."""
_UNMATCHED_NS = 2_000_000_000
_IGNORE_NS = 30_000_000_000
"""Whom only one camera sees is given up after the first time, for the second: bystanders cost as
much as people do."""


class Track(NamedTuple):
    """A person followed in one camera."""

    id: int
    roi: Roi
    """Where to look in the next frame."""
    person: int = 0
    """Fused person whom it agreed with last; 0: none yet."""
    alone_ns: int = -1
    """Since when other people are fused and this one is not; -1: it is, or nobody is."""


class Tracks(NamedTuple):
    """All that is remembered of one camera."""

    tracks: tuple[Track, ...] = ()
    last_id: int = 0
    looked_ns: int = -1
    """Capture time of the last look-out; -1: before the first."""
    looks: int = 0
    seen_ns: int = -1
    """Capture time at which somebody was there last."""
    ignored: tuple[tuple[Roi, int], ...] = ()
    """Where somebody is whom no other camera sees, and until when not to look there."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """A fused person as this camera should see it now."""

    person: int
    points_px: F64
    """(J, 2) continuous picture coordinates; NaN where unknown."""
    roi: Roi


class Job(NamedTuple):
    """A region to measure in, and why."""

    roi: Roi
    track: Track | None
    person: int
    """Fused person expected there; 0: nobody in particular."""


def look(state: Tracks, expected: Sequence[Expected], t_ns: int, config: PoseConfig) -> Look:
    """Whether to run the detector on this frame, and how thoroughly.

    On each frame while nobody is followed nor expected; otherwise each ``detect_every_s``, for
    people who have come in. Thorough looks cost several times as much: they are the first one, each
    fifth one where somebody is followed, and one each ``detect_every_s`` where nobody is.
    """
    if not state.looks:
        return "thorough"
    since_ns = t_ns - state.looked_ns
    due = state.looked_ns < 0 or since_ns >= config.detect_every_s * 1e9
    if state.tracks or expected:
        if not due or config.max_people <= max(len(state.tracks), len(expected)):
            return "no"
        return "thorough" if state.looks % _THOROUGH_EACH == _THOROUGH_EACH - 1 else "quick"
    alone = state.seen_ns < 0 or t_ns - state.seen_ns >= _EMPTY_NS
    return "thorough" if due and alone else "quick"


def looked(state: Tracks, how: Look, t_ns: int) -> Tracks:
    """Remember a look-out; those on each frame while nobody is there do not count as one."""
    if not state.looks:  # the first one leaves the cameras staggered
        return state._replace(looks=1)
    if how == "no" or (how == "quick" and not state.tracks and state.looked_ns >= 0):
        return state
    return state._replace(looked_ns=t_ns, looks=state.looks + 1)


def staggered(place: int, of: int, t_ns: int, config: PoseConfig) -> Tracks:
    """State of a camera to begin with, so that not all look out at once."""
    back_ns = round(config.detect_every_s * 1e9 * place / max(of, 1))
    return Tracks(looked_ns=t_ns - back_ns)


def jobs(
    state: Tracks,
    expected: Sequence[Expected],
    found: Sequence[Found],
    t_ns: int,
    config: PoseConfig,
) -> list[Job]:
    """Regions to measure in: people followed, people expected, people detected; at most so many,
    those first whom the other cameras see as well.

    Who is followed is looked for where the last estimate says, not where the others put it: the
    networks were taught regions of their own landmarks, and others bring nothing on footage.
    """
    listed: list[Job] = []
    known = {one.person for one in expected}
    held = {track.person for track in state.tracks}
    for track in state.tracks:
        listed.append(Job(track.roi, track, track.person if track.person in known else 0))
    for one in expected:
        if one.person not in held and not _covered(one.roi, listed):
            listed.append(Job(one.roi, None, one.person))
    ignored = [roi for roi, until_ns in state.ignored if t_ns < until_ns]
    for one in found:
        if not _covered(one.roi, listed) and not any(_near(one.roi, roi) for roi in ignored):
            listed.append(Job(one.roi, None, 0))
    return sorted(listed, key=lambda job: job.person == 0)[: config.max_people]


def _covered(roi: Roi, listed: Sequence[Job]) -> bool:
    return any(_near(roi, job.roi) for job in listed)


def _near(a: Roi, b: Roi) -> bool:
    return np.hypot(a.x_px - b.x_px, a.y_px - b.y_px) < _SAME_PLACE * min(a.height_px, b.height_px)


class Absorbed(NamedTuple):
    """What came of a frame."""

    state: Tracks
    people: tuple[tuple[int, Estimate], ...]
    """Track number and estimate of each person, by number."""
    strayed: int
    """Estimates of somebody else than who was looked for."""
    swaps_seen: int
    """People whose left and right fit the other way round to where they should be."""


def absorb(
    state: Tracks,
    done: Sequence[tuple[Job, Estimate]],
    expected: Sequence[Expected],
    t_ns: int,
    config: PoseConfig,
    partner: Sequence[int],
) -> Absorbed:
    """Take in the estimates of a frame.

    Who was followed and is not where the others put that person is somebody else from now on, with
    a number of its own: a neighbour who took the region over, or the same person where the others
    are late or wrong, as after a jump in the footage. The fusion tells. Nothing is taken from a
    region that only guidance gave.

    Args:
        partner: for each keypoint the one on the other side of the body.
    """
    kept: list[tuple[Job, Estimate]] = []
    by_person = {one.person: one.points_px for one in expected}
    strayed = swaps = 0
    for job, estimate in _best_first(done, by_person):
        if estimate.presence < config.min_presence:
            continue
        if any(_same(estimate, other) for _, other in kept):
            continue
        points = by_person.get(job.person)
        if points is not None:
            as_is = _distance(estimate, estimate.points_px, points)
            swapped = _distance(estimate, estimate.points_px[list(partner)], points)
            if min(as_is, swapped) > _SOMEBODY_ELSE:
                strayed += 1
                if job.track is None:
                    continue
                job = Job(job.roi, None, 0)
            else:
                swaps += swapped < as_is
        kept.append((job, estimate))
    return _named(state, kept, expected, t_ns, strayed, swaps)


def _best_first(
    done: Sequence[tuple[Job, Estimate]], by_person: dict[int, F64]
) -> list[tuple[Job, Estimate]]:
    """People where they are expected first, then older tracks, newcomers, and who has strayed."""

    def rank(one: tuple[Job, Estimate]) -> tuple[float, float]:
        job, estimate = one
        points = by_person.get(job.person)
        off = 1.0 if points is None else _distance(estimate, estimate.points_px, points)
        off = 2.0 if points is not None and off > _SOMEBODY_ELSE else off
        return off, job.track.id if job.track else np.inf

    return sorted(done, key=rank)


def _named(
    state: Tracks,
    kept: Sequence[tuple[Job, Estimate]],
    expected: Sequence[Expected],
    t_ns: int,
    strayed: int,
    swaps: int,
) -> Absorbed:
    last_id, tracks, people = state.last_id, [], []
    taken: set[int] = set()
    ignored = [one for one in state.ignored if t_ns < one[1]]
    for job, estimate in kept:
        person = job.person or _who(estimate, expected)
        person = 0 if person in taken else person
        taken |= {person} - {0}
        alone_ns = _alone_since(job.track, person, expected, t_ns)
        if alone_ns >= 0 and t_ns - alone_ns >= _UNMATCHED_NS:
            ignored.append((estimate.next_roi, t_ns + _IGNORE_NS))
            continue
        if job.track is None:
            last_id += 1
        number = job.track.id if job.track else last_id
        tracks.append(Track(number, estimate.next_roi, person, alone_ns))
        people.append((number, estimate))
    after = state._replace(
        tracks=tuple(sorted(tracks, key=lambda one: one.id)),
        last_id=last_id,
        seen_ns=t_ns if kept else state.seen_ns,
        ignored=tuple(ignored),
    )
    return Absorbed(after, tuple(sorted(people, key=lambda one: one[0])), strayed, swaps)


def _alone_since(track: Track | None, person: int, expected: Sequence[Expected], t_ns: int) -> int:
    """Since when a person is seen by this camera only; -1: it is not, or nobody is fused."""
    if person or not expected:
        return -1
    return track.alone_ns if track and track.alone_ns >= 0 else t_ns


def _who(estimate: Estimate, expected: Sequence[Expected]) -> int:
    """The expected person that an estimate is; 0: none of them."""
    off = [(_distance(estimate, estimate.points_px, one.points_px), one.person) for one in expected]
    nearest = min(off, default=(np.inf, 0))
    return nearest[1] if nearest[0] <= _SOMEBODY_ELSE else 0


def _distance(estimate: Estimate, points_px: F64, other_px: F64) -> float:
    """Median distance to other keypoints as part of the person's size; infinite where too few are
    known in both."""
    off = (points_px - other_px)[estimate.confidence >= _SURE]
    apart = np.hypot(off[:, 0], off[:, 1])
    apart = np.sort(apart[np.isfinite(apart)])
    if len(apart) < _ENOUGH_KEYPOINTS:
        return np.inf
    median_px = float(apart[len(apart) // 2] + apart[(len(apart) - 1) // 2]) / 2
    return median_px / max(_size_px(other_px), 1.0)


def _size_px(points_px: F64) -> float:
    """Diagonal of the box around the known keypoints (NaN where not); of at least one of them."""
    width, height = np.fmax.reduce(points_px) - np.fmin.reduce(points_px)
    return float(np.hypot(width, height))


def _same(estimate: Estimate, other: Estimate) -> bool:
    return _distance(estimate, estimate.points_px, other.points_px) < _SAME_PERSON
