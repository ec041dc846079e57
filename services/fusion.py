"""Fusion process: keypoints of every camera in, people in the world out."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from capture.clock import RigClock
from core import fusion
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Checkpoint, Keypoints2D, Message, Pose3D
from services.bus import Received
from services.child import Context, Pulse
from services.rig import rig_of

POLL_MS = 100


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

    def run(self, stop: threading.Event, beat: Callable[[FusionState], None]) -> None:
        """Fuse until told to stop and nothing is left to read."""
        while True:
            stopping = stop.is_set()
            received = self.source.drain(timeout_ms=POLL_MS)
            for one in received:
                if isinstance(one.message, Keypoints2D):
                    self.take(one.message)
            beat(self.state)
            if stopping and not received:
                return

    def take(self, keypoints: Keypoints2D) -> None:
        """Feed one message and publish what it completed."""
        self.state, poses = fusion.step(self.state, keypoints, self.rig, self.config)
        for pose in poses:
            stamps = {**pose.stamps, "fused": self.clock.now_ns()}
            self.publish("pose3d", msgspec.structs.replace(pose, stamps=stamps))
        if poses and poses[-1].instant % self.config.checkpoint_instants == 0:
            self.publish("checkpoint", _checkpoint(poses[-1], self.state))


def _checkpoint(pose: Pose3D, state: FusionState) -> Checkpoint:
    return Checkpoint(t_ns=pose.t_ns, instant=pose.instant, state=fusion.freeze(state))


def main(context: Context) -> None:
    """Entry point of the process."""
    rig = rig_of(context.run)
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)

        def beat(state: FusionState) -> None:
            pulse.counts.update(
                fused=state.instants - pulse.counts["fused"],
                bodies=state.bodies_seen - pulse.counts["bodies"],
            )
            pulse.drops["keypoints late"] = state.alignment.late
            pulse.drops["keypoints doubled"] = state.alignment.doubled
            pulse.beat(source)

        loop = FusionLoop(
            source, publisher.send, rig, context.run.fusion, context.clock, FusionState()
        )
        context.ready()
        loop.run(context.stop, beat)
        pulse.beat(source, last=True)
