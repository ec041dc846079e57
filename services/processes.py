"""THE list of processes. The supervisor starts these and nothing else.

``reads`` and ``writes`` are topics of ``core/topics.py``; who connects to whom follows from them.
Every process also writes ``health``.
"""

from dataclasses import dataclass, replace
from typing import Literal

from core.config import RunConfig
from core.topics import TOPICS, key

Each = Literal["camera", "cameras_per_worker", "one"]


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of process and how the supervisor treats it."""

    name: str
    entry: str
    """module:function"""
    each: Each
    needed: bool
    """A needed process that keeps failing ends the run; another one stays down, and is shown."""
    stage: int
    """Stopped in this order, each when the one before has handed on what it had."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    ends_within_s: float = 0.5
    """Time to hand on what it has once it is told to stop; then it is killed."""


# fmt: off
PROCESSES: tuple[Process, ...] = (
    Process("camera", "services.camera:main", "camera", needed=False, stage=0,
            writes=("frame", "packet", "camera", "clock")),
    Process("pose", "services.pose:main", "cameras_per_worker", needed=True, stage=1,
            reads=("frame", "camera", "pose3d"), writes=("keypoints2d",), ends_within_s=0.8),
    Process("fusion", "services.fusion:main", "one", needed=True, stage=2,
            reads=("keypoints2d",), writes=("pose3d", "checkpoint", "quality")),
    Process("kinematics", "services.kinematics:main", "one", needed=False, stage=3,
            reads=("pose3d", "subjects"), writes=("angles", "angles_checkpoint")),
    Process("recorder", "services.recorder:main", "one", needed=False, stage=4,
            reads=tuple(topic.name for topic in TOPICS.values() if topic.recorded),
            ends_within_s=1.2),
    Process("monitor", "services.monitor.server:main", "one", needed=False, stage=3,
            reads=("frame", "camera", "keypoints2d", "pose3d", "angles", "quality", "event",
                   "health"), writes=("subjects",)),
)
# fmt: on

SUPERVISOR = Process(
    "supervisor", "", "one", needed=True, stage=9, reads=("health",), writes=("event",)
)


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a run."""

    process: Process
    name: str
    """``fusion``, ``camera.cam01``, ``pose.0`` …"""
    number: int
    cameras: tuple[str, ...] = ()
    """The cameras it serves; all where it serves the rig."""

    def writes(self, topic: str) -> bool:
        """Whether it publishes that topic."""
        return topic == "health" or topic in self.process.writes


def instances(run: RunConfig) -> tuple[Instance, ...]:
    """All processes of a run, the supervisor first; numbers are fixed by the configuration."""
    cameras = tuple(camera.name for camera in run.cameras)
    found = [Instance(SUPERVISOR, "supervisor", 0, cameras)]
    for process in PROCESSES:
        if _wanted(process, run):
            found += _split(process, cameras, run.pose.cameras_per_worker)
    return tuple(replace(one, number=number) for number, one in enumerate(found))


def _wanted(process: Process, run: RunConfig) -> bool:
    if process.name == "recorder":
        return run.recorder.enabled
    if process.name == "kinematics":
        return run.kinematics.enabled and bool(run.kinematics.packed)
    return process.name != "monitor" or run.monitor.enabled


def _split(process: Process, cameras: tuple[str, ...], per_worker: int) -> list[Instance]:
    if process.each == "camera":
        return [Instance(process, f"{process.name}.{name}", 0, (name,)) for name in cameras]
    if process.each == "cameras_per_worker":
        shares = [cameras[i : i + per_worker] for i in range(0, len(cameras), per_worker)]
        return [Instance(process, f"{process.name}.{i}", 0, s) for i, s in enumerate(shares)]
    return [Instance(process, process.name, 0, cameras)]


def endpoint(run: RunConfig, run_folder: str, instance: Instance) -> str:
    """Address on which an instance publishes."""
    if run.bus.transport == "tcp":
        return f"tcp://{run.bus.host}:{run.bus.base_port + instance.number}"
    return f"ipc://{run_folder}/{instance.name}.ipc"


def sources(run: RunConfig, reader: Instance) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """The instances a reader connects to, and the keys it subscribes."""
    keys = tuple(
        name
        for topic in reader.process.reads
        for name in (
            [key(topic, camera) for camera in reader.cameras]
            if TOPICS[topic].per_camera
            else [topic]
        )
    )
    writers = tuple(
        one
        for one in instances(run)
        if any(one.writes(topic) for topic in reader.process.reads)
        and set(one.cameras) & set(reader.cameras)
    )
    return writers, keys
