"""The pictures of one camera of a session as a stream that others can read: packets, and how they
are decoded."""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from capture.camera import CompressedPacket
from core.errors import SessionError
from core.messages import CameraStatus, Packet
from services.replay import as_packet
from services.session import Session

# Matroska's names of codecs: a file in memory of one packet tells the library how to decode.
_MATROSKA = {
    "h264": "V_MPEG4/ISO/AVC",
    "hevc": "V_MPEGH/ISO/HEVC",
    "mjpeg": "V_MJPEG",
    "mpeg4": "V_MPEG4/ISO/ASP",
    "vp8": "V_VP8",
    "vp9": "V_VP9",
    "av1": "V_AV1",
}
_RAW = ("h264", "hevc")
"""These may come with start codes (Annex B), parameters in the stream."""
_SPOOLED = struct.Struct("<qq?Q")


@dataclass(frozen=True, slots=True)
class Clip:
    """One camera's pictures, compressed."""

    camera: str
    codec: str
    extradata: bytes
    width_px: int
    height_px: int
    rate_hz: float
    packets: Callable[[], Iterator[CompressedPacket]]
    """In decoding order; what hangs on a lost packet is left out."""

    @property
    def is_annex_b(self) -> bool:
        """Whether its units begin with start codes; otherwise with their lengths."""
        return self.codec in _RAW and self.extradata[:1] != b"\1"


def clip_of(session: Session, camera: str) -> Clip | None:
    """The recorded stream of a camera; None where there is none.

    Raises:
        SessionError: nothing says how it is decoded.
    """
    if next(session.packets(camera), None) is None:
        return None
    status = next((one.message for one in session.messages([f"camera/{camera}"])), None)
    if not isinstance(status, CameraStatus):
        raise SessionError(f"{session.path}: nothing says how {camera} is to be decoded")

    def packets() -> Iterator[CompressedPacket]:
        return _whole(one.message for one in session.packets(camera))

    return Clip(
        camera,
        status.codec,
        status.extradata,
        status.width_px,
        status.height_px,
        status.rate_hz,
        packets,
    )


def _whole(messages: Iterator[object]) -> Iterator[CompressedPacket]:
    """Packets that can be decoded: after a hole nothing until the next key frame."""
    expected: int | None = None
    for message in messages:
        if isinstance(message, Packet) and (message.keyframe or message.packet == expected):
            expected = message.packet + 1
            yield as_packet(message)


def spooled(clip: Clip, path: Path) -> Clip:
    """The same clip from a file, for one whose packets cost much: they are made once."""
    with path.open("wb") as file:
        for one in clip.packets():
            file.write(_SPOOLED.pack(one.frame, one.t_ns, one.keyframe, len(one.payload)))
            file.write(one.payload)

    def packets() -> Iterator[CompressedPacket]:
        with path.open("rb") as file:
            while head := file.read(_SPOOLED.size):
                frame, t_ns, keyframe, size = _SPOOLED.unpack(head)
                payload = file.read(size)
                yield CompressedPacket(frame, frame, t_ns, payload, keyframe, frame, frame)

    return replace(clip, packets=packets)


def template(clip: Clip) -> InputContainer:
    """A file in memory with the first key frame, whose stream describes the clip to a writer.

    Raises:
        SessionError: a codec that cannot be written, or a stream that cannot be understood.
    """
    first = next(clip.packets(), None)
    if first is None:
        raise SessionError(f"{clip.camera}: no key frame in its packets")
    if clip.codec not in _MATROSKA:
        raise SessionError(f"{clip.camera}: {clip.codec} cannot be copied into a video file")
    try:
        if clip.is_annex_b:
            whole = io.BytesIO(clip.extradata + first.payload)
            return av.open(whole, "r", format=clip.codec)
        return av.open(io.BytesIO(_matroska(clip, first.payload)), "r", format="matroska")
    except (OSError, FFmpegError) as error:
        raise SessionError(f"{clip.camera}: its stream is not understood: {error}") from error


def annex_b(clip: Clip, described: InputContainer) -> Iterator[tuple[CompressedPacket, bytes]]:
    """The packets with start codes, and the parameters before each key frame."""
    if clip.is_annex_b or clip.codec not in _RAW:
        yield from ((packet, packet.payload) for packet in clip.packets())
        return
    stream = described.streams.video[0]
    rewriter = av.BitStreamFilterContext(f"{clip.codec}_mp4toannexb", stream)
    for packet in clip.packets():
        raw = av.Packet(packet.payload)
        raw.is_keyframe = packet.keyframe
        yield packet, b"".join(bytes(one) for one in rewriter.filter(raw))


def _matroska(clip: Clip, payload: bytes) -> bytes:
    """A Matroska file (RFC 9559) of one track and one packet."""
    private = _element("63A2", clip.extradata) if clip.extradata else b""
    size = _element("B0", _number(clip.width_px)) + _element("BA", _number(clip.height_px))
    track = _element(
        "AE",
        _element("D7", _number(1))
        + _element("73C5", _number(1))
        + _element("83", _number(1))
        + _element("86", _MATROSKA[clip.codec].encode())
        + private
        + _element("E0", size),
    )
    block = _element("A3", b"\x81\0\0\x80" + payload)
    return _element("1A45DFA3", _element("4282", b"matroska")) + _element(
        "18538067",
        _element("1549A966", _element("2AD7B1", _number(1_000_000)))
        + _element("1654AE6B", track)
        + _element("1F43B675", _element("E7", _number(0)) + block),
    )


def _element(identifier: str, payload: bytes) -> bytes:
    return bytes.fromhex(identifier) + (len(payload) | 1 << 56).to_bytes(8, "big") + payload


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")
