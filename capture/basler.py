"""Basler cameras through the maker's pylon: finding, opening, and their frames.

pylon tells no time of arrival: a frame counts as received when it is taken out of pylon's queue.
Emulated cameras (environment ``PYLON_CAMEMU=4``, set before this is loaded) have no clock.
"""

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from capture import pylon_bridge
from capture.basler_settings import EXPOSURE, RATE, Nodes, configure
from capture.camera import Lost, StreamFormat
from capture.device import IDLE_S, DeviceEvent, DeviceFormat, Exposed, FoundDevice, Pictured
from capture.frame_counts import FrameIds
from capture.grid_trigger import GridTrigger
from capture.pixels import FORMATS, U8, to_bgr
from capture.pylon_bridge import Bridge
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

_GIGE, _EMULATED = "BaslerGigE", "BaslerCamEmu"
_INCOMPLETE = 0xE1000014  # pylon's code for a GigE frame with packets missing
_USUAL_UNCERTAINTY_NS = 1_000_000
_ARRIVAL_UNCERTAINTY_NS = 5_000_000
_EXPOSURE_AGAIN_NS = 1_000_000_000


def open_device(config: CameraConfig, trigger: TriggerConfig) -> "BaslerDevice":
    """Open and set up a camera; it exposes from the first event asked for.

    Raises:
        CameraError: pylon is missing, no such camera, in use, or it took another value than asked.
    """
    bridge = pylon_bridge.load()
    factory = bridge.pylon.TlFactory.GetInstance()
    chosen = _chosen(config, factory.EnumerateDevices())
    try:
        camera = bridge.pylon.InstantCamera(factory.CreateDevice(chosen))
        camera.Open()
        configure(Nodes(camera, bridge), config, trigger, bridge)
        return BaslerDevice(camera, config, trigger, bridge)
    except bridge.error as error:
        raise CameraError(f"{config.name}: {bridge.said(error)}") from error


def found() -> list[FoundDevice]:
    """All cameras that pylon sees.

    Raises:
        CameraError: pylon is missing.
    """
    bridge = pylon_bridge.load()
    factory = bridge.pylon.TlFactory.GetInstance()
    return [_seen(bridge, factory, one) for one in factory.EnumerateDevices()]


def _seen(bridge: Bridge, factory: Any, device: Any) -> FoundDevice:
    clocked = device.GetDeviceClass() != _EMULATED
    address = f", {device.GetIpAddress()}" if device.IsIpAddressAvailable() else ""
    says = f"{device.GetVendorName()} {device.GetModelName()}, {device.GetDeviceClass()}{address}"
    formats: tuple[str, ...] = ()
    try:
        camera = bridge.pylon.InstantCamera(factory.CreateDevice(device))
        camera.Open()
        formats = Nodes(camera, bridge).choices("PixelFormat")
        camera.Close()
    except bridge.error as error:
        says = f"{says} (does not open: {bridge.said(error)})"
    return FoundDevice(
        driver="basler",
        device=device.GetSerialNumber(),
        says=says,
        formats=tuple(one for one in formats if one in FORMATS),
        time_origin="hardware" if clocked else "host",
        time_says="the camera's own clock" if clocked else "arrival: emulated, it has no clock",
    )


def _chosen(config: CameraConfig, devices: Any) -> Any:
    by_serial = {one.GetSerialNumber(): one for one in devices}
    known, wanted = ", ".join(by_serial) or "no camera at all", config.basler.serial
    if wanted and wanted not in by_serial:
        raise CameraError(f"{config.name}: no camera {wanted!r}; pylon sees {known}")
    if not wanted and len(by_serial) != 1:
        raise CameraError(
            f"{config.name}: basler.serial is empty and pylon sees {known}: set basler.serial"
        )
    return by_serial[wanted] if wanted else devices[0]


