"""What a camera is to the rest: a source of packets and pictures that carry their capture time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.messages import TimeOrigin

U8 = NDArray[np.uint8]
Cause = Literal["device", "network", "queue", "decode"]
"""device: the camera gave none or a bad one; network: it was lost or torn on the way; queue: this
process was too slow for it; decode: it came and could not be made a picture."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a camera delivers, read back from it."""

    driver: str
    codec: str
    extradata: bytes
    width_px: int
    height_px: int
    rate_hz: float
    time_base_s: tuple[int, int]
    time_origin: TimeOrigin
    time_uncertainty_ns: int


@dataclass(frozen=True, slots=True)
class CompressedPacket:
    """One packet in decoding order; ``t_ns`` is the capture time of the picture in it."""

    packet: int
    frame: int
    t_ns: int
    payload: bytes
    keyframe: bool
    pts: int
    dts: int
    time: "FrameTime | None" = None
    """None: as in ``StreamFormat``."""


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One frame in capture order; the picture is decoded only when asked for."""

    frame: int
    t_ns: int
    picture: Callable[[], U8]
    """BGR (H, W, 3), reduced as configured. Ask at most once, before the next frame."""
    time: "FrameTime | None" = None
    """None: as in ``StreamFormat``."""


@dataclass(frozen=True, slots=True)
class FrameTime:
    """How a capture time is known, where that differs from frame to frame."""

    origin: TimeOrigin
    uncertainty_ns: int
    """Half-width that covers the truth in 95 % of frames."""
    received_ns: int
    """Arrival at the host, rig clock."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames that will never come, and why."""

    cause: Cause
    count: int = 1
    says: str = "no frame"
    """More exactly: a few words, the same ones each time; they name a counter."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something to be counted that cost no frame."""

    says: str
    """A few words, the same ones each time: they name the counter."""


@dataclass(frozen=True, slots=True)
class ClockPair:
    """Device's time and arrival of one frame, for the record."""

    ticks: int
    received_ns: int
    """Rig clock."""
    ticks_hz: float
    wraps_at: int
    epoch: int


CameraEvent = CompressedPacket | CapturedFrame | Lost | Noted | ClockPair | None
"""None: nothing has come for a while."""


class Camera(Protocol):
    """A live driver, footage and a recording all look like this."""

    @property
    def format(self) -> StreamFormat:
        """What it delivers."""
        ...

    def prepare(self) -> None:
        """Do beforehand what would hold up the first frames. Not called after a restart."""
        ...

    def settle(self, done: Callable[[], bool]) -> None:
        """Between the opening and the rig's start: a device's clock is learnt meanwhile."""
        ...

    def events(self, start_ns: int, now_ns: int) -> Iterator[CameraEvent]:
        """Yield packets and frames in the order of their times, from ``now_ns`` on.

        ``start_ns`` is the rig's start; a camera that begins later (after a restart) goes on with
        the numbers it would have by now. The caller waits for each one's time.

        Raises:
            CameraError: the device is lost.
        """
        ...

    def close(self) -> None:
        """Release the device."""
        ...
