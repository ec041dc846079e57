"""What a session amounts to: frames, drops, latency, joint angles, error in a held-out camera."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core import calibration, cameras, quality
from core.messages import Health, JointAngles, Keypoints2D, Message, Pose3D
from services.places import PlacesLog
from services.session import Session, Stored

_STAGES = {"capture": "received", "pose": "pose", "fused": "fused"}
"""What they are called here, and in the stamps."""
_MEASURED = ("found", "tracked")
SETTLED_NS = 2_000_000_000
"""The recorder may store a pose before the keypoints it stems from; after so long all are there."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of one session."""

    frames_in: int
    frames_processed: int
    drops: dict[str, int]
    """Frames dropped on purpose, by reason."""
    fused: int
    duration_s: float
    persons: int
    all_cameras_share: float
    """Part of the instants in which every camera saw the person."""
    latency_ms: dict[str, float]
    """Capture to fused pose."""
    stage_latency_ms: dict[str, dict[str, float]]
    """Capture to when each stage was done: picture received, keypoints, fused pose, angles."""
    instants_with_angles: int
    """Instants in which somebody's joints were measured."""
    held_out_px: dict[str, float]

    @property
    def frames_dropped(self) -> int:
        """All drops together."""
        return sum(self.drops.values())

    @property
    def frames_unaccounted(self) -> int:
        """Frames of which nothing is known: 0 unless a process was killed."""
        return self.frames_in - self.frames_processed - self.frames_dropped


def summarise(session: Session) -> Summary:
    """Read a session once."""
    models = calibration.parse(session.manifest.calibration_name, session.calibration_text)
    names = session.manifest.cameras
    rig = cameras.select(models, names, session.manifest.calibration_name)
    found = _Reading()
    for stored in session.messages(_topics(session)):
        found.take(stored)
        found.settle(rig, session.run.fusion.min_confidence, SETTLED_NS)
    found.settle(rig, session.run.fusion.min_confidence, 0)
    return found.summary(names)


def _topics(session: Session) -> list[str]:
    """Angles only where this kind of them was recorded."""
    has_angles = bool(session.run.kinematics.packed)
    return ["health", "keypoints2d", "pose3d", "rig", *(["angles"] if has_angles else [])]


class _Reading:
    """What is gathered on the way through a session."""

    def __init__(self) -> None:
        self.last_health: dict[tuple[str, int], Health] = {}
        self.frames: dict[tuple[str, int], Keypoints2D] = {}
        self.newest_ns = 0
        self.waiting: deque[Pose3D] = deque()
        self.latency_ns: dict[str, list[int]] = {}
        self.with_angles = 0
        self.times_ns: list[int] = []
        self.ids: set[tuple[int, int]] = set()
        self.whole = 0
        self.errors: list[dict[str, quality.F64]] = []
        self.places = PlacesLog()

    def take(self, stored: Stored) -> None:
        message = stored.message
        self.places.take(message)
        if isinstance(message, Health):
            self.last_health[message.process, stored.header.life_ns] = message
        elif isinstance(message, Keypoints2D):
            self.frames[message.camera, message.frame] = message
        elif isinstance(message, JointAngles):
            self._late("angles", "angles", message)
            self.with_angles += any(one.status in _MEASURED for one in message.persons)
        elif isinstance(message, Pose3D):
            self.newest_ns = max(self.newest_ns, message.t_ns)
            self.waiting.append(message)
            self.ids |= {(stored.header.life_ns, person.id) for person in message.persons}

    def settle(self, rig: cameras.Rig, min_confidence: float, age_ns: int) -> None:
        """Take in the poses that are older than ``age_ns``."""
        while self.waiting and self.newest_ns - self.waiting[0].t_ns >= age_ns:
            pose = self.waiting.popleft()
            self.times_ns.append(pose.t_ns)
            for stage, stamp in _STAGES.items():
                self._late(stage, stamp, pose)
            members = [self.frames.get(one) for one in zip(pose.cameras, pose.frames, strict=True)]
            seen = sum(1 for one in members if one is not None and one.persons)
            self.whole += seen == len(rig.names)
            in_force = self.places.rig_at(pose.t_ns, rig)
            self.errors.append(quality.of_pose(pose, self.frames, in_force, min_confidence))
            self._forget_frames_before(pose.t_ns - SETTLED_NS)

    def _late(self, stage: str, stamp: str, message: Message) -> None:
        if stamp in message.stamps:
            self.latency_ns.setdefault(stage, []).append(message.stamps[stamp] - message.t_ns)

    def _forget_frames_before(self, t_ns: int) -> None:
        for member, one in list(self.frames.items()):
            if one.t_ns >= t_ns:
                break
            del self.frames[member]

    def summary(self, names: tuple[str, ...]) -> Summary:
        lives = list(self.last_health.values())
        cameras_ = [one for one in lives if one.process.startswith("camera.")]
        relays = [one for one in lives if one.process.startswith("relay.")]
        workers = [one for one in lives if one.process.startswith("pose.")]
        return Summary(
            frames_in=_total(cameras_, "frames"),
            frames_processed=_total(workers, "processed"),
            drops=dict(_drops((*cameras_, *relays, *workers))),
            fused=len(self.times_ns),
            duration_s=(max(self.times_ns) - min(self.times_ns)) * 1e-9 if self.times_ns else 0.0,
            persons=len(self.ids),
            all_cameras_share=self.whole / len(self.times_ns) if self.times_ns else 0.0,
            latency_ms=_percentiles_ms(self.latency_ns.get("fused", [])),
            stage_latency_ms={k: _percentiles_ms(one) for k, one in self.latency_ns.items()},
            instants_with_angles=self.with_angles,
            held_out_px=quality.gather(self.errors, names).table(),
        )


def _total(lives: Iterable[Health], count: str) -> int:
    return sum(one.counts.get(count, 0) for one in lives)


def _drops(lives: Iterable[Health]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in lives:
        for reason, count in one.drops.items():
            if not reason.startswith("lost ") or reason.startswith("lost frame/"):
                total[reason] += count
    return total


def _percentiles_ms(latency_ns: list[int]) -> dict[str, float]:
    if not latency_ns:
        return {"p50": float("nan"), "p95": float("nan")}
    p50, p95 = np.percentile(np.array(latency_ns) / 1e6, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}
