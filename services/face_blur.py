"""Videos without faces: the regions of heads made coarse, and everything encoded anew.

What is hidden follows from the 2D keypoints of everybody in each picture, generously: a head is as
wide as the shoulders, it is hidden where it was shortly before and is shortly after, and where a
face is not found, above the shoulders. Whom the network did not see at all is not hidden.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from capture.camera import CompressedPacket, StreamFormat
from capture.recorded import PacketDecoder
from core.messages import Keypoints2D, Person2D, view
from core.skeletons import Skeleton, named
from services.clips import Clip
from services.session import Session

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

_FACE = ("Nose", "LEye", "REye", "LEar", "REar", "Head")
_SHOULDERS = ("LShoulder", "RShoulder")
_SURE = 0.05
_NEAR_NS, _FAR_NS = 200_000_000, 2_000_000_000
"""Keypoints so near in time hide as they are; where there are none, farther ones hide more."""
_FARTHER = 1.6
_OF_SHOULDERS, _OF_SPREAD, _OF_BODY, _LEAST_PX = 0.75, 2.0, 0.12, 12.0
_COARSE = 4  # cells across a head
_GOP = 30


class Disc(NamedTuple):
    """A region to hide."""

    x_px: float
    y_px: float
    radius_px: float
    person: int
    """Number of the person for this camera's tracker."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Where heads are in one camera's pictures, by time."""

    times_ns: Sequence[int]
    discs: Sequence[tuple[Disc, ...]]

    def at(self, t_ns: int) -> Iterator[Disc]:
        """What to hide in the picture of a time: who is not seen just then, where he was last, and
        where he is seen next."""
        near = [one for each in self._between(t_ns - _NEAR_NS, t_ns + _NEAR_NS) for one in each]
        yield from near
        seen = {one.person for one in near}
        before = self._between(t_ns - _FAR_NS, t_ns)[::-1]
        for side in (before, self._between(t_ns, t_ns + _FAR_NS)):
            nearest: dict[int, Disc] = {}
            for one in (one for each in side for one in each if one.person not in seen):
                nearest.setdefault(one.person, one)
            for one in nearest.values():
                yield one._replace(radius_px=_FARTHER * one.radius_px)

    def _between(self, from_ns: int, to_ns: int) -> Sequence[tuple[Disc, ...]]:
        first, end = bisect_left(self.times_ns, from_ns), bisect_right(self.times_ns, to_ns)
        return self.discs[first:end]


def heads(session: Session, camera: str) -> Heads:
    """Read where the heads are."""
    said = [one.message for one in session.messages([f"keypoints2d/{camera}"])]
    seen = sorted((one for one in said if isinstance(one, Keypoints2D)), key=lambda one: one.t_ns)
    discs = []
    for one in seen:
        found = (head_of(person, named(one.skeleton)) for person in one.persons)
        discs.append(tuple(disc for disc in found if disc is not None))
    return Heads([one.t_ns for one in seen], discs)


def head_of(person: Person2D, skeleton: Skeleton) -> Disc | None:
    """A disc that covers a head; None where neither face nor shoulders are there."""
    points_px = view(person, "keypoints_px").astype(np.float64)
    sure = (view(person, "confidence") >= _SURE) & np.isfinite(points_px).all(axis=1)
    if not sure.any():
        return None
    face = _chosen(points_px, sure, skeleton, _FACE)
    shoulders = _chosen(points_px, sure, skeleton, _SHOULDERS)
    across = float(np.linalg.norm(shoulders[0] - shoulders[1])) if len(shoulders) == 2 else 0.0
    body = float(np.ptp(points_px[sure], axis=0).max())
    radius = max(_OF_SHOULDERS * across, _OF_BODY * body, _LEAST_PX)
    if len(face):
        centre = face.mean(axis=0)
        spread = float(np.linalg.norm(face - centre, axis=1).max())
        return Disc(float(centre[0]), float(centre[1]), max(radius, _OF_SPREAD * spread), person.id)
    if len(shoulders):
        x, y = shoulders.mean(axis=0)
        return Disc(float(x), float(y) - radius, 1.3 * radius, person.id)
    return None


def _chosen(
    points_px: F64, sure: NDArray[np.bool_], skeleton: Skeleton, names: Sequence[str]
) -> F64:
    places = [skeleton.index(name) for name in names if name in skeleton.names]
    return points_px[[place for place in places if sure[place]]]


def hide(picture: U8, discs: Iterator[Disc]) -> U8:
    """The picture (H, W, 3) with each disc a few cells of one colour."""
    out = picture.copy()
    height, width = picture.shape[:2]
    for x, y, radius, _ in discs:
        left, right = max(0, int(x - radius)), min(width, int(x + radius) + 2)
        top, bottom = max(0, int(y - radius)), min(height, int(y + radius) + 2)
        if left >= right or top >= bottom:
            continue
        part = out[top:bottom, left:right]
        cells = cv2.resize(part, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
        size = (right - left, bottom - top)
        coarse = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST)
        rows, columns = np.mgrid[top:bottom, left:right]
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
        part[inside] = coarse[inside]
    return out


def blurred(clip: Clip, found: Heads, tell: Callable[[str, int, int], None]) -> Clip:
    """The clip with heads hidden: H.264, decoded and encoded each time it is read."""

    def packets() -> Iterator[CompressedPacket]:
        for number, packet in enumerate(_encoded(clip, found)):
            tell(f"hiding faces of {clip.camera}", number, 0)
            yield packet

    return replace(clip, codec="h264", extradata=b"", packets=packets)


def _encoded(clip: Clip, found: Heads) -> Iterator[CompressedPacket]:
    encoder: VideoCodecContext | None = None
    times: list[int] = []
    for t_ns, picture in _pictures(clip):
        even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        if encoder is None:
            encoder = _encoder(even.shape[1], even.shape[0])
        frame = av.VideoFrame.from_ndarray(hide(even, found.at(t_ns)), format="bgr24")
        frame.pts = len(times)
        times.append(t_ns)
        yield from (_packet(raw, times) for raw in encoder.encode(frame))
    if encoder is not None:
        yield from (_packet(raw, times) for raw in encoder.encode(None))


def _packet(raw: av.Packet, times: Sequence[int]) -> CompressedPacket:
    number = raw.pts or 0
    return CompressedPacket(
        number, number, times[number], bytes(raw), raw.is_keyframe, number, number
    )


def _encoder(width_px: int, height_px: int) -> VideoCodecContext:
    """No frame is held back, and each key frame brings its parameters."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width_px, height_px, "yuv420p"
    encoder.time_base, encoder.gop_size = Fraction(1, 1000), _GOP
    encoder.options = {"crf": "20", "preset": "veryfast", "tune": "zerolatency"}
    return encoder


def _pictures(clip: Clip) -> Iterator[tuple[int, U8]]:
    """Decoded pictures with their times, in the order in which they are shown."""
    stream = StreamFormat(
        "session", clip.codec, clip.extradata, clip.width_px, clip.height_px, clip.rate_hz,
        (1, 1), "file", 0,
    )  # fmt: skip
    decoder, times = PacketDecoder(stream), dict[int, int]()
    for packet in clip.packets():
        times[packet.frame] = packet.t_ns
        for frame in decoder.feed(packet):
            yield from _timed(frame, times)
    for frame in decoder.flush():
        yield from _timed(frame, times)


def _timed(frame: av.VideoFrame, times: dict[int, int]) -> Iterator[tuple[int, U8]]:
    t_ns = times.pop(frame.pts, None) if frame.pts is not None else None
    if t_ns is not None:
        yield t_ns, frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
