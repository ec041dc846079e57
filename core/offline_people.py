"""Who is who in a whole recording: the live fusion goes over it, once forwards and once backwards.

Forwards decides who there is. Backwards only adds: a person is followed back to the first pictures
that show them, before the live chain was sure of them, and through times in which it lost them.
Letters: T frames, C cameras, J keypoints.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import fusion, offline
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Keypoints2D, Person3D, Pose3D, view
from core.offline import Recording
from core.skeletons import Skeleton

F64 = NDArray[np.float64]
Tell = Callable[[str, int, int], None]
"""Told how far long work is: what is done, how many of, how many."""

NOT_SEEN = -1
_MIN_COMMON = 3  # detections that two tracks must share to be one person's
_MIN_VIEWS = 2


def say_nothing(what: str, done: int, total: int) -> None:
    """For callers that nobody watches."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Everybody that the cameras saw, on a grid of frames common to all."""

    rig: Rig
    skeleton: Skeleton
    rate_hz: float
    frames: NDArray[np.int64]  # (T,) consecutive
    people: Mapping[tuple[int, int], Sequence[F64]]
    """By (row of time, camera) the people of a picture, each (J, 3): x px, y px, likelihood."""
    messages: Sequence[Keypoints2D]
    """The same in capture order, as the fusion takes it."""
    rows: Mapping[tuple[str, int], int]
    """Row of time of each (camera, frame) of the messages."""
    derived: tuple[int, ...] = ()
    """Keypoints that are computed from others."""
    is_associated: bool = False
    """Whether it is known already that all cameras look at the same person."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """T, C, J."""
        return len(self.frames), len(self.rig.names), len(self.skeleton.names)

    @property
    def is_crowded(self) -> bool:
        """Whether any picture holds more than one person."""
        return any(len(one) > 1 for one in self.people.values())

    def surest(self) -> Recording:
        """Make one person of the surest of each picture, over all frames."""
        points_px, likelihood = offline.surest(self.people, self.shape)
        return self._recording(self.frames, points_px, likelihood)

    def of(self, track: "Track") -> Recording:
        """What is one person's, from the first to the last frame that shows them.

        Left and right are as they were detected: ``offline.put_right`` sees to that.
        """
        first, end = min(track.sightings), max(track.sightings) + 1
        points_px = np.full((end - first, *self.shape[1:], 2), np.nan)
        likelihood = np.zeros(points_px.shape[:3])
        for row, camera, place in track.detections():
            person = self.people[row, camera][place]
            points_px[row - first, camera] = person[:, :2]
            likelihood[row - first, camera] = person[:, 2]
        return self._recording(self.frames[first:end], points_px, likelihood)

    def _recording(self, frames: NDArray[np.int64], points_px: F64, likelihood: F64) -> Recording:
        return Recording(
            self.rig, self.skeleton, self.rate_hz, frames, points_px, likelihood, self.derived
        )


class Sighting(NamedTuple):
    """What one frame shows of one person."""

    places: tuple[int, ...]  # (C,) which of the picture's people, -1: none
    measured_m: NDArray[np.float32]  # (J, 3) from this frame alone, NaN for fewer than two cameras


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person through the recording."""

    id: int
    sightings: Mapping[int, Sighting]
    """By row of time; only rows in which some camera sees the person."""

    def detections(self) -> Iterator[tuple[int, int, int]]:
        """Yield (row, camera, place in the picture) of each."""
        for row, sighting in self.sightings.items():
            for camera, place in enumerate(sighting.places):
                if place != NOT_SEEN:
                    yield row, camera, place


def associate(
    pictures: Pictures, config: FusionConfig, tell: Tell = say_nothing
) -> tuple[Track, ...]:
    """Follow everybody through the recording; each detection is given to at most one person.

    Returns:
        Everybody of whom the fusion was ever sure, in order of first appearance.
    """
    forwards = _followed(pictures, pictures.messages, config, "who is who", tell)
    mirrored = _mirrored(pictures.messages)
    backwards = _followed(pictures, mirrored, config, "who is who, backwards", tell)
    tracks = _completed(forwards, backwards)
    return tuple(sorted(tracks, key=lambda one: (min(one.sightings), one.id)))


def _mirrored(messages: Sequence[Keypoints2D]) -> list[Keypoints2D]:
    """The recording with time running the other way."""
    if not messages:
        return []
    turn_ns = messages[0].t_ns + messages[-1].t_ns
    return [msgspec.structs.replace(one, t_ns=turn_ns - one.t_ns) for one in reversed(messages)]


def _followed(
    pictures: Pictures, messages: Sequence[Keypoints2D], config: FusionConfig, what: str, tell: Tell
) -> list[Track]:
    state = FusionState()
    found: dict[int, dict[int, Sighting]] = defaultdict(dict)
    for number, message in enumerate(messages):
        state, poses = fusion.step(state, message, pictures.rig, config)
        _take(found, poses, pictures)
        tell(what, number + 1, len(messages))
    _take(found, fusion.finish(state, pictures.rig, config)[1], pictures)
    return [Track(number, sightings) for number, sightings in sorted(found.items()) if sightings]


def _take(
    found: dict[int, dict[int, Sighting]], poses: Sequence[Pose3D], pictures: Pictures
) -> None:
    for pose in poses:
        for person in pose.persons:
            _note(found[person.id], pose, person, pictures)


def _note(
    sightings: dict[int, Sighting], pose: Pose3D, person: Person3D, pictures: Pictures
) -> None:
    """Add what an instant shows of a person; what a row has already stays."""
    measured_m = view(person, "measured_m")
    places: dict[int, list[int]] = {}
    for camera, frame, place in zip(pose.cameras, pose.frames, person.detections, strict=True):
        row = pictures.rows.get((camera, frame))
        if place != NOT_SEEN and row is not None:
            of_row = places.setdefault(row, [NOT_SEEN] * len(pictures.rig.names))
            of_row[pictures.rig.index(camera)] = place
    for row, of_row in places.items():
        sightings.setdefault(row, Sighting(tuple(of_row), measured_m))


def _completed(forwards: Sequence[Track], backwards: Sequence[Track]) -> list[Track]:
    """Give everybody what only the way back found of them, and nobody owns."""
    owner = {seen: track.id for track in forwards for seen in track.detections()}
    grown = {track.id: dict(track.sightings) for track in forwards}
    for other in sorted(backwards, key=lambda one: -len(one.sightings)):
        shared = Counter(owner[seen] for seen in other.detections() if seen in owner)
        who, count = max(shared.items(), key=lambda one: one[1], default=(0, 0))
        if count < _MIN_COMMON or 2 * count <= shared.total():
            continue
        for row, sighting in other.sightings.items():
            mine = [(row, camera, place) for camera, place in enumerate(sighting.places)]
            mine = [seen for seen in mine if seen[2] != NOT_SEEN]
            if row in grown[who] or len(mine) < _MIN_VIEWS or any(seen in owner for seen in mine):
                continue
            grown[who][row] = sighting
            owner.update(dict.fromkeys(mine, who))
    return [Track(who, dict(sorted(sightings.items()))) for who, sightings in grown.items()]
