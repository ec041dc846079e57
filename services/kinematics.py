"""Kinematics process: people in the world in, joint coordinates of those of interest out.

It takes every pose, in order, for the marker networks have a memory; where it cannot keep up the
oldest ones are dropped and counted.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from core.kinematics import live
from core.kinematics.live import Body, LiveState
from core.kinematics.settings import KinematicsConfig
from core.kinematics.warm_up import warm_up
from core.messages import Checkpoint, JointAngles, Message, Pose3D, SizeRequest, Subjects
from services.body_models import body_of
from services.bus import Received
from services.child import Context, Pulse

POLL_MS = 100
MOST_WAITING = 30
"""Poses, two seconds of them: older ones would only make all that follows late."""

Ids = tuple[int, ...]


class Source(Protocol):
    """Where messages come from: the bus, or a list in a test."""

    def drain(self, timeout_ms: int) -> list[Received]:
        """All that waits; wait so long for the first."""
        ...


class Clock(Protocol):
    """What tells the time."""

    def now_ns(self) -> int:
        """Time on the rig clock."""
        ...


@dataclass
class KinematicsLoop:
    """Feeds the step; ``state`` is where it stands."""

    source: Source
    publish: Callable[[str, Message], None]
    body: Body
    config: KinematicsConfig
    clock: Clock
    subjects: Ids = ()
    size_requests: tuple[SizeRequest, ...] = ()
    old_requests: frozenset[int] | None = None
    """Numbers of those that an earlier life of this process has answered; None: not known yet."""
    most_waiting: int = MOST_WAITING
    """0 = as many as come: nothing is dropped."""
    state: LiveState = field(default_factory=LiveState)
    counts: Counter[str] = field(default_factory=Counter[str])
    drops: Counter[str] = field(default_factory=Counter[str])
    waiting: deque[Pose3D] = field(default_factory=deque[Pose3D])

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Compute until told to stop and nothing is left to read."""
        while True:
            stopping = stop.is_set()
            received = self.source.drain(timeout_ms=0 if self.waiting else POLL_MS)
            for one in received:
                self.take(one.message)
            if self.waiting:
                self.compute(self.waiting.popleft())
            beat()
            if stopping and not received and not self.waiting:
                return

    def take(self, message: Message) -> None:
        """Put a pose in the queue, or hear who is of interest, and of what size, from now on."""
        if isinstance(message, Subjects):
            self._hear(message)
        if isinstance(message, Pose3D):
            self.waiting.append(message)
            if 0 < self.most_waiting < len(self.waiting):
                self.waiting.popleft()
                self.drops["poses too late"] += 1

    def _hear(self, said: Subjects) -> None:
        """Those who ask repeat themselves: what the first message of all asks is old."""
        if self.old_requests is None:
            self.old_requests = frozenset(one.number for one in said.size_requests)
        new = (one for one in said.size_requests if one.number not in self.old_requests)
        self.subjects, self.size_requests = said.ids, tuple(new)

    def compute(self, pose: Pose3D) -> None:
        """Compute one instant and publish it; now and then the whole state, too."""
        self.state, found = live.step(
            self.state, pose, self.body, self.config, self.subjects, self.size_requests
        )
        stamps = {**found.stamps, "angles": self.clock.now_ns()}
        self.publish("angles", msgspec.structs.replace(found, stamps=stamps))
        self.counts["instants"] += 1
        self.counts["instants with angles"] += has_angles(found)
        if pose.instant % self.config.checkpoint_instants == 0:
            state = live.freeze(self.state)
            self.publish(
                "angles_checkpoint", Checkpoint(t_ns=pose.t_ns, instant=pose.instant, state=state)
            )


def has_angles(angles: JointAngles) -> bool:
    """Whether somebody's joints were measured at that instant."""
    return any(one.status in ("found", "tracked") for one in angles.persons)


def main(context: Context) -> None:
    """Entry point of the process."""
    run = context.run
    body = body_of(run.kinematics, Path(run.kinematics.packed))
    warm_up(body, run.kinematics)
    lossless = all(camera.lossless for camera in run.cameras)
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        loop = KinematicsLoop(
            source,
            publisher.send,
            body,
            run.kinematics,
            context.clock,
            run.monitor.subjects,
            old_requests=None if context.has_started() else frozenset(),
            most_waiting=0 if lossless else MOST_WAITING,
        )

        def beat() -> None:
            pulse.counts, pulse.drops = loop.counts, loop.drops
            pulse.beat(source)

        context.ready()
        loop.run(context.stop, beat)
        pulse.beat(source, last=True)
