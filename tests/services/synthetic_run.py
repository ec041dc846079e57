"""A run without devices and networks: a walker, seen by four cameras, said on a real bus."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from capture.clock import wall_clock
from capture.ring import RingWriter
from core import synthetic
from core.cameras import project
from core.config import CameraConfig, MonitorConfig, RecorderConfig, RunConfig
from core.kinematics.settings import KinematicsConfig
from core.messages import (
    AnglesStatus,
    BodySize,
    CameraPlace,
    Event,
    FrameDescriptor,
    Health,
    JointAngles,
    Message,
    Person3D,
    PersonAngles,
    Pose3D,
    RigPlaces,
    Walking,
)
from core.skeletons import HALPE_26
from services import processes
from services.bus import Publisher
from services.child import Context
from services.monitor import server
from tests.services import synthetic_words as words

F64 = NDArray[np.float64]
T = TypeVar("T")

RATE_HZ = 15.0
FRAMES_A_PICTURE = 4
SIZE_PX = words.SIZE_PX
SLOTS = 4
COORDINATES = tuple(
    f"{name}_{side}"
    for name in ("knee_angle", "hip_flexion", "ankle_angle", "elbow_flex", "mtp_angle")
    for side in "lr"
)
N_OBSERVED = 8
_APART_M = (np.zeros(3), np.array([0.9, 1.1, 0.0]), np.array([-1.2, 0.6, 0.0]))


def settings(n_cameras: int = 4, monitor: MonitorConfig | None = None) -> RunConfig:
    return RunConfig(
        cameras=tuple(CameraConfig(name=f"cam{i + 1:02d}") for i in range(n_cameras)),
        calibration="none",
        kinematics=KinematicsConfig(packed="none"),
        recorder=RecorderConfig(session="walk-07"),
        monitor=monitor or MonitorConfig(port=0),
    )


@contextmanager
def run_folder() -> Iterator[Path]:
    """A short one: the path of a socket may have about 100 characters."""
    folder = Path(tempfile.mkdtemp(prefix="kinelive-test-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def until(look: Callable[[], T | None], seconds: float = 30.0) -> T:
    """First answer that is not None or False; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.005)
    raise AssertionError(f"not within {seconds} s")


