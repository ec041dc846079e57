"""What ``kinelive process`` takes in: a project folder or a session, as one whole recording."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import align, calibration, cameras
from core.align import Alignment, Instant
from core.cameras import CameraModel, Rig
from core.config import FusionConfig
from core.errors import SessionError
from core.messages import Keypoints2D, Person2D, view
from core.offline import Recording
from core.offline_people import Pictures, Tell, say_nothing
from core.skeletons import named
from services import places
from services.project import ASSOCIATED, Project, is_project, open_project
from services.session import Session, open_session

F64 = NDArray[np.float64]

_MAX_ROWS = 10_000_000
_READING = "reading keypoints"


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One recording with what belongs to it."""

    name: str
    kind: str
    """project or session."""
    calibration: str
    pictures: Pictures
    fusion: FusionConfig
    """How people are told apart: as it was recorded with, or the defaults."""
    settings: dict[str, Any]
    """What the input itself sets, by ``section.name``."""
    unused_settings: tuple[str, ...]
    notes: tuple[str, ...]
    picture_px: int
    """Longer side of the largest picture."""
    models: Mapping[str, CameraModel]
    """All cameras of the calibration."""

    @property
    def recording(self) -> Recording:
        """The surest person of each picture."""
        return self.pictures.surest()


def settings_of(path: Path) -> dict[str, Any]:
    """What an input itself sets, by ``section.name``, without reading its keypoints.

    Raises:
        KineliveError: a project that cannot be read.
    """
    return open_project(path).config.process if is_project(path) else {}


def load(path: Path, tell: Tell = say_nothing) -> Loaded:
    """Read the keypoints of a project folder or session.

    Raises:
        KineliveError: neither, or one that cannot be read; says why.
    """
    if is_project(path):
        return _of_project(open_project(path), tell)
    return _of_session(open_session(path), tell)


def _of_project(project: Project, tell: Tell) -> Loaded:
    notes = ()
    pictures = _pictures(project, tell)
    if project.unreadable:
        notes = (f"{len(project.unreadable)} frames unreadable, e.g. {project.unreadable[0]}",)
    return Loaded(
        name=project.name,
        kind="project",
        calibration=project.calibration.name,
        pictures=pictures,
        fusion=project.fusion,
        settings=project.config.process,
        unused_settings=project.config.unused,
        notes=notes,
        picture_px=project.picture_px,
        models=project.models,
    )


def _pictures(project: Project, tell: Tell) -> Pictures:
    frames, rig = project.frames, project.rig
    people: dict[tuple[int, int], list[F64]] = {}
    messages: list[Keypoints2D] = []
    for row, frame in enumerate(frames):
        for place, name in enumerate(rig.names):
            if frame in project.files[name]:
                people[row, place] = project.people(name, frame)
                messages.append(project.message(name, frame, people[row, place]))
        tell(_READING, row + 1, len(frames))
    rows = {(one.camera, one.frame): one.frame - frames.start for one in messages}
    skeleton, numbers = project.config.skeleton, np.array(frames)
    return Pictures(
        rig, skeleton, project.rate_hz, numbers, people, messages, rows,
        is_associated=project.stage.name == ASSOCIATED,
    )  # fmt: skip


def _of_session(session: Session, tell: Tell) -> Loaded:
    name = session.manifest.calibration_name
    messages = list[Keypoints2D]()
    for one in session.messages(["keypoints2d"]):
        if isinstance(one.message, Keypoints2D):
            messages.append(one.message)
            tell(_READING, len(messages), 0)
    if not messages:
        raise SessionError(
            f"{session.path}: no 2D keypoints in it, nothing to process; if it holds packets of "
            "cameras, `kinelive replay` makes a session with keypoints of them"
        )
    messages.sort(key=lambda one: one.t_ns)
    notes = (f"{len(session.damage)} damaged places",) if session.is_damaged else ()
    calibrated = calibration.parse(name, session.calibration_text)
    stood = places.longest(
        places.log_of(session), calibrated, ((one.camera, one.t_ns) for one in messages)
    )
    models = stood.models
    rig = cameras.select(models, session.manifest.cameras, name)
    for camera in stood.spans:
        mine = [one for one in messages if one.camera == camera]
        kept = sum(stood.holds(camera, one.t_ns) for one in mine)
        notes += (
            f"{camera} moved: it counts where it stood for {kept} of its {len(mine)} pictures; the "
            "others are left out",
        )
    messages = [one for one in messages if stood.holds(one.camera, one.t_ns)]
    return Loaded(
        name=session.path.resolve().name,
        kind="session",
        calibration=name,
        pictures=_on_grid(session, rig, messages),
        fusion=session.run.fusion,
        settings={},
        unused_settings=(),
        notes=notes,
        picture_px=cameras.longest_side_px(models, session.manifest.cameras),
        models=models,
    )


def _on_grid(session: Session, rig: Rig, messages: list[Keypoints2D]) -> Pictures:
    """Align by capture time, and put the instants on a grid of the commonest interval."""
    kinds = sorted({one.skeleton for one in messages})
    if len(kinds) != 1:
        raise SessionError(f"{session.path}: keypoints of {', '.join(kinds)}; one is supported")
    skeleton = named(kinds[0])
    instants = instants_of(session, rig, messages)
    times_ns = np.array([one.t_ns for one in instants])
    rate_hz, numbers = grid_of(times_ns)
    placed = {
        (int(row), rig.index(one.camera)): one
        for row, instant in zip(numbers, instants, strict=True)
        for one in instant.views
    }
    n_keypoints = len(skeleton.names)
    return Pictures(
        rig=rig,
        skeleton=skeleton,
        rate_hz=rate_hz,
        frames=np.arange(int(numbers[-1]) + 1),
        people={
            where: [keypoints_of(one) for one in seen.persons] for where, seen in placed.items()
        },
        messages=messages,
        rows={(seen.camera, seen.frame): row for (row, _), seen in placed.items()},
        derived=tuple(
            j for j in range(n_keypoints) if any(one.derived >> j & 1 for one in messages)
        ),
    )


def instants_of(session: Session, rig: Rig, messages: Iterable[Keypoints2D]) -> list[Instant]:
    """Keypoints in order of capture put together to instants, as the fusion does."""
    state, instants = Alignment(), list[Instant]()
    for one in messages:
        state, ready = align.add(state, one, rig.names, session.run.fusion)
        instants += ready
    return [*instants, *align.rest(state)]


def grid_of(times_ns: NDArray[np.int64]) -> tuple[float, NDArray[np.int64]]:
    """Rate, and the row of each instant; a row without an instant was dropped live."""
    if len(times_ns) < 2:
        return 1.0, np.zeros(len(times_ns), dtype=np.int64)
    rate_hz = round(1e9 / float(np.median(np.diff(times_ns))), 3)
    rows = np.round((times_ns - times_ns[0]) * 1e-9 * rate_hz).astype(np.int64)
    if rows[-1] > _MAX_ROWS:
        raise SessionError(f"{rows[-1]} frames at {rate_hz} Hz: the capture times are not usable")
    return rate_hz, rows


def keypoints_of(person: Person2D) -> F64:
    """(J, 3): x px, y px, likelihood."""
    points_px = view(person, "keypoints_px").astype(np.float64)
    return np.column_stack([points_px, view(person, "confidence").astype(np.float64)])
