"""What a driver of a real camera is: a source of exposures with the raw times of the device.

A driver tells what the device said and when it came; it makes no capture time of its own where the
device has ticks. ``capture.live`` turns ticks into rig time, numbers the frames and turns away what
cannot be: one place for all drivers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capture.camera import Cause, Lost, Noted, StreamFormat
from core.messages import TimeOrigin

U8 = NDArray[np.uint8]
IDLE_S = 0.1
"""A driver gives ``None`` at least this often while nothing comes."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """One frame has come. Either ``ticks`` or ``taken_ns`` says when it was taken, or nothing."""

    serial: int
    """The driver's own number of the frame; ``Pictured`` names it again."""
    received_ns: int
    """Host's monotonic clock (``time.monotonic_ns``) when it came, as early as can be known."""
    ticks: int | None = None
    """Device's clock, raw; see ``DeviceFormat.ticks_hz``."""
    taken_ns: int | None = None
    """Capture time on the host's monotonic clock, where the system knows it (V4L2, RTSP)."""
    uncertainty_ns: int = 0
    """Half-width that covers the truth in 95 % of frames, of ``taken_ns`` or of the arrival."""
    frame_id: int | None = None
    """The device's own count, unwrapped (``capture.device.unwrapped``): gaps are lost frames."""
    exposure_ns: int = 0
    """Time the shutter was open; 0: not known."""
    payload: bytes = b""
    """Compressed as the device gave it; empty: it gave raw pixels."""
    keyframe: bool = True
    pts: int = 0
    dts: int = 0


@dataclass(frozen=True, slots=True)
class Pictured:
    """The picture of a frame that was ``Exposed`` before."""

    serial: int
    picture: Callable[[int], U8]
    """From the factor to reduce by to BGR (H // factor, W // factor, 3), contiguous. Asked at most
    once, before the next event is asked for."""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The picture of a frame that was ``Exposed`` before will never come."""

    serial: int
    cause: Cause
    says: str
    """As in ``Lost``."""


DeviceEvent = Exposed | Pictured | Spoilt | Lost | Noted | None


@dataclass(frozen=True, slots=True)
class DeviceFormat:
    """What the device really took, read back from it."""

    stream: StreamFormat
    """``time_origin`` and ``time_uncertainty_ns``: of a usual frame."""
    ticks_hz: float = 0.0
    """Of ``Exposed.ticks``; 0: the device has no clock."""
    ticks_wrap_at: int = 0
    """The counter goes from here less one to 0; 0: never."""
    gap_cause: Cause = "device"
    """Why a number is missing in ``Exposed.frame_id``."""


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A camera that a driver's ``found() -> list[FoundDevice]`` sees."""

    driver: str
    device: str
    """What goes into the camera's settings to open it."""
    says: str
    """Maker, model, address."""
    formats: tuple[str, ...]
    """Pixel formats or codecs it offers, of those that can be taken; empty where not known."""
    time_origin: TimeOrigin
    time_says: str
    """Where the times of its frames come from, in plain words."""


class Device(Protocol):
    """An opened camera, delivering.

    A driver module has ``open_device(config: CameraConfig, trigger: TriggerConfig) -> Device``; it
    raises CameraError with the remedy, and with both numbers where the device took another value
    than asked.
    """

    @property
    def format(self) -> DeviceFormat:
        """What it delivers."""
        ...

    def events(self) -> Iterator[DeviceEvent]:
        """Yield what comes, in the order of arrival, and ``None`` after ``IDLE_S`` of nothing.

        CameraError when the device is lost: the process ends and is started again.
        """
        ...

    def close(self) -> None:
        """Release the device."""
        ...


def unwrapped(last: int | None, raw: int, first: int, end: int) -> int:
    """Count on from ``last`` to a raw number that goes from ``end`` - 1 back to ``first``.

    The nearest count is meant: a little lower than ``last`` is an older frame, not a lap.
    """
    lap = end - first
    if last is None:
        return raw - first
    ahead = (raw - first - last) % lap
    return last + (ahead - lap if ahead > lap // 2 else ahead)
