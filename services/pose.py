"""Pose process: pictures of its cameras in, 2D keypoints out.

The newest picture of each camera counts; what it passes over is counted. With cameras that wait
(replay at full speed) each picture is taken in its turn.
"""

import logging
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capture.ring import RingReader
from core import thinning
from core.errors import CameraError
from core.messages import FrameDescriptor, Keypoints2D, Message, Person2D
from core.pose import blazepose
from core.pose.crops import Roi
from core.skeletons import HALPE_26
from core.thinning import Thinning
from core.timebase import grid_cell
from services import models
from services.bus import Received, newest_by_key
from services.child import Context, Pulse
from services.inference import BlazePose, open_blazepose

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
POLL_MS = 100
STARVED_NS = 100_000_000


@dataclass
class Track:
    """The person a camera follows."""

    roi: Roi | None = None
    person: int = 0


@dataclass
class PoseLoop:
    """Estimates the poses of some cameras."""

    context: Context
    network: BlazePose
    pulse: Pulse
    _rings: dict[str, RingReader] = field(default_factory=dict)
    _tracks: dict[str, Track] = field(default_factory=dict)
    _thinning: Thinning = field(default_factory=Thinning)

    def take(self, descriptor: FrameDescriptor) -> Keypoints2D | None:
        """Keypoints of one frame; None, and counted, when its picture is gone."""
        self.pulse.counts["frames"] += 1
        started_ns = self.context.clock.now_ns()
        ring = self._ring(descriptor)
        if ring is None:
            self.pulse.drops["ring gone"] += 1
            return None
        size = descriptor.height_px, descriptor.width_px
        picture = ring.picture(descriptor.slot, descriptor.lock, size)
        if picture is None:
            self.pulse.drops["overwritten"] += 1
            return None
        track = self._tracks.setdefault(descriptor.camera, Track())
        before = Track(track.roi, track.person)
        found = self._follow(track, picture)
        if not ring.holds(descriptor.slot, descriptor.lock):
            self._tracks[descriptor.camera] = before
            self.pulse.drops["overwritten"] += 1
            return None
        self.pulse.counts["processed"] += 1
        return self._message(descriptor, found, track.person, started_ns)

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

    def _follow(self, track: Track, picture: U8) -> tuple[F64, F64] | None:
        """HALPE_26 points (26, 2) of the ring's picture and confidence (26,), or nobody."""
        if track.roi is None:
            self.pulse.counts["detections"] += 1
            people = self.network.detect(picture)
            if not people:
                return None
            track.roi = blazepose.roi_of(*people[0].keypoints_px[:2])
            track.person += 1
        landmarks = self.network.landmarks(picture, track.roi)
        if landmarks.presence < self.context.run.pose.min_presence:
            track.roi = None
            return None
        track.roi = blazepose.next_roi(landmarks)
        return blazepose.to_halpe26(landmarks)

    def _message(
        self,
        descriptor: FrameDescriptor,
        found: tuple[F64, F64] | None,
        person: int,
        started_ns: int,
    ) -> Keypoints2D:
        persons: tuple[Person2D, ...] = ()
        if found is not None:
            points, confidence = found
            reduced = np.array([descriptor.width_px, descriptor.height_px])
            full = np.array([descriptor.full_width_px, descriptor.full_height_px])
            pixels = points * full / reduced - 0.5  # continuous to pixel centres
            raw = pixels.astype("<f4").tobytes(), confidence.astype("<f4").tobytes()
            persons = (Person2D(person, *raw),)
        done_ns = self.context.clock.now_ns()
        stamps = {"pose_started": started_ns, "pose": done_ns}
        self._thinning = thinning.step(self._thinning, descriptor.t_ns, done_ns - started_ns)
        self.pulse.gauges["level"] = self._thinning.level
        return Keypoints2D(
            t_ns=descriptor.t_ns,
            stamps={**descriptor.stamps, **stamps},
            camera=descriptor.camera,
            frame=descriptor.frame,
            skeleton=HALPE_26.name,
            model=self.context.run.pose.model,
            provider=self.network.provider,
            derived=blazepose.DERIVED_BITS,
            persons=persons,
        )

    def choose(self, received: list[Received]) -> list[FrameDescriptor]:
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
    network = open_blazepose(models.ensure("blazepose", offline=True), context.run.pose)
    logging.info("%s runs on %s", context.run.pose.model, network.provider)
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        loop = PoseLoop(context, network, pulse)
        _warm_up(network)
        context.ready()
        while True:
            stopping = context.stop.is_set()
            received = source.drain(timeout_ms=POLL_MS)
            for descriptor in loop.choose(received):
                keypoints = loop.take(descriptor)
                loop.release(descriptor)
                if keypoints is not None:
                    publisher.send("keypoints2d", keypoints)
            pulse.beat(source)
            if stopping and not received:
                break
        pulse.beat(source, last=True)


def _warm_up(network: BlazePose) -> None:
    """Run both networks once, so that the first frame does not pay for it."""
    picture = np.zeros((256, 256, 3), np.uint8)
    network.detect(picture)
    network.landmarks(picture, Roi(128.0, 128.0, 256.0, 0.0))
