"""Driver ``v4l2``: USB and on-board cameras under Linux, at the time the kernel stamped them.

The buffers are ours to queue, through linuxpy's calls: its own readers hand on the oldest buffer,
and after a stall that is a picture of before it.
"""

import contextlib
import select
import time
from collections.abc import Iterator
from functools import partial

from linuxpy.video import device as video
from linuxpy.video.device import BufferFlag, BufferType, Capability, Memory
from linuxpy.video.raw import v4l2_buffer

from capture import bitstream, pixels
from capture.camera import Lost, StreamFormat
from capture.decoding import Decoder
from capture.device import (
    IDLE_S,
    DeviceEvent,
    DeviceFormat,
    Exposed,
    FoundDevice,
    Pictured,
    unwrapped,
)
from capture.v4l2_settings import apply, fourcc, offered, said
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

_CAPTURE = BufferType.VIDEO_CAPTURE
_BUFFERS = 4
_MAY_WAIT = 2
"""So many are taken one after the other; more is a stall, and the newest is taken alone."""
_SILENT_S = 5.0
_KNOWN_NS = 5_000_000
"""Of the kernel's stamp: the UVC driver's conversion of the camera's clock, or the first data."""
_CODECS = {"MJPG": "mjpeg", "H264": "h264", "YUYV": "rawvideo"}


class V4l2Device:
    """A camera that streams into our buffers."""

    def __init__(self, config: CameraConfig) -> None:
        self._name, self._config = config.name, config.v4l2
        self._device = _opened(config)
        try:
            rate_hz = apply(self._device, config)
            self._pixels = self._device.get_format(_CAPTURE)
            self._capture = video.VideoCapture(self._device, _BUFFERS)
            self._capture.open()
            self._flags = self._device.query_buffer(_CAPTURE, Memory.MMAP, 0).flags
        except OSError as error:
            self._device.close()
            raise CameraError(f"{self._where}: cannot be started: {said(error)}") from error
        except CameraError:
            self._device.close()
            raise
        codec = _CODECS[self._config.format]
        self._decoder = Decoder(codec, b"") if codec != "rawvideo" else None
        self._frame_id: int | None = None
        self._last_ns = time.monotonic_ns()
        self._format = self._read_back(codec, rate_hz, config)

    @property
    def format(self) -> DeviceFormat:
        """What it delivers."""
        return self._format

    def events(self) -> Iterator[DeviceEvent]:
        """Yield each frame and its picture, from now on."""
        try:
            yield from self._delivered()
        except OSError as error:
            raise CameraError(f"{self._where}: is gone: {said(error)}; is its cable in?") from error

    def close(self) -> None:
        """Stop streaming."""
        with contextlib.suppress(OSError):  # if it is gone, there is nothing to stop
            self._capture.close()
        self._device.close()

    @property
    def _where(self) -> str:
        return f"{self._name}: {self._config.device}"

    def _read_back(self, codec: str, rate_hz: float, config: CameraConfig) -> DeviceFormat:
        known = self._flags & BufferFlag.TIMESTAMP_MASK == BufferFlag.TIMESTAMP_MONOTONIC
        self._uncertainty_ns = _KNOWN_NS if known else round(1e9 / rate_hz)
        stream = StreamFormat(
            driver="v4l2",
            codec=codec,
            extradata=b"",
            width_px=self._pixels.width,
            height_px=self._pixels.height,
            rate_hz=rate_hz,
            time_base_s=(1, 1_000_000),
            time_origin="driver" if known else "host",
            time_uncertainty_ns=self._uncertainty_ns,
        )
        at_end = self._flags & BufferFlag.TSTAMP_SRC_MASK == BufferFlag.TSTAMP_SRC_EOF
        if known and at_end and config.v4l2.exposure_us and config.exposure_reference == "start":
            raise CameraError(
                f"{self._where}: its time stamps mean the end of the frame; set the camera's"
                ' exposure_reference = "end"'
            )
        return DeviceFormat(stream, gap_cause="queue")

    def _delivered(self) -> Iterator[DeviceEvent]:
        self._hand_back(self._filled())  # of before
        self._last_ns = time.monotonic_ns()
        while True:
            select.select([self._device], [], [], IDLE_S)
            buffers = self._filled()
            if buffers:
                yield from self._taken(buffers)
            else:
                self._check_silence()
                yield None

    def _filled(self) -> list[v4l2_buffer]:
        """All buffers that are filled, the oldest first."""
        buffers: list[v4l2_buffer] = []
        while len(buffers) < _BUFFERS:
            try:
                buffers.append(self._device.dequeue_buffer(_CAPTURE, Memory.MMAP))
            except BlockingIOError:
                break
        return buffers

    def _hand_back(self, buffers: list[v4l2_buffer]) -> None:
        """Let the driver fill them again."""
        for buffer in buffers:
            self._device.enqueue_buffer(_CAPTURE, Memory.MMAP, 0, buffer.index)

    def _taken(self, buffers: list[v4l2_buffer]) -> Iterator[DeviceEvent]:
        """Hand on what is fresh. All buffers full means that the newest is of before the stall."""
        received_ns = self._last_ns = time.monotonic_ns()
        n_waited = len(buffers)
        fresh = 0 if n_waited == _BUFFERS else n_waited if n_waited <= _MAY_WAIT else 1
        stale, kept = buffers[: n_waited - fresh], buffers[n_waited - fresh :]
        copies = [self._copied(buffer) for buffer in kept]
        self._hand_back(buffers)
        if stale:
            if self._decoder:
                self._decoder.hang(("queue", "stalled"))
            yield Lost("queue", len(stale), "stalled")
        for buffer, content in zip(kept, copies, strict=True):
            yield from self._frame(buffer, content, received_ns)

    def _copied(self, buffer: v4l2_buffer) -> bytes:
        memory = self._capture.buffer
        if not isinstance(memory, video.MemoryMap) or memory.buffers is None:
            raise CameraError(f"{self._where}: cannot stream into memory")
        return memory.buffers[buffer.index][: buffer.bytesused]

    def _frame(
        self, buffer: v4l2_buffer, content: bytes, received_ns: int
    ) -> Iterator[DeviceEvent]:
        if buffer.flags & BufferFlag.ERROR or not content:
            yield Lost("device", 1, "broken buffer")
            return
        before = self._frame_id
        self._frame_id = serial = unwrapped(before, buffer.sequence, 0, 1 << 32)
        if self._decoder and before is not None and serial - before > 1:
            self._decoder.hang(("queue", "hangs on a lost frame"))
        yield self._exposed(buffer, content, received_ns)
        if self._decoder:
            yield from self._decoder.feed(serial, content)
        else:
            yield Pictured(serial, partial(self._converted, content))

    def _exposed(self, buffer: v4l2_buffer, content: bytes, received_ns: int) -> Exposed:
        taken_ns = buffer.timestamp.secs * 1_000_000_000 + buffer.timestamp.usecs * 1000
        serial = self._frame_id or 0
        compressed = self._decoder is not None
        return Exposed(
            serial=serial,
            received_ns=received_ns,
            taken_ns=taken_ns if self._format.stream.time_origin == "driver" else None,
            uncertainty_ns=self._uncertainty_ns,
            frame_id=serial,
            exposure_ns=round(self._config.exposure_us * 1000),
            payload=content if compressed else b"",
            keyframe=not compressed or bitstream.is_keyframe(self._format.stream.codec, content),
            pts=taken_ns // 1000,
            dts=taken_ns // 1000,
        )

    def _converted(self, content: bytes, factor: int) -> pixels.U8:
        shape = self._pixels.height, self._pixels.width
        padding_bytes = self._pixels.bytes_per_line - 2 * self._pixels.width
        return pixels.to_bgr(content, "YUV422_8", shape, factor, padding_bytes)

    def _check_silence(self) -> None:
        if time.monotonic_ns() - self._last_ns > _SILENT_S * 1e9:
            raise CameraError(
                f"{self._where}: delivers nothing for {_SILENT_S:.0f} s; plug it in anew, or give"
                " it a USB controller of its own"
            )