class BaslerDevice:
    """Keeps the latest pictures: older ones that nobody took are passed over, and counted."""

    def __init__(
        self, camera: Any, config: CameraConfig, trigger: TriggerConfig, bridge: Bridge
    ) -> None:
        self._camera, self._config, self._bridge = camera, config, bridge
        self._asked, self._mode = config.basler, trigger.mode
        self._nodes = Nodes(camera, bridge)
        kind = camera.GetDeviceInfo().GetDeviceClass()
        self._clocked, self._ids = kind != _EMULATED, FrameIds(gige=kind == _GIGE)
        self._pixel_format = self._nodes.get("PixelFormat")
        auto = self._nodes.first("ExposureAuto")
        self._exposure_changes = bool(auto) and self._nodes.get(auto) != "Off"
        self._exposure_read_ns, self._exposure_ns = 0, 0
        self._read_exposure()
        self._format = self._read_format()
        self._timer: GridTrigger | None = None
        self._serial = 0
        self._not_triggered = 0

    @property
    def format(self) -> DeviceFormat:
        """What it delivers, as the camera said."""
        return self._format

    def events(self) -> Iterator[DeviceEvent]:
        """Yield what comes.

        Raises:
            CameraError: the camera is gone.
        """
        try:
            self._begin()
            while True:
                yield from self._next()
        except self._bridge.error as error:
            raise CameraError(f"{self._config.name}: {self._bridge.said(error)}") from error

    def close(self) -> None:
        """Stop, and leave the camera to others."""
        if self._timer:
            self._timer.close()
        self._camera.Close()

    def _begin(self) -> None:
        pylon, n_buffers = self._bridge.pylon, self._asked.n_buffers
        self._camera.MaxNumBuffer.SetValue(n_buffers + 2)  # one is filled, one is looked at
        self._camera.StartGrabbing(pylon.GrabStrategy_LatestImages)
        self._camera.OutputQueueSize.SetValue(n_buffers)
        if self._mode == "software":
            self._timer = GridTrigger(self._trigger_once, self._format.stream.rate_hz)

    def _next(self) -> Iterator[DeviceEvent]:
        handling = self._bridge.pylon.TimeoutHandling_Return
        result = self._camera.RetrieveResult(round(IDLE_S * 1000), handling)
        now_ns = time.monotonic_ns()
        count, self._not_triggered = self._not_triggered, 0
        if count:
            yield Lost("network", count, "trigger not taken")
        if not result.IsValid():
            if self._camera.IsCameraDeviceRemoved():
                raise CameraError(f"{self._config.name}: the camera is gone")
            yield None
            return
        with result:
            if skipped := result.GetNumberOfSkippedImages():
                yield Lost("queue", skipped, "passed over")
            if result.GrabSucceeded():
                yield from self._whole(result, now_ns)
            elif result.GetErrorCode() == _INCOMPLETE:
                yield Lost("network", 1, "incomplete")
            else:
                yield Lost("device", 1, "failed buffer")

    def _whole(self, result: Any, now_ns: int) -> Iterator[DeviceEvent]:
        self._serial += 1
        if self._exposure_changes and now_ns - self._exposure_read_ns > _EXPOSURE_AGAIN_NS:
            self._read_exposure()
        yield Exposed(
            serial=self._serial,
            received_ns=now_ns,
            ticks=result.GetTimeStamp() if self._clocked else None,
            uncertainty_ns=0 if self._clocked else _ARRIVAL_UNCERTAINTY_NS,
            frame_id=self._ids.take(result.GetBlockID()),
            exposure_ns=self._exposure_ns,
        )
        yield Pictured(self._serial, lambda factor: self._picture(result, factor))

    def _picture(self, result: Any, factor: int) -> U8:
        shape = result.GetHeight(), result.GetWidth()
        return to_bgr(
            bytes(result.GetBuffer()), self._pixel_format, shape, factor, result.GetPaddingX()
        )

    def _trigger_once(self) -> None:
        try:
            self._nodes.execute("TriggerSoftware")
        except self._bridge.error:
            self._not_triggered += 1

    def _read_exposure(self) -> None:
        node = self._nodes.first(*EXPOSURE)
        self._exposure_read_ns = time.monotonic_ns()
        self._exposure_ns = round(self._nodes.get(node) * 1000) if node else 0

    def _read_format(self) -> DeviceFormat:
        rate_hz, ticks = self._rate_hz(), self._nodes.first("GevTimestampTickFrequency")
        frame_s = 1 / Fraction(rate_hz).limit_denominator(1000)
        stream = StreamFormat(
            driver="basler",
            codec="rawvideo",
            extradata=b"",
            width_px=self._nodes.get("Width"),
            height_px=self._nodes.get("Height"),
            rate_hz=rate_hz,
            time_base_s=(frame_s.numerator, frame_s.denominator),
            time_origin="hardware" if self._clocked else "host",
            time_uncertainty_ns=_USUAL_UNCERTAINTY_NS if self._clocked else _ARRIVAL_UNCERTAINTY_NS,
        )
        ticks_hz = float(self._nodes.get(ticks)) if ticks else 1e9  # USB3 Vision: nanoseconds
        return DeviceFormat(stream, ticks_hz if self._clocked else 0.0, gap_cause="network")

    def _rate_hz(self) -> float:
        node = self._nodes.first(*RATE)
        if self._mode == "free-run" and node:
            return self._nodes.get(node)
        if not self._asked.rate_hz:
            raise CameraError(f"{self._config.name}: basler.rate_hz must say what the trigger does")
        return self._asked.rate_hz
