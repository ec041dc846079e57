"""An opened GigE Vision or USB3 Vision camera: its frames, its losses, and whether it is there.

Aravis receives the packets in a thread of its own and stamps each frame when its first packet has
come. Its device times are nanoseconds: for GigE Vision it converts the raw ticks by the frequency
that the camera tells (in integers, nothing is lost), in USB3 Vision the camera gives nanoseconds
itself. So a tick is a nanosecond here whatever the camera's clock runs at, and nothing wraps.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

from capture.camera import Lost, StreamFormat
from capture.device import IDLE_S, DeviceEvent, DeviceFormat, Exposed, Pictured
from capture.frame_counts import FrameIds, Losses
from capture.gi_bridge import Bridge
from capture.grid_trigger import GridTrigger
from capture.pixels import U8, to_bgr
from capture.wall_stamp import WallStamps
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

_NS_HZ = 1e9
_USUAL_UNCERTAINTY_NS = 1_000_000
_ARRIVAL_UNCERTAINTY_NS = 5_000_000
_VERSION = 0  # register that both standards begin with
_HEARTBEAT_TIMEOUT = 0x938  # register of GigE Vision, ms
_PATIENCE_MS = 5000
_EXPOSURE_AGAIN_NS = 1_000_000_000


def has_clock(camera: Any) -> bool:
    """Whether it stamps frames; Aravis stamps those of a camera without clock by the host's."""
    return not camera.is_gv_device() or camera.get_device().get_timestamp_tick_frequency() > 0


