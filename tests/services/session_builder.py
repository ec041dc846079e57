"""Sessions for tests: messages as the bus brings them, written with times that the test sets."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core import calibration, cameras, fusion, synthetic, wire
from core.config import CameraConfig, FusionConfig, RecorderConfig, RunConfig
from core.fusion import FusionState
from core.messages import (
    SCHEMA_VERSION,
    Checkpoint,
    Header,
    Health,
    Keypoints2D,
    Message,
    Packet,
    Person2D,
)
from core.skeletons import HALPE_26
from core.topics import key
from services import session_places
from services.bus import Received
from services.recorder import backlog_of, second_folder
from services.recorder_disk import Disk
from services.session import Session, Stored
from services.session_life import begin_life, describe
from services.session_writer import SessionWriter

Told = dict[tuple[str, str, int, int], bytes]

CAMERAS = ("cam01", "cam02", "cam03")
START_NS = 1_700_000_000_000_000_000
LIFE_NS = START_NS - 5_000_000_000
FRAME_NS = 16_666_667
PLENTY_BYTES = 10**12
FUSION = FusionConfig(checkpoint_instants=10)


def camera_table(name: str, angle_rad: float) -> str:
    """One camera that looks at the origin from 4 m, as a table of a calibration file."""
    forward = -np.array([np.cos(angle_rad), np.sin(angle_rad), 0.0])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    cam_from_world = np.stack([right, np.cross(forward, right), forward])
    angle = np.arccos((np.trace(cam_from_world) - 1) / 2)
    axis = np.array(
        [
            cam_from_world[2, 1] - cam_from_world[1, 2],
            cam_from_world[0, 2] - cam_from_world[2, 0],
            cam_from_world[1, 0] - cam_from_world[0, 1],
        ]
    ) / (2 * np.sin(angle))
    return f"""[{name}]
