"""The messages: every value that crosses a process border, and nothing else.

``t_ns`` is always the capture time of what the value stems from, on the rig clock (nanoseconds
since 1970); no process replaces it by its own time. ``stamps`` tell when each stage was done with
it, on the same clock, so that the age of a number on the screen is known.

Arrays travel as bytes, little-endian and row-major; their annotation says dtype and shape, and
``view`` gives them back as numpy arrays. Missing values are NaN with confidence 0.
Letters in shapes: J keypoints of the named skeleton, Q coordinates, N whatever number.
"""

from typing import Annotated, Literal

import msgspec

from core.message_arrays import F32xJ, F32xJx2, F32xJx3, F32xJx6, F32xQ, I64xN, U8xJ, U8xQ
from core.message_arrays import array_fields as array_fields
from core.message_arrays import view as view
from core.message_base import Header as Header
from core.message_base import Health as Health
from core.message_base import Message as Message
from core.message_people import BodySize as BodySize
from core.message_people import GaitEvent as GaitEvent
from core.message_people import GaitKind as GaitKind
from core.message_people import PersonId as PersonId
from core.message_people import Side as Side
from core.message_people import SizeRequest as SizeRequest
from core.message_people import SizeWish as SizeWish
from core.message_people import Walking as Walking
from core.message_quality import CameraQuality as CameraQuality
from core.message_quality import PredictionQuality as PredictionQuality
from core.message_rig import MAX_DECISIONS as MAX_DECISIONS
from core.message_rig import CameraPlace as CameraPlace
from core.message_rig import Decisions as Decisions
from core.message_rig import PlaceDecision as PlaceDecision
from core.message_rig import PlaceState as PlaceState
from core.message_rig import PlaceWish as PlaceWish
from core.message_rig import RigPlaces as RigPlaces
from core.message_rig import as_rows as as_rows

SCHEMA_VERSION = 1

TimeOrigin = Literal["hardware", "driver", "host", "file"]
AnglesStatus = Literal["measuring", "waiting", "found", "tracked", "kept"]
"""measuring: the model is not this person's yet; waiting: the body was not found yet; found and
tracked: measured; kept: too few markers to measure, for now."""
MAX_SUBJECTS = 16
MARK = "mark"
"""Name of the events by which the operator marks a moment."""
MAX_MARK_CHARS = 200


class FrameDescriptor(Message, frozen=True, kw_only=True):
    """One decoded picture that lies in a slot of its camera's frame ring (BGR, uint8)."""

    camera: str
    frame: int
    """Number of the frame since the rig's start; goes on over a restart of the camera."""
    ring: str
    slot: int
    lock: int
    """Value of the slot's sequence lock; another value means the slot was written again."""
    width_px: int
    height_px: int
    full_width_px: int
    """Size of the picture as captured; keypoints and calibration speak of this one."""
    full_height_px: int
    time_origin: TimeOrigin
    time_uncertainty_ns: int


class Packet(Message, frozen=True, kw_only=True):
    """One compressed packet as the camera gave it, in decoding order."""

    camera: str
    frame: int
    packet: int
    """Number of the packet in decoding order since the rig's start; over restarts too."""
    payload: bytes
    keyframe: bool
    pts: int
    dts: int
    time_origin: TimeOrigin = "file"
    time_uncertainty_ns: int = 0
    """Half-width that covers the truth in 95 % of frames."""


class CameraStatus(Message, frozen=True, kw_only=True):
    """What a camera delivers, and how its bitstream is to be decoded; repeated each second."""

    camera: str
    driver: str
    codec: str
    extradata: bytes
    """Decoder set-up bytes of the container (H.264: avcC), empty where the stream carries them."""
    width_px: int
    height_px: int
    rate_hz: float
    time_base_s: tuple[int, int]
    """Unit of ``pts`` and ``dts`` as a fraction of a second."""
    time_origin: TimeOrigin
    time_uncertainty_ns: int
    ended: bool = False


class ClockSample(Message, frozen=True, kw_only=True):
    """Raw pairs of device and host times of the last second's frames: with them the clock model
    can be fitted again later."""

    camera: str
    device_ticks: I64xN
    host_ns: I64xN
    """Arrival of the same frames, rig clock."""
    device_hz: float
    wraps_at: int = 0
    """The device's counter goes from here less one to 0; 0: never."""
    epoch: int = 0
    """Goes up by one each time the model had to begin anew."""


class HostClockSample(Message, frozen=True, kw_only=True):
    """How another host's monotonic clock relates to the rig clock, and the round trips of the last
    second: with them it can be fitted again later."""

    host: str
    sent_ns: I64xN
    """A question left the host, on its monotonic clock …"""
    there_ns: I64xN
    """… was read at the hub, on the rig clock …"""
    back_ns: I64xN
    """… and the answer was back, on the host's monotonic clock."""
    at_ns: int
    """Host's monotonic time of the relation that was fitted:"""
    offset_ns: int
    """rig clock minus the host's monotonic clock then,"""
    drift_ppm: float
    """by how much that grows,"""
    uncertainty_ns: int
    """and the half-width that covers the truth."""
    shown_offset_ns: int
    """Offset that was in force at ``at_ns``: corrections are spread over a while."""


