"""Fusion process: keypoints of every camera in, people in the world out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from capture.clock import RigClock
from core import fusion, predict, quality, watch
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Checkpoint, Keypoints2D, Message, Pose3D, RigQuality
from core.predict import Promises
from core.warm_up import warm_up
from services.bus import Received
from services.child import Context, Pulse
from services.rig import rig_of

POLL_MS = 100
FRAMES_KEPT = 32
LOOK_EACH_NS = 100_000_000
SAY_EACH_NS = 1_000_000_000


class Source(Protocol):
    """Where messages come from: the bus, or a list in a test."""

    def drain(self, timeout_ms: int) -> list[Received]:
        """All that waits; wait so long for the first."""
        ...


@dataclass
class FusionLoop:
    """Feeds the step; ``state`` is where it stands."""

    source: Source
    publish: Callable[[str, Message], None]
    rig: Rig
    config: FusionConfig
    clock: RigClock
    state: FusionState
    watch: "QualityWatch"
    refused: int = 0

    def run(self, stop: threading.Event, beat: Callable[["FusionLoop"], None]) -> None:
        """Fuse until told to stop and nothing is left to read."""
        while True:
            stopping = stop.is_set()
            received = self.source.drain(timeout_ms=POLL_MS)
            for one in received:
                if isinstance(one.message, Keypoints2D):
                    self.take(one.message)
            beat(self)
            if stopping and not received:
                return

    def take(self, keypoints: Keypoints2D) -> None:
        """Feed one message and publish what it completed; what cannot be fused is counted."""
        if fusion.refusal(self.state, keypoints, self.rig):
            self.refused += 1
            return
        self.watch.remember(keypoints)
        self.state, poses = fusion.step(self.state, keypoints, self.rig, self.config)
        for pose in poses:
            stamps = {**pose.stamps, "fused": self.clock.now_ns()}
            self.publish("pose3d", msgspec.structs.replace(pose, stamps=stamps))
        if poses and poses[-1].instant % self.config.checkpoint_instants == 0:
            self.publish("checkpoint", _checkpoint(poses[-1], self.state))
        for pose in poses:
            agreement = self.watch.look(pose)
            if agreement is not None:
                self.publish("quality", agreement)


def _checkpoint(pose: Pose3D, state: FusionState) -> Checkpoint:
    return Checkpoint(t_ns=pose.t_ns, instant=pose.instant, state=fusion.freeze(state))


class QualityWatch:
    """Follows how well the cameras agree, a look now and then, and the predictions; a word each
    second."""

    def __init__(self, rig: Rig, config: FusionConfig) -> None:
        self._rig, self._config = rig, config
        self._frames: dict[tuple[str, int], Keypoints2D] = {}
        self._state: watch.Watch | None = None
        self._promises = Promises()
        self._said_ns = 0

    def remember(self, keypoints: Keypoints2D) -> None:
        """Keep the keypoints of the last frames, for the poses made of them."""
        self._frames[keypoints.camera, keypoints.frame] = keypoints
        while len(self._frames) > FRAMES_KEPT * len(self._rig.names):
            del self._frames[next(iter(self._frames))]

    def look(self, pose: Pose3D) -> RigQuality | None:
        """Take in a pose; return the quality when a second has passed."""
        self._promises = predict.step(self._promises, pose)
        state = self._state or watch.start(len(self._rig.names), pose.t_ns)
        if pose.t_ns - state.last_ns >= LOOK_EACH_NS:
            for number in range(len(pose.persons)):
                seen = quality.views_of(pose, number, self._frames, self._rig)
                views = quality.hold_out(self._rig, *seen, self._config.min_confidence)
                state = watch.step(state, pose.t_ns, views)
        self._state = state
        if pose.t_ns - self._said_ns < SAY_EACH_NS:
            return None
        self._said_ns = pose.t_ns
        return RigQuality(
            t_ns=pose.t_ns,
            cameras=watch.report(state, self._rig),
            predictions=predict.report(self._promises),
        )


def main(context: Context) -> None:
    """Entry point of the process."""
    rig = rig_of(context.run)
    warm_up()
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)

        def beat(loop: FusionLoop) -> None:
            state = loop.state
            pulse.counts.update(
                fused=state.instants - pulse.counts["fused"],
                bodies=state.people_seen - pulse.counts["bodies"],
            )
            pulse.drops["keypoints late"] = state.alignment.late
            pulse.drops["keypoints doubled"] = state.alignment.doubled
            pulse.drops["keypoints refused"] = loop.refused
            pulse.beat(source)

        loop = FusionLoop(
            source,
            publisher.send,
            rig,
            context.run.fusion,
            context.clock,
            FusionState(),
            QualityWatch(rig, context.run.fusion),
        )
        context.ready()
        loop.run(context.stop, beat)
        pulse.beat(source, last=True)