def _opened(config: CameraConfig) -> video.Device:
    place = f"{config.name}: {config.v4l2.device}"
    device = video.Device(config.v4l2.device)
    try:
        device.open()
        capabilities = device.info.device_capabilities if device.info else Capability(0)
    except FileNotFoundError as error:
        raise CameraError(f"{place}: no such device; `kinelive cameras` lists them") from error
    except PermissionError as error:
        raise CameraError(
            f"{place}: not permitted; add yourself to the group video and log in anew"
        ) from error
    except OSError as error:
        raise CameraError(f"{place}: cannot be opened as a camera: {said(error)}") from error
    if not capabilities & Capability.VIDEO_CAPTURE or not capabilities & Capability.STREAMING:
        device.close()
        raise CameraError(
            f"{place}: delivers no pictures; most cameras have two devices, the first one does"
        )
    return device


def open_device(config: CameraConfig, trigger: TriggerConfig) -> V4l2Device:
    """Open a camera, set it as configured and start it.

    Raises:
        CameraError: there is none, it is in use, or it took another value than asked.
    """
    del trigger  # ``capture.drivers`` lets nothing else through
    return V4l2Device(config)


def found() -> list[FoundDevice]:
    """Cameras that stream one of the formats we take."""
    devices = (_described(str(path)) for path in sorted(video.iter_video_files()))
    return [device for device in devices if device is not None]


def _described(path: str) -> FoundDevice | None:
    try:
        with video.Device(path) as device:
            info = device.info
            if info is None or not info.device_capabilities & Capability.VIDEO_CAPTURE:
                return None
            has = offered(device)
            says = f"{info.card}, {info.bus_info}"
    except OSError:
        return None
    formats = tuple(name for name in _CODECS if fourcc(name) in has)
    return FoundDevice(
        "v4l2", path, says, formats, "driver", "the kernel's stamp of each buffer, monotonic clock"
    )
