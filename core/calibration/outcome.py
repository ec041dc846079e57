"""Extrinsics as they are handed on: to a file, to the terminal, to a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import doubts, extrinsics, markers, place, world
from core.calibration.checks import centre_m
from core.calibration.doubts import Verdict
from core.calibration.extrinsics import Fitted
from core.calibration.point_files import SCENE
from core.calibration.sights import Judged, Sight
from core.calibration.world import Frame, Known
from core.cameras import CameraModel, Rig
from core.errors import CalibrationError

F64 = NDArray[np.float64]
Solve = Callable[[Sequence[Sight], Rig], Fitted]


@dataclass(frozen=True, slots=True)
class Unseen:
    """A picture in which nothing was found."""

    camera: str
    picture: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class CameraPlace:
    """One camera of the result."""

    model: CameraModel
    known: Known
    rms_px: float
    """Seen to reprojected in all that was used."""
    alone_px: float
    """Median where each board is placed for itself: what lens and corners are good for; or NaN."""
    judged: tuple[Judged, ...]
    """What it saw: pixels seen and reprojected, used or why not."""
    unseen: tuple[Unseen, ...]

    @property
    def centre_m(self) -> F64:
        """Where it stands (3,)."""
        return centre_m(self.model.cam_from_world)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Cameras in a world, and what speaks for and against them."""

    cameras: Mapping[str, CameraPlace]
    rests_on: str
    """What the world is, in words."""
    sd_relative_to: str
    rms_px: float
    n_bodies: int
    """Boards, wands or scenes that two cameras or more saw."""
    verdict: Verdict

    @property
    def is_good(self) -> bool:
        """Whether it may be used."""
        return not self.verdict.problems

    @property
    def models(self) -> list[CameraModel]:
        """The calibration."""
        return [one.model for one in self.cameras.values()]


def with_boards(turns: F64) -> Solve:
    """Fit boards and measured scenes; ``turns`` (T, 3, 4) after which a board looks the same."""

    def solve(sights: Sequence[Sight], lenses: Rig) -> Fitted:
        alone_px = extrinsics.alone_px([one for one in sights if one.body != SCENE], lenses)
        return extrinsics.fit(extrinsics.start(sights, lenses, turns), alone_px)

    return solve


def with_balls(sights: Sequence[Sight], lenses: Rig) -> Fitted:
    """Fit wands, or a ball."""
    return extrinsics.fit(markers.start(sights, lenses))


def outcome(
    fitted: Fitted,
    frame: Frame,
    models: Mapping[str, CameraModel],
    unseen: Sequence[Unseen],
    solve: Solve,
    relative: Frame | None = None,
) -> Outcome:
    """Put a fit into a world, say how well it is known, and judge it.

    Args:
        fitted: of C cameras.
        frame: the world.
        models: the cameras' lenses and sizes.
        unseen: pictures in which nothing was found.
        solve: what made the fit, to try it without a camera.
        relative: what standard deviations are relative to, if not to the frame.
    """
    rig = frame.put(fitted.scene.rig)
    known = world.known(fitted, relative or frame)
    cameras = {}
    for number, name in enumerate(rig.names):
        cameras[name] = CameraPlace(
            model=replace(models[name], cam_from_world=rig.cam_from_world[number]),
            known=known[name],
            rms_px=fitted.rms_px(name),
            alone_px=fitted.alone_px[name],
            judged=tuple(fitted.of(name)),
            unseen=tuple(one for one in unseen if one.camera == name),
        )
    return Outcome(
        cameras=cameras,
        rests_on=frame.says,
        sd_relative_to=(relative or frame).says,
        rms_px=fitted.rms_px(),
        n_bodies=len({one.body for one in fitted.used}),
        verdict=doubts.verdict(
            fitted, rig, models, known, lambda name: _without(fitted, name, solve)
        ),
    )


def _without(fitted: Fitted, name: str, solve: Solve) -> Fitted | None:
    rig = fitted.scene.rig
    others = [number for number, other in enumerate(rig.names) if other != name]
    if len(others) < 2:
        return None
    sights = [one.sight for one in fitted.judged if one.sight.camera != name]
    try:
        return solve(sights, place.part(rig, others))
    except CalibrationError:
        return None
