"""Driver ``webcam``: any camera OpenCV opens. Its frames are timed on arrival, about a period off.

A thread grabs: OpenCV's queues hold frames that nobody took, and not every backend lets them be
shortened. Where V4L2 is there (Linux), driver ``v4l2`` knows the time better.
"""

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from capture import pixels
from capture.camera import Lost, StreamFormat
from capture.device import IDLE_S, DeviceEvent, DeviceFormat, Exposed, FoundDevice, Pictured
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

_INDICES = 8
_RATE_OFF = 0.1
_RATE_FRAMES = 15


@dataclass(frozen=True, slots=True)
class _Grabbed:
    serial: int
    received_ns: int
    picture: pixels.U8


class _Newest:
    """The newest frame; one that nobody took makes room and is counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._grabbed: _Grabbed | None = None
        self._passed_over = 0

    def put(self, grabbed: _Grabbed) -> None:
        with self._changed:
            self._passed_over += self._grabbed is not None
            self._grabbed = grabbed
            self._changed.notify()

    def take(self) -> tuple[_Grabbed | None, int]:
        """The newest frame, None after ``IDLE_S`` of nothing; and how many were passed over."""
        with self._changed:
            self._changed.wait_for(lambda: self._grabbed is not None, IDLE_S)
            grabbed, passed_over = self._grabbed, self._passed_over
            self._grabbed, self._passed_over = None, 0
            return grabbed, passed_over


class Webcam:
    """A camera that OpenCV has open, and the thread that grabs from it."""

    def __init__(self, config: CameraConfig) -> None:
        self._where = f"{config.name}: webcam {config.webcam.index}"
        self._config, self._source = config.webcam, _opened(config)
        self._newest, self._ended = _Newest(), threading.Event()
        try:
            self._format = DeviceFormat(self._read_back(), gap_cause="queue")
        except CameraError:
            self._source.release()
            raise
        self._thread = threading.Thread(target=self._grab, name="webcam", daemon=True)
        self._thread.start()

    @property
    def format(self) -> DeviceFormat:
        """What it delivers."""
        return self._format

    def events(self) -> Iterator[DeviceEvent]:
        """Yield each frame and its picture."""
        self._newest.take()  # of before the start
        while True:
            grabbed, passed_over = self._newest.take()
            if passed_over:
                yield Lost("queue", passed_over, "stalled")
            if grabbed is not None:
                uncertainty_ns = self._format.stream.time_uncertainty_ns
                yield Exposed(grabbed.serial, grabbed.received_ns, uncertainty_ns=uncertainty_ns)
                yield Pictured(grabbed.serial, partial(pixels.shrunk, grabbed.picture))
            elif self._ended.is_set():
                raise CameraError(f"{self._where}: gives no more frames; is its cable in?")
            else:
                yield None

    def close(self) -> None:
        """Let it go."""
        self._ended.set()
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._source.release()

    def _grab(self) -> None:
        serial = 0
        while not self._ended.is_set() and self._source.grab():
            received_ns = time.monotonic_ns()
            came, picture = self._source.retrieve()
            if came:
                whole = np.ascontiguousarray(picture, dtype=np.uint8)
                self._newest.put(_Grabbed(serial, received_ns, whole))
                serial += 1
        self._ended.set()

    def _read_back(self) -> StreamFormat:
        wanted, source = self._config, self._source
        width_px = round(source.get(cv2.CAP_PROP_FRAME_WIDTH))
        height_px = round(source.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if (width_px, height_px) != (wanted.width_px, wanted.height_px):
            raise CameraError(
                f"{self._where}: size {wanted.width_px}x{wanted.height_px} was asked for, it takes"
                f" {width_px}x{height_px}"
            )
        rate_hz = source.get(cv2.CAP_PROP_FPS) or self._measured_hz()
        if abs(rate_hz - wanted.rate_hz) > _RATE_OFF * wanted.rate_hz:
            raise CameraError(
                f"{self._where}: rate {wanted.rate_hz:g} Hz was asked for, it takes {rate_hz:g} Hz"
            )
        return StreamFormat(
            driver="webcam",
            codec="rawvideo",
            extradata=b"",
            width_px=width_px,
            height_px=height_px,
            rate_hz=rate_hz,
            time_base_s=(1, round(rate_hz)),
            time_origin="host",
            time_uncertainty_ns=round(1e9 / rate_hz),
        )

    def _measured_hz(self) -> float:
        """Rate of the first frames, of a camera that does not say it; 0: there are none."""
        came_ns = [time.monotonic_ns() for _ in range(_RATE_FRAMES) if self._source.grab()]
        if len(came_ns) < 2:
            return 0.0
        return 1e9 / max(1.0, float(np.median(np.diff(came_ns))))


def _backend() -> int:
    """OpenCV's way to a camera; chosen, so that it does not try them all."""
    kinds = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_MSMF}
    return kinds.get(sys.platform, cv2.CAP_ANY)


def _opened(config: CameraConfig) -> cv2.VideoCapture:
    wanted = config.webcam
    source = cv2.VideoCapture(wanted.index, _backend())
    if not source.isOpened():
        raise CameraError(
            f"{config.name}: there is no webcam {wanted.index}, or another program has it;"
            " `kinelive cameras` lists them"
        )
    source.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    source.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width_px)
    source.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height_px)
    source.set(cv2.CAP_PROP_FPS, wanted.rate_hz)
    return source


def open_device(config: CameraConfig, trigger: TriggerConfig) -> Webcam:
    """Open a webcam and begin to grab.

    Raises:
        CameraError: there is none, it is in use, or it took another value than asked.
    """
    del trigger  # ``capture.drivers`` lets nothing else through
    return Webcam(config)


def found() -> list[FoundDevice]:
    """Webcams that open, by their index; each is opened for that."""
    return [one for index in range(_INDICES) if (one := _described(index)) is not None]


def _described(index: int) -> FoundDevice | None:
    if sys.platform == "linux" and not Path(f"/dev/video{index}").exists():
        return None
    source = cv2.VideoCapture(index, _backend())
    try:
        if not source.isOpened():
            return None
        width_px = round(source.get(cv2.CAP_PROP_FRAME_WIDTH))
        height_px = round(source.get(cv2.CAP_PROP_FRAME_HEIGHT))
        says = f"{source.getBackendName()}, {width_px}x{height_px}"
    finally:
        source.release()
    return FoundDevice("webcam", str(index), says, (), "host", "on arrival: about a period off")
