"""A message of each recorded topic, of a rig of four cameras, for tests of the recorder."""

from collections.abc import Iterator

import numpy as np

from core.config import CameraConfig, KinematicsConfig, RecorderConfig, RunConfig
from core.messages import (
    Checkpoint,
    ClockSample,
    Decisions,
    Event,
    HostClockSample,
    JointAngles,
    Message,
    Person3D,
    PersonAngles,
    Pose3D,
    RigPlaces,
    Subjects,
)
from core.skeletons import HALPE_26
from core.topics import TOPICS
from tests.services import session_builder as builder
from tests.services import synthetic_words as words

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
SAYS = {
    "packet": "camera",
    "camera": "camera",
    "clock": "camera",
    "keypoints2d": "pose",
    "pose3d": "fusion",
    "checkpoint": "fusion",
    "quality": "fusion",
    "rig": "fusion",
    "angles": "kinematics",
    "angles_checkpoint": "kinematics",
    "subjects": "monitor",
    "decisions": "monitor",
    "event": "supervisor",
    "health": "supervisor",
    "host_clock": "host",
}
"""Who says what; of another host none is here, so ``host_clock`` comes over no socket."""
assert SAYS.keys() == {topic.name for topic in TOPICS.values() if topic.recorded}

_J = len(HALPE_26.names)


def run_config(recorder: RecorderConfig, calibration: str, packed: str = "") -> RunConfig:
    """A rig of four cameras; with ``packed``, a file, also the kinematics."""
    return RunConfig(
        cameras=tuple(CameraConfig(name=name) for name in CAMERAS),
        calibration=calibration,
        kinematics=KinematicsConfig(packed=packed),
        recorder=recorder,
    )


def instant(number: int, packet_bytes: int) -> Iterator[tuple[str, str, Message]]:
    """Process, topic and message of all that is said about one instant; it follows from its
    number."""
    t_ns = builder.START_NS + number * builder.FRAME_NS
    for place, name in enumerate(CAMERAS):
        yield f"camera.{name}", "packet", builder.packet(name, number, packet_bytes)
        yield f"pose.{place // 2}", "keypoints2d", builder.keypoints(name, number)
        yield f"camera.{name}", "camera", words.status(name, t_ns)
        yield f"camera.{name}", "clock", _clock(name, number, t_ns)
    yield "fusion", "pose3d", _pose(number, t_ns)
    yield "fusion", "checkpoint", _checkpoint(number, t_ns)
    yield "fusion", "quality", words.quality(CAMERAS, t_ns)
    yield "fusion", "rig", RigPlaces(t_ns=t_ns)
    yield "kinematics", "angles", _angles(number, t_ns)
    yield "kinematics", "angles_checkpoint", _checkpoint(number, t_ns)
    yield "monitor", "subjects", Subjects(t_ns=t_ns, ids=(1,))
    yield "monitor", "decisions", Decisions(t_ns=t_ns)
    yield "supervisor", "event", Event(t_ns=t_ns, name="word", text=f"number {number}")
    yield "supervisor", "health", builder.health("supervisor", t_ns, {})


def host_clock(number: int) -> HostClockSample:
    """What another host would say of its clock."""
    t_ns = builder.START_NS + number * builder.FRAME_NS
    times = np.arange(10, dtype="<i8").tobytes()
    return HostClockSample(
        t_ns=t_ns,
        host="far",
        sent_ns=times,
        there_ns=times,
        back_ns=times,
        at_ns=t_ns,
        offset_ns=number,
        drift_ppm=1.0,
        uncertainty_ns=1000,
        shown_offset_ns=number,
    )


def _clock(camera: str, number: int, t_ns: int) -> ClockSample:
    ticks = np.arange(number, number + 60, dtype="<i8").tobytes()
    return ClockSample(t_ns=t_ns, camera=camera, device_ticks=ticks, host_ns=ticks, device_hz=1e9)


def _checkpoint(number: int, t_ns: int) -> Checkpoint:
    return Checkpoint(t_ns=t_ns, instant=number, state=_floats(number, 3000))


def _floats(number: int, n: int) -> bytes:
    return np.random.default_rng(number).normal(size=n).astype("<f4").tobytes()


def _pose(number: int, t_ns: int) -> Pose3D:
    person = Person3D(
        id=1,
        keypoints_m=_floats(number, 3 * _J),
        covariance_m2=_floats(number + 1, 6 * _J),
        velocity_m_s=_floats(number + 2, 3 * _J),
        predicted_m=_floats(number + 3, 3 * _J),
        measured_m=_floats(number + 4, 3 * _J),
        confidence=np.full(_J, 0.9, "<f4").tobytes(),
        n_views=bytes([4] * _J),
        detections=(0, 0, 0, 0),
    )
    return Pose3D(
        t_ns=t_ns,
        instant=number,
        skeleton=HALPE_26.name,
        cameras=CAMERAS,
        frames=(number,) * len(CAMERAS),
        consumed=tuple((name, number) for name in CAMERAS),
        persons=(person,),
    )


def _angles(number: int, t_ns: int) -> JointAngles:
    person = PersonAngles(
        id=1,
        status="tracked",
        value=_floats(number, 40),
        sd=_floats(number, 40),
        rate=_floats(number, 40),
        observed=bytes([1] * 40),
        height_m=1.8,
        marker_rms_m=0.01,
    )
    return JointAngles(
        t_ns=t_ns,
        instant=number,
        coordinates=tuple(f"q{i}" for i in range(40)),
        persons=(person,),
    )
