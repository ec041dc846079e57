"""What a session says of people as files of other programs: OpenPose json, .trc, .mot, .csv."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import calibration, cameras, coordinate_table, mot, openpose, trc
from core.errors import SessionError
from core.messages import JointAngles, Keypoints2D, Pose3D, view
from core.mot import Mot
from core.skeletons import Skeleton, named
from services.recordings import grid_of, instants_of, keypoints_of
from services.session import Session

F64 = NDArray[np.float64]

_MEASURED = ("found", "tracked")


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a session that is exported, and its zero, in capture times."""

    zero_ns: int
    from_ns: int
    to_ns: int

    def holds(self, t_ns: int) -> bool:
        """Whether a capture time belongs to it."""
        return self.from_ns <= t_ns < self.to_ns

    def seconds(self, t_ns: int) -> float:
        """Session time."""
        return (t_ns - self.zero_ns) / 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The 2D keypoints on a grid of times that all cameras share."""

    skeleton: Skeleton
    rate_hz: float
    n_frames: int
    people: Mapping[tuple[int, str], Sequence[F64]]
    """By frame and camera, each (J, 3): x px, y px, likelihood."""
    cameras: tuple[str, ...]

    @property
    def n_most(self) -> int:
        """People in the picture with the most."""
        return max(map(len, self.people.values()), default=0)


def pictures(session: Session, span: Span) -> Pictures:
    """Keypoints of one time under one number: the frame whose time (number / rate) is nearest.

    Raises:
        SessionError: no keypoints, or of several keypoint sets.
    """
    name, names = session.manifest.calibration_name, session.manifest.cameras
    rig = cameras.select(calibration.parse(name, session.calibration_text), names, name)
    said = [one.message for one in session.messages(["keypoints2d"])]
    kept = sorted(
        (one for one in said if isinstance(one, Keypoints2D) and span.holds(one.t_ns)),
        key=lambda one: one.t_ns,
    )
    kinds = {one.skeleton for one in kept}
    if len(kinds) != 1:
        raise SessionError(
            f"{session.path}: 2D keypoints of {', '.join(sorted(kinds)) or 'nobody'}"
        )
    instants = instants_of(session, rig, kept)
    rate_hz, _ = grid_of(np.array([one.t_ns for one in instants]))
    people: dict[tuple[int, str], Sequence[F64]] = {}
    for instant in instants:
        row = round(span.seconds(instant.t_ns) * rate_hz)
        for seen in instant.views:
            people[row, seen.camera] = [keypoints_of(one) for one in seen.persons]
    n_frames = 1 + max((row for row, _ in people), default=-1)
    return Pictures(named(kinds.pop()), rate_hz, n_frames, people, names)


def write_openpose(found: Pictures, folder: Path) -> None:
    """Write one json for each frame of each camera, also where nobody or nothing was seen."""
    for camera in found.cameras:
        place = folder / f"{camera}_json"
        place.mkdir(parents=True)
        for row in range(found.n_frames):
            people = dict(enumerate(found.people.get((row, camera), ())))
            (place / f"{camera}_{row:06d}.json").write_bytes(openpose.write(people))


@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """One fused person on the grid of the fused instants."""

    id: int
    skeleton: Skeleton
    rate_hz: float
    frames: NDArray[np.int64]  # (T,)
    points_m: F64  # (T, J, 3) world, NaN where not there


def walkers(session: Session, span: Span) -> list[Walker]:
    """The fused, filtered people of a session."""
    poses = [pose for pose in _poses(session) if span.holds(pose.t_ns)]
    if not poses:
        return []
    times_ns = np.array([one.t_ns for one in poses])
    rate_hz, _ = grid_of(times_ns)
    rows = np.round((times_ns - span.zero_ns) * 1e-9 * rate_hz).astype(np.int64)
    skeleton = named(poses[0].skeleton)
    numbers = sorted({one.id for pose in poses for one in pose.persons})
    found = [_walker(number, poses, rows, skeleton, rate_hz) for number in numbers]
    return [one for one in found if len(one.frames) > 1]


def _walker(
    number: int,
    poses: Sequence[Pose3D],
    rows: NDArray[np.int64],
    skeleton: Skeleton,
    rate_hz: float,
) -> Walker:
    there = {
        int(row): view(one, "keypoints_m").astype(np.float64)
        for row, pose in zip(rows, poses, strict=True)
        for one in pose.persons
        if one.id == number
    }
    frames = np.arange(min(there), max(there) + 1)
    points_m = np.full((len(frames), len(skeleton.names), 3), np.nan)
    for row, one in there.items():
        points_m[row - frames[0]] = one
    return Walker(number, skeleton, rate_hz, frames, points_m)


def trc_text(one: Walker, file_name: str) -> str:
    """Markers as of the skeleton, frame number / rate = session time."""
    places = one.skeleton.marker_places or list(range(len(one.skeleton.names)))
    names = one.skeleton.markers or one.skeleton.names
    table = trc.of_world(one.points_m[:, places], names, one.rate_hz, one.frames)
    return trc.write(table, file_name)


def _poses(session: Session) -> Iterator[Pose3D]:
    for stored in session.messages(["pose3d"]):
        if isinstance(stored.message, Pose3D):
            yield stored.message


def points_csv(session: Session, span: Span) -> str | None:
    """All fused people, a row each instant and person; None where nothing was fused.

    World coordinates in metres, standard deviations of the filter, all digits of single precision.
    """
    lines: list[str] = []
    for pose in _poses(session):
        if not lines:
            names = named(pose.skeleton).names
            parts = ("x_m", "y_m", "z_m", "sd_m", "n_views")
            columns = [f"{name}_{part}" for name in names for part in parts]
            lines.append(",".join(("time_s", "t_ns", "instant", "person", *columns)))
        for one in pose.persons if span.holds(pose.t_ns) else ():
            variances = view(one, "covariance_m2")[:, :3].sum(axis=1)
            rows = zip(
                view(one, "keypoints_m"), np.sqrt(variances), view(one, "n_views"), strict=True
            )
            cells = [cell for at, sd, n in rows for cell in (*map(_cell, at), _cell(sd), str(n))]
            head = (f"{span.seconds(pose.t_ns):.9f}", pose.t_ns, pose.instant, one.id)
            lines.append(",".join((*map(str, head), *cells)))
    return "\n".join(lines) + "\n" if lines else None


def _cell(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.9g}"


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """The joint coordinates of one person."""

    person: int
    coordinates: tuple[str, ...]
    t_ns: NDArray[np.int64]  # (T,)
    value: F64  # (T, Q) degrees and metres, NaN where not known
    sd: F64  # (T, Q)
    status: tuple[str, ...]  # (T,)


def angles(session: Session, span: Span) -> list[Angles]:
    """Joint angles by person, degrees and metres."""
    rows: dict[int, list[tuple[int, F64, F64, str]]] = {}
    coordinates: tuple[str, ...] = ()
    for stored in session.messages(["angles"]):
        message = stored.message
        if not isinstance(message, JointAngles) or not span.holds(message.t_ns):
            continue
        coordinates = message.coordinates or coordinates
        for one in message.persons:
            value, sd = (view(one, name).astype(np.float64) for name in ("value", "sd"))
            rows.setdefault(one.id, []).append((message.t_ns, value, sd, one.status))
    units = [coordinate_table.describe(name).unit for name in coordinates]
    factor = np.array([1.0 if unit == "m" else np.rad2deg(1.0) for unit in units])
    return [
        Angles(
            number,
            coordinates,
            np.array([row[0] for row in each]),
            factor * np.array([row[1] for row in each]),
            factor * np.array([row[2] for row in each]),
            tuple(row[3] for row in each),
        )
        for number, each in sorted(rows.items())
    ]


def angles_csv(one: Angles, span: Span) -> str:
    """A row an instant: value and standard deviation of each coordinate, the unit in the name."""
    units = ["m" if coordinate_table.describe(c).unit == "m" else "deg" for c in one.coordinates]
    pairs = zip(one.coordinates, units, strict=True)
    columns = [f"{name}_{part}{unit}" for name, unit in pairs for part in ("", "sd_")]
    lines = [",".join(("time_s", "t_ns", "status", *columns))]
    for t_ns, value, sd, status in zip(
        one.t_ns.tolist(), one.value, one.sd, one.status, strict=True
    ):
        cells = [_cell(x) for pair in zip(value, sd, strict=True) for x in pair]
        lines.append(",".join((f"{span.seconds(t_ns):.9f}", str(t_ns), status, *cells)))
    return "\n".join(lines) + "\n"


def mot_text(one: Angles, span: Span) -> str | None:
    """Coordinates for OpenSim's viewer; instants that were measured only. None: there are none."""
    kept = np.array([s in _MEASURED for s in one.status]) & np.isfinite(one.value).all(axis=1)
    if not kept.any():
        return None
    times_s = ((one.t_ns[kept] - span.zero_ns) * 1e-9).astype(np.float64)
    return mot.write(Mot(one.coordinates, times_s, one.value[kept], in_degrees=True))
