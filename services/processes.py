"""THE list of processes. The supervisor starts these and nothing else.

``reads`` and ``writes`` are topics of ``core/topics.py``; who connects to whom follows from them.
Every process also writes ``health``. What belongs to another host is started there by ``kinelive
join``, and speaks to the hub through the gate.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from core.config import RunConfig
from core.topics import TOPICS, key

Each = Literal["camera", "remote_camera", "cameras_per_worker", "host", "one"]


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
    killed_when_silent: bool = True
    """Where it hangs it is started anew. Not what may wait for a slow disk with data in hand."""


# fmt: off
PROCESSES: tuple[Process, ...] = (
    Process("camera", "services.camera:main", "camera", needed=False, stage=0,
            writes=("frame", "packet", "camera", "clock")),
    Process("gate", "services.gate:main", "one", needed=False, stage=0, ends_within_s=1.5),
    Process("relay", "services.relay:main", "remote_camera", needed=False, stage=1,
            reads=("packet", "camera"), writes=("frame",)),
    Process("pose", "services.pose:main", "cameras_per_worker", needed=True, stage=2,
            reads=("frame", "camera", "pose3d", "rig"), writes=("keypoints2d",), ends_within_s=0.8),
    Process("fusion", "services.fusion:main", "one", needed=True, stage=3,
            reads=("keypoints2d", "decisions"), writes=("pose3d", "checkpoint", "quality", "rig")),
    Process("kinematics", "services.kinematics:main", "one", needed=False, stage=4,
            reads=("pose3d", "subjects"), writes=("angles", "angles_checkpoint")),
    Process("recorder", "services.recorder:main", "one", needed=False, stage=5,
            reads=tuple(topic.name for topic in TOPICS.values() if topic.recorded),
            writes=("event",), ends_within_s=5.0, killed_when_silent=False),
    Process("monitor", "services.monitor.server:main", "one", needed=False, stage=4,
            reads=("frame", "camera", "keypoints2d", "pose3d", "angles", "quality", "rig", "event",
                   "health"), writes=("subjects", "decisions", "event")),
)
# fmt: on

SUPERVISOR = Process(
    "supervisor", "", "one", needed=True, stage=9, reads=("health",), writes=("event",)
)
HOST = Process("host", "", "host", needed=False, stage=9, writes=("event", "host_clock"))
"""The supervisor of another host: ``kinelive join``."""

_OF_ONE_HOST = ("frame",)  # speak of memory that another host does not see


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a run."""

    process: Process
    name: str
    """``fusion``, ``camera.cam01``, ``pose.0`` …"""
    number: int
    cameras: tuple[str, ...] = ()
    """The cameras it serves; all where it serves the rig."""
    host: str = ""
    """Where it runs; empty: on the hub."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What it publishes."""
        said = (*self.process.writes, "health")
        return tuple(one for one in said if not (self.host and one in _OF_ONE_HOST))

    @property
    def is_camera(self) -> bool:
        """Whether it may come to an end of its own: of its footage."""
        return self.process.name == "camera"


def instances(run: RunConfig) -> tuple[Instance, ...]:
    """All processes of a run, the supervisor first; numbers are fixed by the configuration."""
    cameras = tuple(camera.name for camera in run.cameras)
    found = [Instance(SUPERVISOR, "supervisor", 0, cameras)]
    for process in (*PROCESSES, HOST):
        if _wanted(process, run):
            found += _split(process, run)
    return tuple(replace(one, number=number) for number, one in enumerate(found))


def on_host(run: RunConfig, host: str) -> tuple[Instance, ...]:
    """The processes that run on one host, its supervisor included; empty: the hub."""
    return tuple(one for one in instances(run) if one.host == host)


def _wanted(process: Process, run: RunConfig) -> bool:
    if process.name == "recorder":
        return run.recorder.enabled
    if process.name == "kinematics":
        return run.kinematics.enabled and bool(run.kinematics.packed)
    if process.name == "gate":
        return bool(run.hosts)
    return process.name != "monitor" or run.monitor.enabled


def _split(process: Process, run: RunConfig) -> list[Instance]:
    cameras, per_worker = tuple(one.name for one in run.cameras), run.pose.cameras_per_worker
    remote = tuple(one.name for one in run.cameras if one.host)
    match process.each:
        case "camera":
            of = [(one.name, (one.name,), one.host) for one in run.cameras]
        case "remote_camera":
            of = [(name, (name,), "") for name in remote]
        case "cameras_per_worker":
            shares = [cameras[i : i + per_worker] for i in range(0, len(cameras), per_worker)]
            of = [(str(i), share, "") for i, share in enumerate(shares)]
        case "host":
            of = [(host, _hanging_on(run, host), host) for host in run.hosts]
        case "one":
            return [Instance(process, process.name, 0, cameras)]
    return [Instance(process, f"{process.name}.{name}", 0, its, host) for name, its, host in of]


def _hanging_on(run: RunConfig, host: str) -> tuple[str, ...]:
    return tuple(one.name for one in run.cameras if one.host == host)


def endpoint(run: RunConfig, run_folder: str, instance: Instance) -> str:
    """Address on which the hub's processes hear an instance: of another host's, the gate's."""
    if instance.host:
        instance = next(one for one in instances(run) if one.process.name == "gate")
    if run.bus.transport == "tcp":
        return f"tcp://{run.bus.host}:{run.bus.base_port + instance.number}"
    return f"ipc://{run_folder}/{instance.name}.ipc"


def gate_for_packets(run: RunConfig) -> str:
    """Address to which the processes of other hosts bring what they say."""
    return f"tcp://{run.bus.host}:{run.bus.base_port - 2}"


def gate_for_questions(run: RunConfig) -> str:
    """Address on which other hosts ask."""
    return f"tcp://{run.bus.host}:{run.bus.base_port - 1}"


def keys_of(instance: Instance) -> tuple[str, ...]:
    """The keys an instance publishes under."""
    return _keys(instance.topics, instance)


def sources(run: RunConfig, reader: Instance) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """The instances a reader connects to, and the keys it subscribes."""
    writers = tuple(
        one
        for one in instances(run)
        if set(one.topics) & set(reader.process.reads) and set(one.cameras) & set(reader.cameras)
    )
    return writers, _keys(reader.process.reads, reader)


def addresses(run: RunConfig, run_folder: str, writers: Iterable[Instance]) -> tuple[str, ...]:
    """Where to connect to hear these; each address once."""
    return tuple(dict.fromkeys(endpoint(run, run_folder, one) for one in writers))


def _keys(topics: Iterable[str], instance: Instance) -> tuple[str, ...]:
    return tuple(
        name
        for topic in topics
        for name in (
            [key(topic, camera) for camera in instance.cameras]
            if TOPICS[topic].per_camera
            else [topic]
        )
    )
