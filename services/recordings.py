"""What ``kinelive process`` takes in: a project folder or a session, as one whole recording."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import align, calibration, cameras, offline
from core.align import Alignment, Instant
from core.cameras import Rig
from core.errors import SessionError
from core.messages import Keypoints2D, Person2D, view
from core.offline import Recording
from core.skeletons import SKELETONS
from services.project import Project, is_project, open_project
from services.session import Session, open_session

F64 = NDArray[np.float64]

_SEVERAL = (
    "several people in one picture: association is not done yet; in each camera the one with the "
    "largest mean likelihood was taken"
)
_MAX_ROWS = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One recording with what belongs to it."""

    name: str
    kind: str
    """project or session."""
    calibration: str
    recording: Recording
    settings: dict[str, Any]
    """What the input itself sets, by ``section.name``."""
    unused_settings: tuple[str, ...]
    notes: tuple[str, ...]


def load(path: Path) -> Loaded:
    """Read the keypoints of a project folder or session.

    Raises:
        KineliveError: neither, or one that cannot be read; says why.
    """
    return _of_project(open_project(path)) if is_project(path) else _of_session(open_session(path))


def _of_project(project: Project) -> Loaded:
    frames, names = project.frames, project.rig.names
    skeleton = project.config.skeleton
    people = {
        (row, place): project.people(name, frame)
        for row, frame in enumerate(frames)
        for place, name in enumerate(names)
    }
    shape = len(frames), len(names), len(skeleton.names)
    points_px, likelihood = offline.surest(people, shape)
    notes = [_SEVERAL] if any(len(one) > 1 for one in people.values()) else []
    if project.unreadable:
        notes.append(f"{len(project.unreadable)} frames unreadable, e.g. {project.unreadable[0]}")
    return Loaded(
        name=project.name,
        kind="project",
        calibration=project.calibration.name,
        recording=Recording(
            project.rig, skeleton, project.rate_hz, np.array(frames), points_px, likelihood
        ),
        settings=project.config.process,
        unused_settings=project.config.unused,
        notes=tuple(notes),
    )


def _of_session(session: Session) -> Loaded:
    name = session.manifest.calibration_name
    models = calibration.parse(name, session.calibration_text)
    rig = cameras.select(models, session.manifest.cameras, name)
    stored = (one.message for one in session.messages(["keypoints2d"]))
    messages = sorted(
        (one for one in stored if isinstance(one, Keypoints2D)), key=lambda one: one.t_ns
    )
    if not messages:
        raise SessionError(f"{session.path}: no 2D keypoints in it; there is nothing to process")
    notes = [_SEVERAL] if any(len(one.persons) > 1 for one in messages) else []
    notes += [f"{len(session.damage)} damaged places"] if session.is_damaged else []
    return Loaded(
        name=session.path.resolve().name,
        kind="session",
        calibration=name,
        recording=_recording(session, rig, messages),
        settings={},
        unused_settings=(),
        notes=tuple(notes),
    )


def _recording(session: Session, rig: Rig, messages: list[Keypoints2D]) -> Recording:
    """Align by capture time, and put the instants on a grid of the commonest interval."""
    kinds = sorted({one.skeleton for one in messages})
    if len(kinds) != 1:
        raise SessionError(f"{session.path}: keypoints of {', '.join(kinds)}; one is supported")
    skeleton = SKELETONS[kinds[0]]
    instants = _instants(session, rig, messages)
    times_ns = np.array([one.t_ns for one in instants])
    rate_hz, rows = _grid(times_ns)
    people = {
        (int(row), rig.index(one.camera)): [_keypoints(person) for person in one.persons]
        for row, instant in zip(rows, instants, strict=True)
        for one in instant.views
    }
    shape = int(rows[-1]) + 1, len(rig.names), len(skeleton.names)
    derived = [j for j in range(shape[2]) if any(one.derived >> j & 1 for one in messages)]
    points_px, likelihood = offline.surest(people, shape)
    frames = np.arange(shape[0])
    return Recording(rig, skeleton, rate_hz, frames, points_px, likelihood, tuple(derived))


def _instants(session: Session, rig: Rig, messages: Iterable[Keypoints2D]) -> list[Instant]:
    state, instants = Alignment(), list[Instant]()
    for one in messages:
        state, ready = align.add(state, one, rig.names, session.run.fusion)
        instants += ready
    return [*instants, *align.rest(state)]


def _grid(times_ns: NDArray[np.int64]) -> tuple[float, NDArray[np.int64]]:
    """Rate, and the row of each instant; a row without an instant was dropped live."""
    if len(times_ns) < 2:
        return 1.0, np.zeros(len(times_ns), dtype=np.int64)
    rate_hz = round(1e9 / float(np.median(np.diff(times_ns))), 3)
    rows = np.round((times_ns - times_ns[0]) * 1e-9 * rate_hz).astype(np.int64)
    if rows[-1] > _MAX_ROWS:
        raise SessionError(f"{rows[-1]} frames at {rate_hz} Hz: the capture times are not usable")
    return rate_hz, rows


def _keypoints(person: Person2D) -> F64:
    """(J, 3): x px, y px, likelihood."""
    points_px = view(person, "keypoints_px").astype(np.float64)
    return np.column_stack([points_px, view(person, "confidence").astype(np.float64)])
