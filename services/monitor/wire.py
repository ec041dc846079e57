"""What the monitor and its page say to each other over the WebSocket.

Monitor to page: binary MessagePack, one ``Batch`` a WebSocket message. The page acknowledges each
batch; two may be on the way, and what comes meanwhile waits as the newest letter of each key. So
a slow page skips and never lags, whatever the network buffers. Page to monitor: ``FromPage`` as
JSON text.
"""

from typing import Annotated

import msgspec

from core.message_rig import CameraName
from core.messages import MAX_MARK_CHARS, Keypoints2D, Message, PersonId, TimeOrigin
from core.picture_quality import Exposure


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """One message for the page."""

    key: str
    """Topic key as on the bus (``subjects`` too, which we write), ``health/PROCESS``, or our own:
    ``hello``, ``pong``, ``restarts``, ``view/CAMERA``."""
    source: str
    """The process that said it."""
    life_ns: int
    """Start of that process: another value is another life."""
    message: msgspec.Raw


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """All that waited for the page."""

    number: int
    """To be acknowledged; 0 wants no answer."""
    letters: tuple[Letter, ...]


class CalibratedCamera(msgspec.Struct, frozen=True):
    """Where a camera stands and how it looks: one entry of the run folder's calibration.json."""

    name: str
    width_px: int
    height_px: int
    image_from_cam: tuple[tuple[float, float, float], ...]
    """(3, 3)"""
    cam_from_world: tuple[tuple[float, float, float, float], ...]
    """(3, 4) in metres, Z up in the world."""


class SkeletonShape(msgspec.Struct, frozen=True):
    """A keypoint set, as of ``core.skeletons``."""

    name: str
    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    partner: tuple[int, ...]


class Hello(msgspec.Struct, frozen=True):
    """The first letter on each connection: what holds for the run."""

    schema_version: int
    session: str
    """Name of the session folder where the settings name one, else empty."""
    recording: bool
    """Whether the run has a recorder; how it fares says its health."""
    cameras: tuple[str, ...]
    calibrated: tuple[CalibratedCamera, ...]
    """Those of the cameras whose calibration is known."""
    skeletons: tuple[SkeletonShape, ...]
    rates_hz: dict[str, float]
    """Nominal rate by topic."""
    late_after_ms: dict[str, float]
    """Silence after which a topic is late."""


class CameraView(Message, frozen=True, kw_only=True):
    """A picture of a camera with the people found in this very picture."""

    camera: str
    frame: int
    width_px: int
    """Size of the picture as captured: keypoints speak of this one, the JPEG is smaller."""
    height_px: int
    jpeg: bytes
    keypoints2d: Keypoints2D | None
    """None while no pose worker looks at this camera."""


class Restarts(msgspec.Struct, frozen=True):
    """How often each process began anew while the monitor watched."""

    restarts: dict[str, int]


class Pong(msgspec.Struct, frozen=True):
    """Answer to a ping: with it the page knows the rig clock."""

    pong: float
    """The number that came with the ping."""
    rig_ns: int


MARK_PATH = "/api/mark"
MarkText = Annotated[str, msgspec.Meta(max_length=MAX_MARK_CHARS)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]


class ScreenLatency(msgspec.Struct, frozen=True):
    """From exposure to drawn, over the last ten seconds."""

    p50_ms: Milliseconds
    p95_ms: Milliseconds


class FromPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page says: any of these."""

    ping: float | None = None
    """``performance.now()``"""
    ack: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    """Number of the last batch read."""
    screen_latency: ScreenLatency | None = None
    pin: PersonId | None = None
    """This person is of interest …"""
    unpin: PersonId | None = None
    """… and this one no longer."""
    freeze_size: PersonId | None = None
    """Keep this person's body model as it is …"""
    measure_size: PersonId | None = None
    """… and measure this person's body anew."""
    keep_place: CameraName | None = None
    """This camera moved: use its new place …"""
    former_place: CameraName | None = None
    """… or go back to the one before, and leave the camera out."""
    mark: MarkText | None = None
    """This moment is called so."""


class MarkRequest(msgspec.Struct, frozen=True):
    """Body of ``POST /api/mark``."""

    text: MarkText = ""


class Marked(msgspec.Struct, frozen=True):
    """Answer to ``POST /api/mark``."""

    t_ns: int
    """The moment, rig clock."""
    text: str
    """As it is recorded."""


class CameraPreview(msgspec.Struct, frozen=True):
    """What the page that cameras are set up by shows of one."""

    camera: str
    driver: str
    size_px: tuple[int, int] = (0, 0)
    rate_hz: float = 0.0
    """As measured over the last seconds."""
    time_origin: TimeOrigin = "file"
    time_uncertainty_ns: int = 0
    sharpness: float = 0.0
    sharpest: float = 0.0
    """Most so far; 'as sharp as it was' is 1 of it."""
    exposure: Exposure | None = None
    lost: dict[str, int] = {}
    number: int = 0
    """Of the picture; 0: none yet."""
    trouble: str = ""
