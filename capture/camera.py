"""What a camera is to the rest: a source of packets and pictures that carry their capture time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.messages import TimeOrigin

U8 = NDArray[np.uint8]


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


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One frame in capture order; the picture is decoded only when asked for."""

    frame: int
    t_ns: int
    picture: Callable[[], U8]
    """BGR (H, W, 3), reduced as configured. Ask at most once, before the next frame."""


class Camera(Protocol):
    """A live driver, footage and a recording all look like this."""

    @property
    def format(self) -> StreamFormat:
        """What it delivers."""
        ...

    def prepare(self) -> None:
        """Do beforehand what would hold up the first frames. Not called after a restart."""
        ...

    def events(self, start_ns: int, now_ns: int) -> Iterator[CompressedPacket | CapturedFrame]:
        """Yield packets and frames in the order of their times, from ``now_ns`` on.

        ``start_ns`` is the rig's start; a camera that begins later (after a restart) goes on with
        the numbers it would have by now. The caller waits for each one's time.
        """
        ...

    def close(self) -> None:
        """Release the device."""
        ...
