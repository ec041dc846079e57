"""Pose process: pictures of its cameras in, 2D keypoints out.

The newest picture of each camera counts; what it passes over is counted. With cameras that wait
(replay at full speed) each picture is taken in its turn.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capture.ring import RingReader
from core import thinning
from core.cameras import CameraModel
from core.config import PoseConfig
from core.errors import CameraError
from core.messages import FrameDescriptor, Keypoints2D, Message, Pose3D, RigPlaces
from core.thinning import Thinning
from core.timebase import grid_cell
from services import rig
from services.bus import Received, Subscriber, newest_by_key
from services.child import Context, Pulse
from services.following import Follower, People, View, person2d
from services.pose_backends import open_backend

U8 = NDArray[np.uint8]
POLL_MS = 100
STARVED_NS = 100_000_000
GPU_WAIT_MS = 4.0


@dataclass
class PoseLoop:
    """Estimates the poses of some cameras."""

    context: Context
    follower: Follower
    pulse: Pulse
    calibrated: Mapping[str, CameraModel]
    """The cameras, for guidance."""
    _rings: dict[str, RingReader] = field(default_factory=dict)
    _thinning: Thinning = field(default_factory=Thinning)
    _pose: Pose3D | None = None
    """The fused people heard of last."""

    def take(self, descriptors: Sequence[FrameDescriptor]) -> list[Keypoints2D]:
        """Keypoints of one frame each of some cameras, all in one run of the network.

        Frames whose pictures are gone are left out, and counted.
        """
        self.pulse.counts["frames"] += len(descriptors)
        started_ns = self.context.clock.now_ns()
        pictures = [(one, self._picture(one)) for one in descriptors]
        here = [(one, picture) for one, picture in pictures if picture is not None]
        before = dict(self.follower.tracks)
        views = [View(one.camera, one.t_ns, picture) for one, picture in here]
        found = self.follower.follow(views, self._pose)
        messages = []
        for (descriptor, _), people in zip(here, found, strict=True):
            ring = self._ring(descriptor)
            if ring is None or not ring.holds(descriptor.slot, descriptor.lock):
                self.follower.tracks.pop(descriptor.camera)
                if descriptor.camera in before:
                    self.follower.tracks[descriptor.camera] = before[descriptor.camera]
                self.pulse.drops["overwritten"] += 1
                continue
            self.pulse.counts["processed"] += 1
            messages.append(self._message(descriptor, people, started_ns, len(here)))
        self.pulse.counts.update(self.follower.counts)
        self.follower.counts.clear()
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

    def _message(
        self, descriptor: FrameDescriptor, people: People, started_ns: int, together: int
    ) -> Keypoints2D:
        """``together``: how many frames shared the work."""
        done_ns = self.context.clock.now_ns()
        stamps = {"pose_started": started_ns, "pose": done_ns}
        busy_ns = (done_ns - started_ns) // together
        self._thinning = thinning.step(self._thinning, descriptor.t_ns, busy_ns)
        self.pulse.gauges["level"] = self._thinning.level
        backend = self.follower.backend
        picture = descriptor.width_px, descriptor.height_px
        full = descriptor.full_width_px, descriptor.full_height_px
        return Keypoints2D(
            t_ns=descriptor.t_ns,
            stamps={**descriptor.stamps, **stamps},
            camera=descriptor.camera,
            frame=descriptor.frame,
            skeleton=backend.skeleton.name,
            model=self.context.run.pose.model,
            provider=backend.provider,
            derived=backend.derived,
            persons=tuple(person2d(number, one, picture, full) for number, one in people),
        )

    def hear(self, received: list[Received]) -> None:
        """Take in the fused people, and where the cameras stand by now, for guidance."""
        for one in received:
            if isinstance(one.message, RigPlaces):
                self.follower.cameras = rig.models_at(self.calibrated, one.message.cameras)
            if isinstance(one.message, Pose3D) and self.context.run.pose.guided:
                self._pose = one.message

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


def wait_ns(config: PoseConfig, provider: str) -> int:
    """How long to wait for the other cameras' frames of an instant."""
    usual_ms = 0.0 if provider == "CPU" else GPU_WAIT_MS
    return round((usual_ms if config.batch_wait_ms is None else config.batch_wait_ms) * 1e6)


def _gather(context: Context, source: Subscriber, longest_ns: int) -> list[Received]:
    """What has come; with a deadline also what the other cameras still bring until then."""
    received = source.drain(timeout_ms=POLL_MS)
    until_ns = context.clock.now_ns() + longest_ns
    window_ns = round(context.run.fusion.window_ms * 1e6)
    while longest_ns and not is_whole(received, context.instance.cameras, window_ns):
        left_ms = (until_ns - context.clock.now_ns()) / 1e6
        if left_ms <= 0:
            break
        received += source.drain(timeout_ms=max(1, round(left_ms)))
    return received


def is_whole(received: Sequence[Received], cameras: Sequence[str], window_ns: int) -> bool:
    """Whether the newest instant has all cameras' frames; also where no frame has come at all."""
    newest_ns: dict[str, int] = {}
    for one in received:
        if isinstance(one.message, FrameDescriptor):
            before_ns = newest_ns.get(one.message.camera, 0)
            newest_ns[one.message.camera] = max(before_ns, one.message.t_ns)
    since_ns = max(newest_ns.values(), default=0) - window_ns
    return not newest_ns or all(
        newest_ns.get(camera, since_ns - 1) >= since_ns for camera in cameras
    )


def main(context: Context) -> None:
    """Entry point of the process."""
    worker = int(context.instance.name.rpartition(".")[2])
    backend = open_backend(context.run.pose, worker)
    logging.info("%s runs on %s", context.run.pose.model, backend.provider)
    lossless = any(camera.lossless for camera in context.run.cameras)
    cameras = {} if lossless or not context.run.pose.guided else rig.models_of(context.run)
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        names = [camera.name for camera in context.run.cameras]
        follower = Follower(backend, context.run.pose, names, cameras)
        loop = PoseLoop(context, follower, pulse, cameras)
        longest_ns = wait_ns(context.run.pose, backend.provider)
        context.ready()
        while True:
            stopping = context.stop.is_set()
            received = _gather(context, source, longest_ns)
            loop.hear(received)
            batches = loop.batches(received)
            for batch in batches:
                for keypoints in loop.take(batch):
                    publisher.send("keypoints2d", keypoints)
                for descriptor in batch:
                    loop.release(descriptor)
            pulse.beat(source)
            if stopping and not batches:
                break
        pulse.beat(source, last=True)