name = "{name}"
size = [640.0, 480.0]
matrix = [[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = {(axis * angle).tolist()}
translation = [0.0, 0.0, 4.0]
fisheye = false
"""


CALIBRATION = "\n".join(camera_table(name, 0.3 + 1.1 * i) for i, name in enumerate(CAMERAS))


def run_config(folder: Path, recorder: RecorderConfig | None = None) -> RunConfig:
    """A rig of three cameras; its calibration file is written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rig.toml"
    path.write_text(CALIBRATION)
    return RunConfig(
        cameras=tuple(CameraConfig(name=name) for name in CAMERAS),
        calibration=str(path),
        fusion=FUSION,
        recorder=recorder or RecorderConfig(session=str(folder / "session")),
    )


@dataclass
class Speaker:
    """Numbers the messages of one process as its publisher would."""

    source: str
    life_ns: int = LIFE_NS
    seq: Counter[str] = field(default_factory=Counter)

    def say(self, topic: str, message: Message) -> Received:
        """The message as a subscriber gets it."""
        name = key(topic, getattr(message, "camera", None))
        header = Header(SCHEMA_VERSION, self.source, self.life_ns, self.seq[name])
        self.seq[name] += 1
        raw = wire.encode(message)
        return Received(name, header, wire.decode(name, raw), raw)


def packet(camera: str, number: int, n_bytes: int = 500) -> Packet:
    """A packet whose payload follows from its camera and number."""
    seed = number * 10 + int(camera[-1])
    return Packet(
        t_ns=START_NS + number * FRAME_NS,
        camera=camera,
        frame=number,
        packet=number,
        payload=np.random.default_rng(seed).bytes(n_bytes),
        keyframe=number % 30 == 0,
        pts=number,
        dts=number,
    )


def keypoints(camera: str, frame: int, points_px: np.ndarray | None = None) -> Keypoints2D:
    """One person at ``points_px`` (J, 2), or anywhere."""
    generator = np.random.default_rng(frame * 10 + int(camera[-1]))
    shape = (len(HALPE_26.names), 2)
    points = generator.uniform(0, 400, shape) if points_px is None else points_px
    confidence = generator.uniform(0.5, 1.0, shape[0])
    person = Person2D(1, points.astype("<f4").tobytes(), confidence.astype("<f4").tobytes())
    return Keypoints2D(
        t_ns=START_NS + frame * FRAME_NS,
        stamps={"received": START_NS + frame * FRAME_NS + 1},
        camera=camera,
        frame=frame,
        skeleton=HALPE_26.name,
        model="none",
        provider="none",
        persons=(person,),
    )


def health(process: str, t_ns: int, drops: dict[str, int]) -> Health:
    """Health of a running process."""
    return Health(t_ns=t_ns, process=process, state="running", pid=1, drops=drops)


def walk(n_frames: int, fusion_life_ns: int = LIFE_NS, first: int = 0) -> list[Received]:
    """Keypoints of somebody who walks, and what the fusion says of them, as a recorder hears it."""
    rig = cameras.select(calibration.parse("rig.toml", CALIBRATION), CAMERAS, "rig.toml")
    body_m = synthetic.standing_m() - [0.0, 0.0, 1.0]
    poses, fuser = Speaker("pose.0"), Speaker("fusion", fusion_life_ns)
    poses.seq.update({key("keypoints2d", name): first for name in CAMERAS})
    state, heard = FusionState(), list[Received]()
    for frame in range(first, first + n_frames):
        points_px = cameras.project(rig, body_m + np.array([0.3 * np.sin(frame / 30), 0.0, 0.0]))
        for i, name in enumerate(CAMERAS):
            one = poses.say("keypoints2d", keypoints(name, frame, points_px[i]))
            heard.append(one)
            assert isinstance(one.message, Keypoints2D)
            state, fused = fusion.step(state, one.message, rig, FUSION)
            heard += [fuser.say("pose3d", pose) for pose in fused]
            if fused and fused[-1].instant % FUSION.checkpoint_instants == 0:
                frozen = Checkpoint(
                    t_ns=fused[-1].t_ns, instant=fused[-1].instant, state=fusion.freeze(state)
                )
                heard.append(fuser.say("checkpoint", frozen))
    return heard


def writer_of(
    run: RunConfig,
    *,
    life_ns: int = LIFE_NS,
    free_bytes: Callable[[], int] | None = lambda: PLENTY_BYTES,
    drops: Counter[str] | None = None,
    counts: Counter[str] | None = None,
    said: list[tuple[str, str]] | None = None,
    returns: bool = False,
) -> SessionWriter:
    """A writer for the next life of the recorder in the run's session folder.

    ``free_bytes``: None takes the disk's; ``said`` gathers the events.
    """
    folder = Path(run.recorder.session)
    second = second_folder(run.recorder, folder)
    fresh = describe(run, "run", Path(run.calibration), 0, START_NS)
    manifest = begin_life(folder, fresh, life_ns, second)
    events = [] if said is None else said
    return SessionWriter(
        folder,
        manifest,
        (lambda _: free_bytes()) if free_bytes else session_places.free_bytes,
        Counter[str]() if drops is None else drops,
        Counter[str]() if counts is None else counts,
        second=second,
        say=lambda name, text: events.append((name, text)),
        returns=returns,
    )


class Ticks:
    """A clock that goes on by 10 ms each time it is asked."""

    def __init__(self) -> None:
        self.t_ns = START_NS

    def now_ns(self) -> int:
        """The next tick."""
        self.t_ns += 10_000_000
        return self.t_ns


@dataclass
class Desk:
    """A recorder's backlog and disk without its threads: a test does the rounds."""

    run: RunConfig
    clock: Ticks = field(default_factory=Ticks)
    said: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        drops, counts = Counter[str](), Counter[str]()
        self.backlog = backlog_of(self.run)
        self.writer = writer_of(
            self.run, free_bytes=None, drops=drops, counts=counts, said=self.said, returns=True
        )
        self.disk = Disk(self.backlog, self.writer, self.clock, drops, counts)

    def hear(self, messages: Iterable[Received]) -> None:
        """Put messages into the backlog, and write once."""
        self.backlog.put(messages, self.clock.now_ns())
        self.disk.round(1.0)

    def finish(self) -> None:
        """End the session."""
        self.disk.finish(0, Counter(), time.monotonic() + 60)

    @property
    def events(self) -> list[str]:
        """Names of what was said."""
        return [name for name, _ in self.said]

    @property
    def drops(self) -> Counter[str]:
        """What was lost, by cause."""
        return self.disk.written.drops + self.backlog.drops


def feed(
    writer: SessionWriter, heard: Iterable[Received], *, flush_each: int = 12, start_ns: int = 0
) -> int:
    """Write messages 5 ms apart, flush after every few; returns the time then."""
    now_ns = START_NS + start_ns
    for count, received in enumerate(heard, start=1):
        writer.write(received, now_ns)
        now_ns += 5_000_000
        if count % flush_each == 0:
            writer.flush(now_ns)
    return now_ns


def record(run: RunConfig, heard: Iterable[Received]) -> Path:
    """Record messages into a session that is ended properly; returns its folder."""
    with writer_of(run) as writer:
        writer.close(feed(writer, heard), 0, {})
    return Path(run.recorder.session)


def packets(n: int, names: Sequence[str] = CAMERAS) -> list[Received]:
    """The first packets of some cameras."""
    speakers = {name: Speaker(f"camera.{name}") for name in names}
    return [
        speakers[name].say("packet", packet(name, number)) for number in range(n) for name in names
    ]


def conversation(n: int = 40) -> list[Received]:
    """Packets and keypoints as a recorder hears them."""
    pose = Speaker("pose.0")
    said = [
        pose.say("keypoints2d", keypoints(name, frame)) for frame in range(n) for name in CAMERAS
    ]
    pairs = zip(packets(n), said, strict=True)
    return [one for pair in pairs for one in pair]


def told(messages: list[Received]) -> Told:
    """Bytes of messages by topic, source, life and number."""
    return {(m.key, m.header.source, m.header.life_ns, m.header.seq): m.raw for m in messages}


def read_all(session: Session) -> list[Stored]:
    """The whole of a session."""
    packets = (one for name in session.manifest.cameras for one in session.packets(name))
    return [*session.messages(), *packets]


def retold(session: Session) -> Told:
    """The whole of a session as ``told`` has it."""
    return {
        (m.key, m.header.source, m.header.life_ns, m.header.seq): m.raw for m in read_all(session)
    }