class GenicamDevice:
    """Exposes from the first event asked for, so that nothing waits in its buffers before."""

    def __init__(
        self, camera: Any, config: CameraConfig, trigger: TriggerConfig, bridge: Bridge
    ) -> None:
        self._camera: Any = camera
        self._config, self._bridge = config, bridge
        self._asked, self._mode = config.genicam, trigger.mode
        self._nodes = threading.Lock()
        self._gone = gone = threading.Event()
        camera.get_device().connect("control-lost", lambda *_: gone.set())
        self._bear_short_silences()
        self._clocked = has_clock(camera)
        self._pixel_format = camera.get_pixel_format_as_string()
        self._exposure_changes = (
            camera.is_exposure_auto_available()
            and camera.get_exposure_time_auto() != bridge.aravis.Auto.OFF
        )
        self._exposure_read_ns = 0
        self._exposure_ns = self._read_exposure_ns()
        self._format = self._read_format()
        self._stream: Any = None
        self._timer: GridTrigger | None = None
        self._serial = 0
        self._ids, self._losses = FrameIds(camera.is_gv_device()), Losses()
        self._stamps = WallStamps()
        self._heard_ns = 0
        self._not_triggered = 0
        self._asks = ThreadPoolExecutor(1)
        self._answer: Future[object] | None = None

    @property
    def format(self) -> DeviceFormat:
        """What it delivers, as the camera said."""
        return self._format

    def events(self) -> Iterator[DeviceEvent]:
        """Yield what comes.

        Raises:
            CameraError: another program took the camera, or it answers no more.
        """
        self._begin()
        aravis = self._bridge.aravis
        while True:
            buffer = self._stream.timeout_pop_buffer(round(IDLE_S * 1e6))
            now_ns, wall_now_ns = time.monotonic_ns(), time.time_ns()
            if self._gone.is_set():
                raise CameraError(f"{self._config.name}: control of the camera is lost")
            yield from self._untriggered()
            if buffer is None:
                self._fail_if_gone(now_ns)
                yield None
                continue
            self._heard_ns, self._answer = now_ns, None
            if buffer.get_status() == aravis.BufferStatus.SUCCESS:
                yield from self._whole(buffer, now_ns, wall_now_ns)
            else:
                yield self._losses.bad(self._underruns())
            self._stream.push_buffer(buffer)

    def close(self) -> None:
        """Stop, and leave the camera to others."""
        if self._timer:
            self._timer.close()
        self._asks.shutdown(wait=False)
        if not self._gone.is_set():
            self._leave()
        # The library says goodbye once more when its objects go, to a camera that may be gone then.
        self._stream = self._camera = None

    def _leave(self) -> None:
        with contextlib.suppress(
            self._bridge.error
        ):  # it may be gone: then there is nobody to tell
            self._camera.stop_acquisition()
            if self._camera.is_gv_device():
                self._camera.get_device().leave_control()

    def _bear_short_silences(self) -> None:
        """Let a GigE camera wait longer for a sign of us: its 3 s are over after a cable was out
        for two, as we ask once a second and a question takes half a second to be given up."""
        if self._camera.is_gv_device():
            with contextlib.suppress(self._bridge.error):  # then it is as patient as it was made
                self._camera.get_device().write_register(_HEARTBEAT_TIMEOUT, _PATIENCE_MS)

    def _begin(self) -> None:
        try:
            self._stream = self._camera.create_stream(None, None)
            payload = self._camera.get_payload()
            for _ in range(self._asked.n_buffers):
                self._stream.push_buffer(self._bridge.aravis.Buffer.new_allocate(payload))
            self._camera.start_acquisition()
        except self._bridge.error as error:
            raise CameraError(
                f"{self._config.name}: does not begin: {self._bridge.said(error)}"
            ) from error
        self._heard_ns = time.monotonic_ns()
        if self._mode == "software":
            self._timer = GridTrigger(self._trigger_once, self._format.stream.rate_hz)

    def _whole(self, buffer: Any, now_ns: int, wall_now_ns: int) -> Iterator[DeviceEvent]:
        frame_id = self._ids.take(buffer.get_frame_id())
        lost = self._losses.good(frame_id, self._underruns())
        if lost:
            yield lost
        self._serial += 1
        if self._exposure_changes and now_ns - self._exposure_read_ns > _EXPOSURE_AGAIN_NS:
            self._exposure_ns = self._read_exposure_ns()
        yield Exposed(
            serial=self._serial,
            received_ns=self._stamps.monotonic_ns(
                buffer.get_system_timestamp(), now_ns, wall_now_ns
            ),
            ticks=buffer.get_timestamp() if self._clocked else None,
            uncertainty_ns=0 if self._clocked else _ARRIVAL_UNCERTAINTY_NS,
            frame_id=frame_id,
            exposure_ns=self._exposure_ns,
        )
        yield Pictured(self._serial, lambda factor: self._picture(buffer, factor))

    def _picture(self, buffer: Any, factor: int) -> U8:
        shape = buffer.get_image_height(), buffer.get_image_width()
        padding_bytes = buffer.get_image_padding()[0]
        return to_bgr(buffer.get_data(), self._pixel_format, shape, factor, padding_bytes)

    def _underruns(self) -> int:
        return self._stream.get_info_uint64_by_name("n_underruns")

    def _trigger_once(self) -> None:
        try:
            with self._nodes:
                self._camera.software_trigger()
        except self._bridge.error:
            self._not_triggered += 1

    def _untriggered(self) -> Iterator[Lost]:
        count, self._not_triggered = self._not_triggered, 0
        if count:
            yield Lost("network", count, "trigger not taken")

    def _fail_if_gone(self, now_ns: int) -> None:
        """Ask a silent camera for a register; in a thread, as it takes seconds to know."""
        if self._answer is None:
            if now_ns - self._heard_ns > self._asked.silent_s * 1e9:
                self._answer = self._asks.submit(self._camera.get_device().read_register, _VERSION)
        elif self._answer.done():
            error = self._answer.exception()
            if error is not None:
                self._gone.set()
                raise CameraError(
                    f"{self._config.name}: silent, and does not answer: {self._bridge.said(error)}"
                ) from error
            self._heard_ns, self._answer = now_ns, None

    def _read_exposure_ns(self) -> int:
        self._exposure_read_ns = time.monotonic_ns()
        if not self._camera.is_exposure_time_available():
            return 0
        with self._nodes:
            return round(self._camera.get_exposure_time() * 1000)

    def _read_format(self) -> DeviceFormat:
        region, rate_hz = self._camera.get_region(), self._rate_hz()
        frame_s = 1 / Fraction(rate_hz).limit_denominator(1000)
        stream = StreamFormat(
            driver="genicam",
            codec="rawvideo",
            extradata=b"",
            width_px=region.width,
            height_px=region.height,
            rate_hz=rate_hz,
            time_base_s=(frame_s.numerator, frame_s.denominator),
            time_origin="hardware" if self._clocked else "host",
            time_uncertainty_ns=_USUAL_UNCERTAINTY_NS if self._clocked else _ARRIVAL_UNCERTAINTY_NS,
        )
        return DeviceFormat(stream, ticks_hz=_NS_HZ if self._clocked else 0, gap_cause="network")

    def _rate_hz(self) -> float:
        if self._mode == "free-run" and self._camera.is_frame_rate_available():
            return self._camera.get_frame_rate()
        if not self._asked.rate_hz:
            raise CameraError(
                f"{self._config.name}: genicam.rate_hz must say what the trigger does"
            )
        return self._asked.rate_hz
