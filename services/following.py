"""Follows people in the pictures of some cameras with a loaded pose model.

Each camera's rules are in ``core.pose.tracking``; here the networks run, for all cameras at once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel
from core.config import PoseConfig
from core.messages import Person2D, Pose3D
from core.pose import guidance, tracking
from core.pose.backend import Backend, Estimate, Found
from core.pose.tracking import Expected, Job, Look, Tracks

U8 = NDArray[np.uint8]
People = tuple[tuple[int, Estimate], ...]
"""Number in the camera's tracker and estimate of each person."""


class View(NamedTuple):
    """A picture of one camera."""

    camera: str
    t_ns: int
    picture: U8
    """(H, W, 3) BGR."""


@dataclass
class Follower:
    """Remembers who is where in each camera."""

    backend: Backend
    config: PoseConfig
    names: Sequence[str]
    """All cameras of the rig: they look out in turn."""
    cameras: Mapping[str, CameraModel]
    """Calibrated ones, for guidance by fused people; the others are on their own."""
    counts: Counter[str] = field(default_factory=Counter)
    tracks: dict[str, Tracks] = field(default_factory=dict)

    def follow(self, views: Sequence[View], pose: Pose3D | None) -> list[People]:
        """The people in pictures of different cameras; ``pose``: the fused people seen last."""
        states = [self._state(view) for view in views]
        expected = [self._expected(view, pose) for view in views]
        looks: list[Look] = [
            tracking.look(state, there, view.t_ns, self.config)
            for state, there, view in zip(states, expected, views, strict=True)
        ]
        found = self._detect(views, looks)
        jobs: list[tuple[int, Job]] = []
        for i, view in enumerate(views):
            states[i] = tracking.looked(states[i], looks[i], view.t_ns)
            for job in tracking.jobs(states[i], expected[i], found[i], view.t_ns, self.config):
                jobs.append((i, job))
        estimates = self.backend.estimate([(views[i].picture, job.roi) for i, job in jobs])
        self.counts["regions"] += len(jobs)
        ready = [(i, job, one) for (i, job), one in zip(jobs, estimates, strict=True)]
        return [
            self._absorb(view, states[i], [(job, one) for j, job, one in ready if j == i], there)
            for i, (view, there) in enumerate(zip(views, expected, strict=True))
        ]

    def _state(self, view: View) -> Tracks:
        if view.camera not in self.tracks:
            place = self.names.index(view.camera)
            begin = tracking.staggered(place, len(self.names), view.t_ns, self.config)
            self.tracks[view.camera] = begin
        return self.tracks[view.camera]

    def _expected(self, view: View, pose: Pose3D | None) -> list[Expected]:
        model = self.cameras.get(view.camera)
        if model is None:
            return []
        height, width = view.picture.shape[:2]
        return guidance.expected(pose, view.t_ns, model, (width, height), self.backend)

    def _detect(self, views: Sequence[View], looks: Sequence[Look]) -> list[list[Found]]:
        found: list[list[Found]] = [[] for _ in views]
        for how in ("quick", "thorough"):
            chosen = [i for i, look in enumerate(looks) if look == how]
            pictures = [views[i].picture for i in chosen]
            detected = self.backend.detect(pictures, thorough=how == "thorough")
            self.counts["detections"] += len(chosen)
            for i, people in zip(chosen, detected, strict=True):
                found[i] = people
        return found

    def _absorb(
        self,
        view: View,
        state: Tracks,
        done: list[tuple[Job, Estimate]],
        expected: Sequence[Expected],
    ) -> People:
        partner = self.backend.skeleton.partner
        came = tracking.absorb(state, done, expected, view.t_ns, self.config, partner)
        self.tracks[view.camera] = came.state
        self.counts["strayed"] += came.strayed
        self.counts["swaps seen"] += came.swaps_seen
        return came.people


def person2d(
    number: int, found: Estimate, picture: tuple[int, int], full: tuple[int, int]
) -> Person2D:
    """The message of a person found in a picture of a camera.

    Args:
        number: in the camera's tracker.
        picture: width and height of the picture worked on.
        full: those of the picture as captured; what leaves is in its pixels.
    """
    scale = np.array(full) / picture
    pixels = found.points_px * scale - 0.5  # continuous to pixel centres
    raw = pixels.astype("<f4").tobytes(), found.confidence.astype("<f4").tobytes()
    return Person2D(number, *raw, found.covariance_at(scale))
