"""What a rig will ask of cables, disks, memory and processors, before it shows in a session.

Compressed sizes are those of real rooms, rounded up; a scene with much texture may need twice that.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Link = Literal["", "GigE", "USB", "network"]

BYTES_PER_PX = {
    "rawvideo": 3.0,
    "mjpeg": 0.15,  # quality 90; measured 0.10 on a smooth scene
    "h264": 0.02,
    "hevc": 0.015,
    "nothing": 0.0,
}
_COMPRESSED = 0.02  # by whatever codec else
GIGE_USABLE = 0.95
_USABLE_USB = 0.75
_DISK_SHARE = 0.6
"""Of a disk's speed that may be planned with: it has bad moments."""


def bytes_per_px(codec: str) -> float:
    """Of a pixel of a stream, by the name its codec has in FFmpeg."""
    return BYTES_PER_PX.get(codec, _COMPRESSED)


class CameraLoad(msgspec.Struct, frozen=True):
    """One camera's stream."""

    camera: str
    link: Link
    width_px: int
    height_px: int
    rate_hz: float
    delivered_hz: float
    """Of the pictures that go to pose estimation."""
    codec: str
    """As recorded."""
    link_bytes_per_px: float
    slots: int
    reduce: int

    @property
    def pixels_s(self) -> float:
        """Pixels a second."""
        return self.width_px * self.height_px * self.rate_hz

    @property
    def link_mb_s(self) -> float:
        """On its cable."""
        return self.pixels_s * self.link_bytes_per_px * 1e-6

    @property
    def recorded_mb_s(self) -> float:
        """To disk."""
        return self.pixels_s * bytes_per_px(self.codec) * 1e-6

    @property
    def ring_mb(self) -> float:
        """Shared memory of its frame ring."""
        return self.slots * (self.width_px // self.reduce) * (self.height_px // self.reduce) * 3e-6


def link_advice(loads: Sequence[CameraLoad], link_mbit_s: float) -> str:
    """What to do where streams do not fit one link; empty where they do.

    Args:
        loads: all that go through it.
        link_mbit_s: its nominal speed.
    """
    usable_mb_s = link_mbit_s / 8 * (_USABLE_USB if loads[0].link == "USB" else GIGE_USABLE)
    asked_mb_s = sum(one.link_mb_s for one in loads)
    if asked_mb_s <= usable_mb_s:
        return ""
    share = usable_mb_s / asked_mb_s
    colour = any(one.link_bytes_per_px > 1 and one.codec == "mjpeg" for one in loads)
    bayer = "a Bayer or mono format instead of colour; " if colour else ""
    return (
        f"{bayer}a lower rate (at most {share:.0%} of what is asked), a smaller region, "
        "or a port of its own for each camera"
    )


def disk_advice(loads: Sequence[CameraLoad], disk_mb_s: float) -> str:
    """What to do where a disk is too slow for the recording; empty where it is not."""
    asked_mb_s = sum(one.recorded_mb_s for one in loads)
    if asked_mb_s <= _DISK_SHARE * disk_mb_s:
        return ""
    return "record to a faster disk with --out, lower the rates, or lower jpeg_quality"


def pose_advice(loads: Sequence[CameraLoad], pictures_per_s: float) -> str:
    """What to do where pose estimation cannot follow; empty where it can.

    Args:
        loads: all cameras.
        pictures_per_s: one person each, that this machine does with all its workers.
    """
    asked_hz = sum(one.delivered_hz for one in loads)
    if asked_hz <= pictures_per_s:
        return ""
    each_hz = pictures_per_s / len(loads)
    return (
        f"set deliver_hz = {max(1, int(each_hz))} for the cameras (everything is recorded all the "
        "same), take a lighter pose model, or use a GPU"
    )