class Person2D(msgspec.Struct, frozen=True):
    """One person in one picture."""

    id: int
    """Number of the person for this camera's tracker; not the person of the fused pose."""
    keypoints_px: F32xJx2
    confidence: F32xJ
    covariance_px2: F32xJx3 = b""
    """xx, yy, xy of the error, in pixels as captured; NaN where unknown, empty: all of it is."""


class Keypoints2D(Message, frozen=True, kw_only=True):
    """The people found in one frame of one camera; none is a valid answer."""

    camera: str
    frame: int
    skeleton: str
    model: str
    provider: str
    """What ONNX Runtime really ran on."""
    derived: int = 0
    """Bit j set: keypoint j is derived from others, not detected."""
    persons: tuple[Person2D, ...] = ()


class Person3D(msgspec.Struct, frozen=True):
    """One person in the world at one instant."""

    id: int
    keypoints_m: F32xJx3
    """Filtered position, world frame, Z up."""
    covariance_m2: F32xJx6
    """xx, yy, zz, xy, xz, yz of the filtered position."""
    velocity_m_s: F32xJx3
    """Filtered velocity."""
    predicted_m: F32xJx3
    """Where it will be ``Pose3D.ahead_ms`` after ``t_ns``; NaN where not seen just now."""
    measured_m: F32xJx3
    """Triangulated from this instant alone; NaN where fewer than two cameras saw it."""
    confidence: F32xJ
    n_views: U8xJ
    detections: tuple[int, ...]
    """For each of ``Pose3D.cameras`` the place of this person in its keypoints; -1: not seen."""
    swapped: int = 0
    """Bit c set: left and right were exchanged in camera c (order of ``Pose3D.cameras``)."""


class Pose3D(Message, frozen=True, kw_only=True):
    """The people in the world at one instant: one message for each fused instant."""

    instant: int
    """Consecutive number in this life of the fusion."""
    skeleton: str
    cameras: tuple[str, ...]
    """Cameras that took part, in the order of the bits of ``Person3D.swapped``."""
    frames: tuple[int, ...]
    """The frame of each of these cameras."""
    consumed: tuple[tuple[str, int], ...]
    """(camera, frame) of each keypoint message taken in since the last instant, in that order:
    with it a recording can be fused again to the last bit."""
    decisions: tuple[PlaceDecision, ...] = ()
    """What the operator had decided by then of cameras that moved."""
    derived: int = 0
    ahead_ms: float = 0.0
    """How far ahead ``Person3D.predicted_m`` is."""
    persons: tuple[Person3D, ...] = ()


class Checkpoint(Message, frozen=True, kw_only=True):
    """The whole state of the fusion, or the kinematics, after an instant: to begin again there."""

    instant: int
    state: bytes


class PersonAngles(msgspec.Struct, frozen=True, kw_only=True):
    """The joint coordinates of one person."""

    id: int
    status: AnglesStatus
    value: F32xQ
    """rad, shifts in m; NaN where not known, as all are but for found and tracked."""
    sd: F32xQ
    """Standard deviation, in the same units; infinite where the markers say nothing."""
    rate: F32xQ
    """rad/s, m/s; NaN where not known."""
    observed: U8xQ
    """1 where the markers say enough; where they do not, the value is the model's guess."""
    height_m: float
    """As measured, or as given; NaN while not known."""
    marker_rms_m: float
    """Root mean square of the distances of the markers from the model's; NaN while not known."""
    events: tuple[GaitEvent, ...] = ()
    """Heel strikes and toe-offs since the instant before."""
    walking: Walking | None = None
    """While somebody walks."""
    size: BodySize = BodySize()


class JointAngles(Message, frozen=True, kw_only=True):
    """Joint coordinates of one fused instant, with the names that OpenSim has for them."""

    instant: int
    coordinates: tuple[str, ...]
    subjects: tuple[PersonId, ...] = ()
    """The people of interest at that moment; none: everybody."""
    size_requests: tuple[SizeRequest, ...] = ()
    """What was asked of the sizes of bodies by then."""
    says: str = ""
    """Why there can be no angles, in plain words; empty while there can."""
    persons: tuple[PersonAngles, ...] = ()


class RigQuality(Message, frozen=True, kw_only=True):
    """How well the cameras agree, over the last seconds."""

    cameras: tuple[CameraQuality, ...]
    predictions: tuple[PredictionQuality, ...] = ()
    skeleton: str = ""
    """Keypoint set of ``keypoint_px``; empty where that is."""
    keypoint_px: F32xJ = b""
    """Median distance over all cameras of what one sees to where the others put it; NaN while
    unknown."""


class Subjects(Message, frozen=True, kw_only=True):
    """The people of interest: for them angles are computed; repeated each second."""

    ids: Annotated[tuple[PersonId, ...], msgspec.Meta(max_length=MAX_SUBJECTS)]
    """As of ``Person3D.id``; none: everybody."""
    size_requests: Annotated[tuple[SizeRequest, ...], msgspec.Meta(max_length=MAX_SUBJECTS)] = ()
    """The last one of each person."""


class Event(Message, frozen=True, kw_only=True):
    """Something that happened: a start, a death, a restart, a word of the operator."""

    name: str
    text: str
    process: str = ""
