"""Fusion process: keypoints of every camera in, people in the world out."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from capture.clock import RigClock
from core import (
    fusion,
    mending_state,
    predict,
    quality,
    skeletons,
    steering,
    watch,
    watch_exchange,
    watch_time,
)
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import (
    CameraPlace,
    CameraQuality,
    Checkpoint,
    Decisions,
    Keypoints2D,
    Message,
    PlaceDecision,
    Pose3D,
    RigPlaces,
    RigQuality,
    view,
)
from core.predict import Promises
from core.warm_up import warm_up, warm_up_clocks
from services.bus import Received
from services.child import Context, Pulse
from services.foresight import Foresight
from services.rig import rig_of

POLL_MS = 100
FRAMES_KEPT = 32
LOOK_EACH_NS = 100_000_000
SAY_EACH_NS = 1_000_000_000
OTHER_CLOCK_NS = 3_000_000


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
    decisions: tuple[PlaceDecision, ...] = ()
    """Of the operator, on cameras that moved."""
    refused: int = 0
    foresight: Foresight = field(default_factory=Foresight)
    places: tuple[CameraPlace, ...] = ()
    """Of cameras that moved, as was said last …"""
    said_ns: int = 0
    """… and for which instant."""

    def run(self, stop: threading.Event, beat: Callable[["FusionLoop"], None]) -> None:
        """Fuse until told to stop and nothing is left to read."""
        while True:
            stopping = stop.is_set()
            received = self.source.drain(timeout_ms=POLL_MS)
            for one in received:
                if isinstance(one.message, Keypoints2D):
                    self.take(one.message)
                elif isinstance(one.message, Decisions):
                    self.decisions = one.message.places
            self.foresight.advance(self.state.steering, self.rig, self.config)
            beat(self)
            if stopping and not received:
                return

    def take(self, keypoints: Keypoints2D) -> None:
        """Feed one message and publish what it completed; what cannot be fused is counted."""
        if fusion.refusal(self.state, keypoints, self.rig):
            self.refused += 1
            return
        before = mending_state.in_force(self.state.mending, self.rig)
        self.state, poses = fusion.step(
            self.state,
            keypoints,
            self.rig,
            self.config,
            self.decisions,
            self.foresight.answer,
        )
        in_time = steering.in_time(self.state.steering, keypoints)
        self.watch.remember(in_time, in_time.t_ns - keypoints.t_ns)
        for pose in poses:
            stamps = {**pose.stamps, "fused": self.clock.now_ns()}
            self.publish("pose3d", msgspec.structs.replace(pose, stamps=stamps))
        if poses and poses[-1].instant % self.config.checkpoint_instants == 0:
            self.publish("checkpoint", _checkpoint(poses[-1], self.state))
        if poses:
            self._say_places(poses[-1].t_ns)
        for pose in poses:
            agreement = self.watch.look(pose, before, self.places)
            if agreement is not None:
                told = steering.told(self.state.steering, agreement.cameras, self.config)
                self.publish("quality", msgspec.structs.replace(agreement, cameras=told))

    def _say_places(self, t_ns: int) -> None:
        """With each change, and each second; what changed counts from the instant after."""
        places = mending_state.report(self.state.mending, self.rig)
        if places != self.places or t_ns - self.said_ns >= SAY_EACH_NS:
            self.publish("rig", RigPlaces(t_ns=t_ns, cameras=places))
            self.places, self.said_ns = places, t_ns


def _checkpoint(pose: Pose3D, state: FusionState) -> Checkpoint:
    return Checkpoint(t_ns=pose.t_ns, instant=pose.instant, state=fusion.freeze(state))


def _with_places(
    cameras: tuple[CameraQuality, ...], places: Sequence[CameraPlace]
) -> tuple[CameraQuality, ...]:
    """What is known of cameras that moved goes before what the watch suspects."""
    known = {one.camera: one for one in places}
    return tuple(
        msgspec.structs.replace(
            one, says=known[one.camera].says, turned_deg=known[one.camera].turned_deg
        )
        if one.camera in known
        else one
        for one in cameras
    )


class QualityWatch:
    """Follows how well the cameras agree, a look now and then, and the predictions; a word each
    second."""

    def __init__(self, rig: Rig, config: FusionConfig) -> None:
        self._rig, self._config = rig, config
        self._frames: dict[tuple[str, int], Keypoints2D] = {}
        self._state: watch.Watch | None = None
        self._clocks = watch_time.Clocks()
        self._lateness = watch_time.lateness(self._clocks, len(rig.names))
        self._shifts_ns: dict[str, int] = {}
        self._promises = Promises()
        self._suspicion = watch_exchange.Suspicion()
        self._said_ns = 0

    def remember(self, keypoints: Keypoints2D, shift_ns: int = 0) -> None:
        """Keep the keypoints of the last frames, for the poses made of them.

        ``shift_ns``: in their capture time; when it has changed, lateness is measured anew.
        """
        if abs(shift_ns - self._shifts_ns.get(keypoints.camera, 0)) > OTHER_CLOCK_NS:
            self._shifts_ns[keypoints.camera] = shift_ns
            self._clocks = watch_time.Clocks()
            self._lateness = watch_time.lateness(self._clocks, len(self._rig.names))
        self._frames[keypoints.camera, keypoints.frame] = keypoints
        while len(self._frames) > FRAMES_KEPT * len(self._rig.names):
            del self._frames[next(iter(self._frames))]

    def look(self, pose: Pose3D, rig: Rig, places: Sequence[CameraPlace] = ()) -> RigQuality | None:
        """Take in a pose; return the quality when a second has passed.

        ``rig`` is the one that the pose was made with, ``places`` what is known of moved cameras.
        """
        self._rig = rig
        self._promises = predict.step(self._promises, pose)
        n_keypoints = len(skeletons.named(pose.skeleton).names)
        state = self._state or watch.start(len(self._rig.names), n_keypoints, pose.t_ns)
        if pose.t_ns - state.last_ns >= LOOK_EACH_NS:
            state = self._looked(state, pose)
        self._state = state
        if pose.t_ns - self._said_ns < SAY_EACH_NS:
            return None
        self._said_ns = pose.t_ns
        self._lateness = watch_time.lateness(self._clocks, len(self._rig.names))
        return RigQuality(
            t_ns=pose.t_ns,
            cameras=_with_places(
                watch.report(state, self._rig, self._lateness, self._suspicion.found), places
            ),
            predictions=predict.report(self._promises),
            skeleton=pose.skeleton,
            keypoint_px=state.keypoint_px.astype("<f4").tobytes(),
        )

    def _looked(self, state: watch.Watch, pose: Pose3D) -> watch.Watch:
        """All people of a pose at once: what is learnt from each weighs by the time since."""
        members = {member[0]: member for member in zip(pose.cameras, pose.frames, strict=True)}
        self._suspicion = watch_exchange.step(
            self._suspicion,
            [self._frames.get(members.get(name, ("", 0))) for name in self._rig.names],
            self._rig,
            self._config.min_confidence,
        )
        taken = [self._hold_out(pose, number) for number in range(len(pose.persons))]
        looks = {one.id: seen for one, (_, seen) in zip(pose.persons, taken, strict=True)}
        self._clocks = watch_time.step(self._clocks, pose.t_ns, looks)
        late_s = self._lateness.certain_s
        in_time_px = [seen.in_time_px(late_s) for seen in looks.values()]
        return watch.step(state, pose.t_ns, [views for views, _ in taken], in_time_px)

    def _hold_out(self, pose: Pose3D, number: int) -> tuple[quality.HeldOutViews, watch_time.Look]:
        person = pose.persons[number]
        velocity_px_s = watch_time.image_velocity(
            self._rig,
            view(person, "keypoints_m").astype(np.float64),
            view(person, "velocity_m_s").astype(np.float64),
        )
        points_px, confidence = quality.views_of(pose, number, self._frames, self._rig)
        age_s = np.zeros(len(self._rig.names))
        for member in zip(pose.cameras, pose.frames, strict=True):
            if (seen := self._frames.get(member)) is not None:
                age_s[self._rig.index(member[0])] = (pose.t_ns - seen.t_ns) * 1e-9
        points_px = points_px + np.nan_to_num(velocity_px_s) * age_s[:, None, None]
        return watch_time.look(
            self._rig, points_px, confidence, self._config.min_confidence, velocity_px_s
        )


def main(context: Context) -> None:
    """Entry point of the process."""
    rig = rig_of(context.run)
    warm_up()
    if steering.is_on(context.run.fusion):
        warm_up_clocks()
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)

        def beat(loop: FusionLoop) -> None:
            state = loop.state
            pulse.counts.update(
                fused=state.instants - pulse.counts["fused"],
                bodies=state.people_seen - pulse.counts["bodies"],
            )
            pulse.drops["keypoints late"] = state.alignment.late + state.resampling.late
            pulse.drops["keypoints doubled"] = state.alignment.doubled
            pulse.drops["keypoints refused"] = loop.refused
            if resampled := state.resampling.instants:
                waited_ms = state.resampling.waited_ns * 1e-6 / resampled
                pulse.gauges["waited to interpolate, ms"] = waited_ms
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
