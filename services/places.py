"""What a session knows of cameras that moved: where each stood when.

Apart from the session's reader, because most of what reads a session asks for other things.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core import calibration
from core.calibration.place import with_poses
from core.cameras import CameraModel, Rig
from core.messages import CameraPlace, Message, RigPlaces, as_rows
from services.rig import models_at
from services.session import Session

MARGIN_NS = 2_000_000_000
"""A camera is found to have moved by pictures that are younger than its knock by less than this."""

_FIRST_NS = -(2**63)
_Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which one camera stood at one place."""

    from_ns: int
    to_ns: int
    cam_from_world: _Rows | None
    """None: nobody knows; the camera was left out."""


class PlacesLog:
    """Where the cameras stood, as the fusion said it, change by change."""

    def __init__(self) -> None:
        self.changes: list[RigPlaces] = []

    def take(self, message: Message) -> None:
        """Take in a message; what is no change, or about something else, is passed over."""
        if isinstance(message, RigPlaces):
            known = self.changes[-1].cameras if self.changes else ()
            if message.cameras != known:
                self.changes.append(message)

    def at(self, t_ns: int) -> tuple[CameraPlace, ...]:
        """What held for an instant."""
        return next((one.cameras for one in reversed(self.changes) if one.t_ns < t_ns), ())

    def rig_at(self, t_ns: int, rig: Rig) -> Rig:
        """The calibrated rig as it was in force for an instant."""
        places = self.at(t_ns)
        if not places:
            return rig
        poses = rig.cam_from_world.copy()
        for one in places:
            poses[rig.index(one.camera)] = one.in_force
        return with_poses(rig, poses)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Those that moved, or seemed to."""
        return tuple(sorted({one.camera for change in self.changes for one in change.cameras}))

    def spans(self, camera: str, calibrated: CameraModel) -> list[Span]:
        """Where a camera stood, from the first instant to the last, by all that was found out.

        Before each knock a little is unknown: when exactly it was nobody saw. So is all of what the
        operator rejected.
        """
        home = as_rows(calibrated.cam_from_world)
        told = [(one.t_ns, _of(one, camera)) for one in self.changes]
        final = {place.since_ns: _known(place) for _, place in told if place is not None}
        marks: list[tuple[int, _Rows | None]] = [(_FIRST_NS, home)]
        for t_ns, place in told:
            if place is None:
                marks.append((t_ns, home))
            elif place.state == "suspect":
                marks.append((place.since_ns - MARGIN_NS, None))
            else:
                marks.append((place.since_ns, final[place.since_ns]))
        marks = [one for i, one in enumerate(marks) if i == 0 or one[1] != marks[i - 1][1]]
        ends = [*(from_ns for from_ns, _ in marks[1:]), 2**63 - 1]
        return [Span(a_ns, b_ns, rows) for (a_ns, rows), b_ns in zip(marks, ends, strict=True)]


def _of(change: RigPlaces, camera: str) -> CameraPlace | None:
    return next((one for one in change.cameras if one.camera == camera), None)


def _known(place: CameraPlace) -> _Rows | None:
    return place.found if place.state in ("new", "kept") else None


def log_of(session: Session) -> PlacesLog:
    """Read what a session says of cameras that moved."""
    log = PlacesLog()
    for stored in session.messages(["rig"]):
        log.take(stored.message)
    return log


def models_of(session: Session, *, at_end: bool) -> dict[str, CameraModel]:
    """The cameras as calibrated, or where they stand at the end of a session."""
    models = calibration.parse(session.manifest.calibration_name, session.calibration_text)
    changes = log_of(session).changes
    return models_at(models, changes[-1].cameras) if at_end and changes else dict(models)


@dataclass(frozen=True, slots=True)
class Longest:
    """The place where each camera stood for most of its pictures, and what does not fit it."""

    models: dict[str, CameraModel]
    spans: Mapping[str, Sequence[Span]]
    """Of the cameras that moved, the times in which they stood there."""

    def holds(self, camera: str, t_ns: int) -> bool:
        """Whether a camera stood at its place of ``models`` when it took a picture."""
        spans = self.spans.get(camera)
        return spans is None or any(one.from_ns <= t_ns < one.to_ns for one in spans)


def longest(
    log: PlacesLog, models: Mapping[str, CameraModel], times_ns: Iterable[tuple[str, int]]
) -> Longest:
    """Choose one place for each camera; ``times_ns``: camera and capture time of each picture."""
    taken = list(times_ns)
    spans_of: dict[str, Sequence[Span]] = {}
    chosen: dict[str, CameraModel] = dict(models)
    for camera in log.cameras:
        times = np.array([t_ns for name, t_ns in taken if name == camera], dtype=np.int64)
        counts: dict[_Rows, int] = {}
        spans = log.spans(camera, models[camera])
        for one in spans:
            if one.cam_from_world is not None:
                inside = int(((times >= one.from_ns) & (times < one.to_ns)).sum())
                counts[one.cam_from_world] = counts.get(one.cam_from_world, 0) + inside
        best = max(counts, key=lambda rows: counts[rows])
        spans_of[camera] = [one for one in spans if one.cam_from_world == best]
        chosen[camera] = replace(models[camera], cam_from_world=np.array(best))
    return Longest(chosen, spans_of)
