"""Which video is given up when a disk is slower than the cameras.

The least important camera goes first, from a keyframe on, so that all that is kept can be decoded:
of each camera whole groups of pictures, and perhaps the beginning of one.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

RESUME_BELOW = 0.5
"""Video is taken up again once the backlog is under this part of what it may be."""


class WaitingPacket(NamedTuple):
    """A packet that waits for the disk."""

    n_bytes: int
    keyframe: bool


def giving_order(cameras: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    """Cameras in the order in which their video is given up: those named, then the last first."""
    return (*named, *(name for name in reversed(cameras) if name not in named))


def kept(
    waiting: Mapping[str, Sequence[WaitingPacket]], order: Sequence[str], excess_bytes: float
) -> dict[str, int]:
    """How many of its waiting packets each camera that gives some up keeps: the first ones.

    Of the first camera in the order that has some the youngest group of pictures goes, then the one
    before; when it has none left, the next camera's.
    """
    found: dict[str, int] = {}
    for camera in order:
        packets = waiting.get(camera, ())
        stays = len(packets)
        while excess_bytes > 0 and stays > 0:
            begin = _group_begin(packets, stays)
            excess_bytes -= sum(one.n_bytes for one in packets[begin:stays])
            stays = begin
        if stays < len(packets):
            found[camera] = stays
    return found


def _group_begin(packets: Sequence[WaitingPacket], end: int) -> int:
    """Place of the last keyframe before ``end``; 0: that group began before all that waits."""
    return next((i for i in range(end - 1, -1, -1) if packets[i].keyframe), 0)


def may_resume(
    camera: str, order: Sequence[str], refused: Collection[str], filled: float, *, keyframe: bool
) -> bool:
    """Whether a camera that is refused is taken up again with this packet.

    ``filled``: the backlog as a part of what it may be. The more important ones come back first.
    """
    more_important = order[order.index(camera) + 1 :]
    return keyframe and filled < RESUME_BELOW and not any(one in refused for one in more_important)
