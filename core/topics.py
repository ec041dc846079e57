"""THE list of what is said on the bus: who says it, how often, how long its queue, is it kept.

A topic that comes once per camera is written ``name/camera``. Health follows from this list: a
topic is late after ten of its periods.

Queue rules. "newest": the reader empties the queue and takes the last one for each key; what it
passes over is counted. "all": the reader takes each one; a loss is an error, counted and recorded.
"""

from dataclasses import dataclass
from typing import Literal

from core import messages
from core.messages import Message

LATE_AFTER_PERIODS = 10


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream of messages of one type."""

    name: str
    message: type[Message]
    rate_hz: float
    per_camera: bool
    queue: int
    """Messages that may wait for one reader; beyond it ZeroMQ drops the newest for that reader."""
    live: Literal["newest", "all"]
    """How the live readers take it; the recorder always takes all."""
    recorded: bool
    says: str

    @property
    def late_after_ns(self) -> int:
        """Silence after which the topic counts as late."""
        return round(LATE_AFTER_PERIODS * 1e9 / self.rate_hz)


# fmt: off
_ALL = (
    Topic("frame", messages.FrameDescriptor, 60, True, 64, "newest", False,
          "a picture lies in the ring"),
    Topic("packet", messages.Packet, 60, True, 2000, "all", True,
          "the camera's own bitstream, untouched"),
    Topic("camera", messages.CameraStatus, 1, True, 100, "newest", True,
          "what the camera delivers and how to decode it"),
    Topic("clock", messages.ClockSample, 1, True, 100, "all", True,
          "raw device and host times"),
    Topic("host_clock", messages.HostClockSample, 1, False, 100, "all", True,
          "how another host's clock relates to the rig's, and how that is known"),
    Topic("keypoints2d", messages.Keypoints2D, 15, True, 2000, "all", True,
          "the people in one picture"),
    Topic("pose3d", messages.Pose3D, 15, False, 2000, "newest", True,
          "the people in the world: the fused instants; the kinematics takes all, in order"),
    Topic("checkpoint", messages.Checkpoint, 0.05, False, 100, "all", True,
          "the fusion's whole state now and then"),
    Topic("angles", messages.JointAngles, 15, False, 2000, "newest", True,
          "joint coordinates of a fused instant"),
    Topic("angles_checkpoint", messages.Checkpoint, 0.05, False, 100, "all", True,
          "the kinematics' whole state now and then"),
    Topic("quality", messages.RigQuality, 1, False, 100, "newest", True,
          "how well the cameras agree, and which one does not"),
    Topic("rig", messages.RigPlaces, 1, False, 100, "newest", True,
          "the cameras that are not where they were calibrated, and where they are"),
    Topic("decisions", messages.Decisions, 1, False, 100, "newest", True,
          "what the operator decided of cameras that moved"),
    Topic("subjects", messages.Subjects, 1, False, 100, "newest", True,
          "the people of interest, as pinned on the page, and what is asked of their sizes"),
    Topic("event", messages.Event, 0.01, False, 1000, "all", True,
          "starts, deaths, restarts, the operator's words"),
    Topic("health", messages.Health, 1, False, 1000, "newest", True,
          "how each process is; every process says it"),
)
# fmt: on

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _ALL}


def topic_of(key: str) -> Topic | None:
    """Return the topic of a key such as ``keypoints2d/cam01``; None where there is none."""
    return TOPICS.get(key.split("/", 1)[0])


def key(name: str, camera: str | None = None) -> str:
    """Return the key a message goes under: the topic, and the camera where it has one."""
    return f"{name}/{camera}" if TOPICS[name].per_camera else name
