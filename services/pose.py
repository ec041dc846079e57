"""Pose process: pictures of its cameras in, 2D keypoints out.

The newest picture of each camera counts; what it passes over is counted. With cameras that wait
(replay at full speed) each picture is taken in its turn.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capture.ring import RingReader
from core import thinning
from core.errors import CameraError
from core.messages import FrameDescriptor, Keypoints2D, Message, Person2D
from core.pose.backend import Backend, Estimate
from core.pose.crops import Roi
from core.thinning import Thinning
from core.timebase import grid_cell
from services.bus import Received, newest_by_key
from services.child import Context, Pulse
from services.pose_backends import open_backend

U8 = NDArray[np.uint8]
POLL_MS = 100
STARVED_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class Track:
    """The person a camera follows."""

    roi: Roi | None = None
    person: int = 0


@dataclass
class PoseLoop:
    """Estimates the poses of some cameras."""

    context: Context
    backend: Backend
    pulse: Pulse
    _rings: dict[str, RingReader] = field(default_factory=dict)
    _tracks: dict[str, Track] = field(default_factory=dict)
    _thinning: Thinning = field(default_factory=Thinning)

    def take(self, descriptors: Sequence[FrameDescriptor]) -> list[Keypoints2D]:
        """Keypoints of one frame each of some cameras, all in one run of the network.

        Frames whose pictures are gone are left out, and counted.
        """
        self.pulse.counts["frames"] += len(descriptors)
        started_ns = self.context.clock.now_ns()
        pictures = [(one, self._picture(one)) for one in descriptors]
        here = [(one, picture) for one, picture in pictures if picture is not None]
        cameras = [one.camera for one, _ in here]
        before = {camera: self._tracks.get(camera, Track()) for camera in cameras}
        found = self._follow(cameras, [picture for _, picture in here])
        messages = []
        for (descriptor, _), estimate in zip(here, found, strict=True):
            ring = self._ring(descriptor)
            if ring is None or not ring.holds(descriptor.slot, descriptor.lock):
                self._tracks[descriptor.camera] = before[descriptor.camera]
                self.pulse.drops["overwritten"] += 1
                continue
            self.pulse.counts["processed"] += 1
            messages.append(self._message(descriptor, estimate, started_ns, len(here)))
        return messages

    def _picture(self, descriptor: FrameDescriptor) -> U8 | None:
        ring = self._ring(descriptor)
        if ring is None:
            self.pulse.drops["ring gone"] += 1
            return None
        size = descriptor.height_px, descriptor.width_px
        picture = ring.picture(descriptor.slot, descriptor.lock, size)
        if picture is None:
            self.pulse.drops["overwritten"] += 1
        return picture

    def release(self, descriptor: FrameDescriptor) -> None:
        """Tell a waiting camera that this picture is done with."""
        ring = self._ring(descriptor)
        if ring is not None:
            ring.release(1)

    def _ring(self, descriptor: FrameDescriptor) -> RingReader | None:
        if descriptor.ring not in self._rings:
            mine = f"{descriptor.camera}."
            self._rings = {k: ring for k, ring in self._rings.items() if not k.startswith(mine)}
            try:
                path = self.context.run_folder / descriptor.ring
                self._rings[descriptor.ring] = RingReader(path)
            except CameraError:
                return None
        return self._rings[descriptor.ring]

    def _follow(self, cameras: list[str], pictures: list[U8]) -> list[Estimate | None]:
        """For each picture the keypoints of the person followed, or nobody."""
        tracks = [self._tracks.get(camera, Track()) for camera in cameras]
        lost = [i for i, track in enumerate(tracks) if track.roi is None]
        self.pulse.counts["detections"] += len(lost)
        detected = self.backend.detect([pictures[i] for i in lost])
        for i, people in zip(lost, detected, strict=True):
            if people:
                tracks[i] = Track(people[0].roi, tracks[i].person + 1)
        jobs = [
            (i, (picture, track.roi))
            for i, (picture, track) in enumerate(zip(pictures, tracks, strict=True))
            if track.roi is not None
        ]
        estimates = self.backend.estimate([job for _, job in jobs])
        found: list[Estimate | None] = [None] * len(cameras)
        for (i, _), estimate in zip(jobs, estimates, strict=True):
            held = estimate.presence >= self.context.run.pose.min_presence
            found[i] = estimate if held else None
            tracks[i] = Track(estimate.next_roi if held else None, tracks[i].person)
        self._tracks.update(zip(cameras, tracks, strict=True))
        return found

    def _message(
        self,
        descriptor: FrameDescriptor,
        found: Estimate | None,
        started_ns: int,
        together: int,
    ) -> Keypoints2D:
        """``together``: how many frames shared the work."""
        persons: tuple[Person2D, ...] = ()
        if found is not None:
            reduced = np.array([descriptor.width_px, descriptor.height_px])
            full = np.array([descriptor.full_width_px, descriptor.full_height_px])
            pixels = found.points_px * full / reduced - 0.5  # continuous to pixel centres
            raw = pixels.astype("<f4").tobytes(), found.confidence.astype("<f4").tobytes()
            raw = *raw, found.covariance_at(full / reduced)
            persons = (Person2D(self._tracks[descriptor.camera].person, *raw),)
        done_ns = self.context.clock.now_ns()
        stamps = {"pose_started": started_ns, "pose": done_ns}
        busy_ns = (done_ns - started_ns) // together
        self._thinning = thinning.step(self._thinning, descriptor.t_ns, busy_ns)
        self.pulse.gauges["level"] = self._thinning.level
        return Keypoints2D(
            t_ns=descriptor.t_ns,
            stamps={**descriptor.stamps, **stamps},
            camera=descriptor.camera,
            frame=descriptor.frame,
            skeleton=self.backend.skeleton.name,
            model=self.context.run.pose.model,
            provider=self.backend.provider,
            derived=self.backend.derived,
            persons=persons,
        )

    def batches(self, received: list[Received]) -> list[list[FrameDescriptor]]:
        """The frames to work on, in batches with at most one frame of a camera each."""
        batches: list[list[FrameDescriptor]] = []
        for descriptor in self._chosen(received):
            fitting = (one for one in batches if all(i.camera != descriptor.camera for i in one))
            batch = next(fitting, None)
            if batch is None:
                batches.append(batch := [])
            batch.append(descriptor)
        return batches

    def _chosen(self, received: list[Received]) -> list[FrameDescriptor]:
        """The frames to work on: the newest of each camera, or all where cameras wait."""
        frames = [one for one in received if isinstance(one.message, FrameDescriptor)]
        if any(camera.lossless for camera in self.context.run.cameras):
            return [one.message for one in frames if isinstance(one.message, FrameDescriptor)]
        taken = [one for one in frames if self._takes(one.message)]
        newest, passed = newest_by_key(taken)
        self.pulse.counts["frames"] += len(frames) - len(newest)
        self._count("thinned", len(frames) - len(taken))
        self._count("superseded", passed.total())
        chosen = [one.message for one in newest.values()]
        chosen = [one for one in chosen if isinstance(one, FrameDescriptor)]
        starved = sum(one.stamps["received"] - one.t_ns > STARVED_NS for one in chosen)
        self._thinning = self._thinning._replace(
            passed=self._thinning.passed + passed.total(), starved=self._thinning.starved + starved
        )
        return chosen

    def _takes(self, descriptor: Message) -> bool:
        if not isinstance(descriptor, FrameDescriptor):
            return False
        rate_hz = self.context.run.camera(descriptor.camera).deliver_hz
        cell = grid_cell(descriptor.t_ns, rate_hz) if rate_hz else descriptor.frame
        return thinning.takes(self._thinning.level, cell)

    def _count(self, reason: str, n: int) -> None:
        if n:
            self.pulse.drops[reason] += n


def main(context: Context) -> None:
    """Entry point of the process."""
    backend = open_backend(context.run.pose)
    logging.info("%s runs on %s", context.run.pose.model, backend.provider)
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        loop = PoseLoop(context, backend, pulse)
        context.ready()
        while True:
            stopping = context.stop.is_set()
            received = source.drain(timeout_ms=POLL_MS)
            for batch in loop.batches(received):
                for keypoints in loop.take(batch):
                    publisher.send("keypoints2d", keypoints)
                for descriptor in batch:
                    loop.release(descriptor)
            pulse.beat(source)
            if stopping and not received:
                break
        pulse.beat(source, last=True)
