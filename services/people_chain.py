"""Footage through pose estimation, fusion and guidance in one process, without the bus.

What the live processes do, in lockstep: each instant's pictures of all cameras, then its people,
who guide the next instant. Nothing is dropped, and two runs give the same numbers.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from capture import footage
from capture.footage import FrameIndex, Pictures
from core import fusion
from core.cameras import CameraModel
from core.config import CameraConfig, RunConfig
from core.messages import Keypoints2D, Pose3D
from core.pose.backend import Backend
from services import rig
from services.following import Follower, People, View, person2d

_START_NS = 1_000_000_000


class Seen(NamedTuple):
    """One instant."""

    keypoints: tuple[Keypoints2D, ...]
    """Of each camera."""
    pose: Pose3D
    """Of the people in all of them."""


class _Film(NamedTuple):
    """The footage of one camera."""

    camera: CameraConfig
    model: CameraModel
    frames: FrameIndex
    pictures: Pictures

    def view(self, number: int) -> View:
        after_ns = round(self.frames.since_first_s(number) * 1_000_000_000)
        return View(self.camera.name, _START_NS + after_ns, self.pictures.get(number))


def watch(run: RunConfig, backend: Backend, every: int = 1) -> Iterator[Seen]:
    """The instants of a run's footage, played once; ``every``: only each so many frames.

    The frames of one number are taken as one instant: the footage of triggered cameras.

    Raises:
        CameraError: footage that cannot be decoded.
        CalibrationError: a camera without calibration.
    """
    models, whole = rig.models_of(run), rig.rig_of(run)
    follower = Follower(backend, run.pose, whole.names, models if run.pose.guided else {})
    state, pose = fusion.FusionState(), None
    with ExitStack() as stack:
        films = [_open(camera, models[camera.name], stack) for camera in run.cameras]
        for number in range(0, min(len(film.frames.pts) for film in films), every):
            views = [film.view(number) for film in films]
            keypoints = tuple(
                _message(film, number, view, people, run, backend)
                for film, view, people in zip(
                    films, views, follower.follow(views, pose), strict=True
                )
            )
            poses: list[Pose3D] = []
            for one in keypoints:
                state, came = fusion.step(state, one, whole, run.fusion)
                poses += came
            (pose,) = poses
            yield Seen(keypoints, pose)


def _open(camera: CameraConfig, model: CameraModel, stack: ExitStack) -> _Film:
    path = Path(camera.path)
    frames = footage.index(path)
    pictures = stack.enter_context(closing(Pictures(path, frames, camera.reduce, 0.0)))
    return _Film(camera, model, frames, pictures)


def _message(
    film: _Film, number: int, view: View, people: People, run: RunConfig, backend: Backend
) -> Keypoints2D:
    height, width = view.picture.shape[:2]
    full = film.model.width_px, film.model.height_px
    return Keypoints2D(
        t_ns=view.t_ns,
        camera=view.camera,
        frame=number,
        skeleton=backend.skeleton.name,
        model=run.pose.model,
        provider=backend.provider,
        derived=backend.derived,
        persons=tuple(person2d(who, one, (width, height), full) for who, one in people),
    )