class SyntheticRun:
    """Every process but the monitor. ``say_instant`` publishes all that belongs to one instant."""

    def __init__(self, folder: Path, run: RunConfig, n_persons: int = 1) -> None:
        self.folder, self.run = folder, run
        self.clock = wall_clock()
        self.life_ns = self.clock.now_ns()
        self.n_persons = n_persons
        self.still = False
        """Stand still, but go on saying so."""
        self.silent: set[str] = set()
        """Topics, or cameras by name, that say nothing for now."""
        self.poses: list[Pose3D] = []
        self.coordinates: tuple[str, ...] | None = None
        """Names given to the angles instead of their own."""
        self.angles_status: AnglesStatus = "tracked"
        self.size = BodySize("measuring", 34, 160, 20)
        self.places: tuple[CameraPlace, ...] = ()
        """Of cameras that moved."""
        self._rig = synthetic.ring(len(run.cameras))
        self._walk_m = synthetic.walk_m(int(6 * RATE_HZ), RATE_HZ)
        self._instant = self._step = 0
        self._open = ExitStack()
        poses = [
            {
                "name": name,
                "width_px": synthetic.WIDTH_PX,
                "height_px": synthetic.HEIGHT_PX,
                "image_from_cam": self._rig.image_from_cam[i].tolist(),
                "cam_from_world": self._rig.cam_from_world[i].tolist(),
            }
            for i, name in enumerate(self._rig.names)
        ]
        (folder / "calibration.json").write_bytes(msgspec.json.encode(poses))

    def context(self, name: str) -> Context:
        found = next(one for one in processes.instances(self.run) if one.name == name)
        return Context(self.run, self.folder, found, self.clock, self.life_ns, threading.Event())

    def __enter__(self) -> "SyntheticRun":
        names = [one.name for one in processes.instances(self.run) if one.name != "monitor"]
        self.publishers: dict[str, Publisher] = {
            name: self._open.enter_context(self.context(name).publisher()) for name in names
        }
        self._rings = {
            name: self._open.enter_context(
                RingWriter(self.folder / f"{name}.{self.life_ns}.ring", SLOTS, 3 * 960 * 540)
            )
            for name in self._rig.names
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def say(self, process: str, topic: str, message: Message) -> None:
        if topic not in self.silent:
            self.publishers[process].send(topic, message)

    def say_instant(self) -> Pose3D:
        """Pictures, keypoints, pose, angles of one instant; health and the like once a second."""
        t_ns = self.clock.now_ns()
        people_m = self._people_m()
        for i, name in enumerate(self._rig.names):
            if name not in self.silent:
                self._say_camera(i, name, t_ns, [project(self._rig, one)[i] for one in people_m])
        pose = self._pose(t_ns, people_m)
        self.poses.append(pose)
        self.say("fusion", "pose3d", pose)
        self.say("kinematics", "angles", self._angles(pose))
        if self._instant % round(RATE_HZ) == 0:
            self._say_slow_things(t_ns)
        self._instant += 1
        self._step += not self.still
        return pose

    def _angles(self, pose: Pose3D) -> JointAngles:
        return JointAngles(
            t_ns=pose.t_ns,
            stamps={**pose.stamps, "angles": self.clock.now_ns()},
            instant=pose.instant,
            coordinates=self.coordinates or COORDINATES,
            persons=tuple(self._angles_of(person.id) for person in pose.persons),
        )

    def _angles_of(self, number: int) -> PersonAngles:
        """Each coordinate swings, shifted against the one before; those after the eighth unseen."""
        n = len(self.coordinates or COORDINATES)
        phase = 2 * np.pi * (0.9 * self._step / RATE_HZ + np.arange(n) / 8) + number
        measured = self.angles_status in ("found", "tracked")
        value = np.where(measured, 0.5 + 0.4 * np.sin(phase), np.nan)
        return PersonAngles(
            id=number,
            status=self.angles_status,
            value=value.astype("<f4").tobytes(),
            sd=np.full(n, 0.05, "<f4").tobytes(),
            rate=np.where(measured, np.cos(phase), np.nan).astype("<f4").tobytes(),
            observed=(measured & (np.arange(n) < N_OBSERVED)).astype(np.uint8).tobytes(),
            height_m=1.75,
            marker_rms_m=0.02,
            walking=Walking(108.0, {"left": 0.55, "right": 0.56}, 0.98) if measured else None,
            size=self.size,
        )

    def _people_m(self) -> list[F64]:
        length = len(self._walk_m)
        return [
            self._walk_m[(self._step + 23 * i) % length] + _APART_M[i]
            for i in range(self.n_persons)
        ]

    def _pose(self, t_ns: int, people_m: list[F64]) -> Pose3D:
        n = len(HALPE_26.names)
        return Pose3D(
            t_ns=t_ns,
            instant=self._instant,
            skeleton=HALPE_26.name,
            cameras=self._rig.names,
            frames=tuple(self._frame for _ in self._rig.names),
            consumed=(),
            persons=tuple(
                Person3D(
                    id=i + 1,
                    keypoints_m=one.astype("<f4").tobytes(),
                    covariance_m2=words.covariance_m2(n),
                    velocity_m_s=bytes(n * 12),
                    predicted_m=bytes(n * 12),
                    measured_m=one.astype("<f4").tobytes(),
                    confidence=np.full(n, 0.9, "<f4").tobytes(),
                    n_views=np.full(n, 4, np.uint8).tobytes(),
                    detections=tuple(i for _ in self._rig.names),
                )
                for i, one in enumerate(people_m)
            ),
        )

    @property
    def _frame(self) -> int:
        return self._instant * FRAMES_A_PICTURE

    def _say_camera(self, number: int, name: str, t_ns: int, people_px: list[F64]) -> None:
        slot, lock = self._rings[name].write(words.picture(people_px, self._instant))
        self.say(f"camera.{name}", "frame", self._descriptor(name, t_ns, slot, lock))
        nobody = synthetic.keypoints(name, self._frame, t_ns, np.full((26, 2), np.nan))
        persons = tuple(words.person(i, one) for i, one in enumerate(people_px))
        derived = sum(1 << HALPE_26.index(joint) for joint in ("Head", "Neck", "Hip"))
        message = msgspec.structs.replace(nobody, persons=persons, derived=derived)
        self.say(f"pose.{number // 2}", "keypoints2d", message)

    def _descriptor(self, name: str, t_ns: int, slot: int, lock: int) -> FrameDescriptor:
        return FrameDescriptor(
            t_ns=t_ns,
            camera=name,
            frame=self._frame,
            ring=f"{name}.{self.life_ns}.ring",
            slot=slot,
            lock=lock,
            width_px=SIZE_PX[0],
            height_px=SIZE_PX[1],
            full_width_px=synthetic.WIDTH_PX,
            full_height_px=synthetic.HEIGHT_PX,
            time_origin="file",
            time_uncertainty_ns=0,
        )

    def _say_slow_things(self, t_ns: int) -> None:
        for name in self._rig.names:
            self.say(f"camera.{name}", "camera", words.status(name, t_ns))
        self.say("fusion", "quality", words.quality(self._rig.names, t_ns))
        self.say("fusion", "rig", RigPlaces(t_ns=t_ns, cameras=self.places))
        for number, name in enumerate(self.publishers):
            drops = {"late": 3, "not decodable": 1} if name == "camera.cam02" else {}
            self.say(
                name,
                "health",
                Health(t_ns=t_ns, process=name, state="running", pid=number, drops=drops),
            )
        if self._instant == 0:
            started = Event(t_ns=t_ns, name="start", text="all processes are ready")
            self.say("supervisor", "event", started)


@contextmanager
def playing(run: SyntheticRun) -> Iterator[None]:
    """Say instants at their rate, in a thread that owns the sockets."""
    stop = threading.Event()

    def play() -> None:
        with run:
            due = time.monotonic()
            while not stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / RATE_HZ, time.monotonic())
                run.say_instant()

    thread = threading.Thread(target=play, name="synthetic-run")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def monitor(run: SyntheticRun, seconds_to_end: float = 5.0) -> Iterator[str]:
    """The real monitor process in a thread; gives its address."""
    context = run.context("monitor")
    for old in ("monitor.ready", "monitor.url"):
        (run.folder / old).unlink(missing_ok=True)
    thread = threading.Thread(target=server.main, args=(context,), name="monitor")
    thread.start()
    try:
        until(lambda: (run.folder / "monitor.ready").exists() or not thread.is_alive(), 60.0)
        yield (run.folder / "monitor.url").read_text()
    finally:
        context.stop.set()
        thread.join(seconds_to_end)
        assert not thread.is_alive(), "the monitor did not end"
