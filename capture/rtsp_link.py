"""The connection to a network camera: a thread that reads access units, and connects anew.

A thread, because FFmpeg waits for the network as long as it likes. It reads only: while nobody
takes, the oldest units make room; once somebody does, none is thrown away, the thread waits.

FFmpeg's parser is switched off: it hands a frame on when the next one begins, with that one's
arrival. So do we hand it on, RTP's mark of the last piece being hidden, but with the arrival of its
own first piece.
"""

import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from urllib.parse import urlsplit

import av
from av.error import FFmpegError, HTTPUnauthorizedError

from capture import bitstream
from capture.clock import wall_clock_offset_ns
from core.camera_config import RtspConfig

CODECS = ("h264", "hevc", "mjpeg")
OPEN_S = 10.0
_ROOM = 512
_WAITS_S = (0.25, 0.5, 1.0, 2.0, 4.0)
_OPTIONS = {
    "allowed_media_types": "video",
    "fflags": "noparse+nofillin+nobuffer",
    "analyzeduration": "1",
    "probesize": "32",  # nothing is read ahead: the first frame that comes is the first to be had
    "max_delay": "100000",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """What one connection has in common."""

    number: int
    codec: str
    extradata: bytes
    time_base_s: Fraction
    said_hz: float
    """0: the camera says no rate."""
    wall_offset_ns: int
    """Host's wall clock less its monotonic clock when the connection was made. Steps of the wall
    clock after that move no frame."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One compressed frame, or a piece of one."""

    connection: Connection
    received_ns: int
    """Monotonic, of its first piece."""
    pts: int
    payload: bytes
    wall_ns: int | None = None
    """Camera's wall clock, from the last sender report; None before the first one."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection broke, or could not be made."""

    says: str


def place(url: str) -> str:
    """Host and path, without user and password: the only form of the address that is ever said."""
    parts = urlsplit(url)
    return f"{parts.hostname or '?'}{f':{parts.port}' if parts.port else ''}{parts.path}"


def whole(pieces: Iterable[AccessUnit]) -> Iterator[AccessUnit]:
    """Join the pieces of one frame; parameters that come alone go with the next frame."""
    open_unit: AccessUnit | None = None
    for piece in pieces:
        codec = piece.connection.codec
        if codec == "mjpeg":
            yield piece
        elif open_unit is None:
            open_unit = piece
        elif piece.pts == open_unit.pts:
            open_unit = replace(open_unit, payload=open_unit.payload + piece.payload)
        elif bitstream.has_picture(codec, open_unit.payload):
            yield open_unit
            open_unit = piece
        else:
            open_unit = replace(piece, payload=open_unit.payload + piece.payload)


def reason(error: Exception) -> str:
    """Say in words what failed; FFmpeg's own text holds the address with the password."""
    if isinstance(error, HTTPUnauthorizedError):
        return "user or password refused"
    if isinstance(error, OSError | FFmpegError):
        return (error.strerror or type(error).__name__).lower()
    return str(error)


class Link:
    """Reads until closed; what it read is taken with ``get``."""

    def __init__(self, config: RtspConfig) -> None:
        self._config = config
        self._read: deque[AccessUnit | Failed] = deque()
        self._changed = threading.Condition()
        self._taken, self._closed = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtsp", daemon=True)
        self._thread.start()

    def get(self, timeout_s: float) -> AccessUnit | Failed | None:
        """Take the oldest one; None if there was none for so long."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._read), timeout_s)
            self._changed.notify_all()
            return self._read.popleft() if self._read else None

    def keep_all(self) -> None:
        """From now on nothing makes room."""
        self._taken = True

    def waiting(self) -> int:
        """How many have been read and not taken."""
        return len(self._read)

    def close(self) -> None:
        """Stop reading. A thread that FFmpeg holds is left behind: it ends by itself."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(0.3)

    def _put(self, one: AccessUnit | Failed) -> None:
        with self._changed:
            if not self._taken and len(self._read) >= _ROOM:
                self._read.popleft()
            self._changed.wait_for(lambda: len(self._read) < _ROOM or self._closed.is_set())
            self._read.append(one)
            self._changed.notify_all()

    def _run(self) -> None:
        number, failures = 0, 0
        while not self._closed.is_set():
            try:
                for unit in whole(self._pieces(number)):
                    failures = 0
                    self._put(unit)
                said = "the camera ended the stream"
            except (FFmpegError, OSError, ValueError) as error:
                said = reason(error)
            if self._closed.is_set():
                return
            number += 1
            self._put(Failed(said))
            self._closed.wait(_WAITS_S[min(failures, len(_WAITS_S) - 1)])
            failures += 1

    def _pieces(self, number: int) -> Iterator[AccessUnit]:
        options = {**_OPTIONS, "rtsp_transport": self._config.transport}
        timeout_s = (OPEN_S, self._config.silent_s)
        with av.open(self._config.url, options=options, timeout=timeout_s) as container:
            if not container.streams.video:
                raise ValueError("no video in it")
            connection = _connection(number, container.streams.video[0])
            for packet in container.demux(container.streams.video[0]):
                received_ns = time.monotonic_ns()
                if self._closed.is_set():
                    return
                if packet.size and packet.pts is not None:
                    yield AccessUnit(
                        connection, received_ns, packet.pts, bytes(packet), _wall_ns(packet)
                    )


def _connection(number: int, stream: av.VideoStream) -> Connection:
    context = stream.codec_context
    if context.name not in CODECS:
        raise ValueError(f"codec {context.name}: set the camera to H.264, H.265 or MJPEG")
    return Connection(
        number,
        context.name,
        context.extradata or b"",
        stream.time_base or Fraction(1, 90_000),
        float(stream.average_rate or 0),
        max(wall_clock_offset_ns() for _ in range(5)),  # what comes in between makes it less
    )


def _wall_ns(packet: av.Packet) -> int | None:
    if not packet.has_sidedata("prft"):
        return None
    (wall_us,) = struct.unpack_from("<q", bytes(packet.get_sidedata("prft")))
    return wall_us * 1000
