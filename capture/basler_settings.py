"""What a Basler camera is told through pylon before it begins, each thing read back."""

from collections.abc import Iterator
from typing import Any

from capture.pixels import FORMATS
from capture.pylon_bridge import Bridge
from capture.readback import Setting, Value, apply
from core.camera_config import BaslerConfig, CameraConfig, TriggerConfig
from core.errors import CameraError

EXPOSURE = (
    "ExposureTime",
    "ExposureTimeAbs",
)  # as USB and newer cameras say, as older GigE ones do
RATE = ("AcquisitionFrameRate", "AcquisitionFrameRateAbs")
_GAIN = ("Gain", "GainRaw")
_PTP = ("PtpEnable", "GevIEEE1588")
_PERIODIC = "PeriodicSignal1"


class Nodes:
    """The features of one camera by name."""

    def __init__(self, camera: Any, bridge: Bridge) -> None:
        self._nodes, self._genicam = camera.GetNodeMap(), bridge.genicam

    def first(self, *names: str) -> str:
        """The first name that this camera has; empty where it has none."""
        return next((one for one in names if self._genicam.IsReadable(self._node(one))), "")

    def get(self, name: str) -> Any:
        """Value of a feature."""
        return self._node(name).GetValue()

    def choices(self, name: str) -> tuple[str, ...]:
        """What a feature can be set to."""
        return tuple(self._node(name).Symbolics) if self.first(name) else ()

    def set(self, name: str, value: Any) -> None:
        """Set a feature."""
        self._node(name).SetValue(value)

    def execute(self, name: str) -> None:
        """Give a command."""
        self._node(name).Execute()

    def _node(self, name: str) -> Any:
        return self._nodes.GetNode(name)


def configure(nodes: Nodes, config: CameraConfig, trigger: TriggerConfig, bridge: Bridge) -> None:
    """Set what is asked for.

    Raises:
        CameraError: the camera refuses, took another value, cannot be triggered so, or delivers
            pixels that we cannot take.
    """
    asked = config.basler
    settings = [
        *_picture(nodes, asked),
        *_exposure(nodes, asked),
        *_trigger(nodes, config.name, asked.rate_hz, trigger),
        *_packets(nodes, asked),
    ]
    apply(config.name, settings, bridge.error, bridge.said)
    pixel_format = nodes.get("PixelFormat")
    if pixel_format not in FORMATS:
        offered = [one for one in nodes.choices("PixelFormat") if one in FORMATS]
        raise CameraError(
            f"{config.name}: pixels as {pixel_format} cannot be taken: "
            f"set basler.pixel_format to one of {', '.join(offered) or 'none it has'}"
        )


def _node(
    nodes: Nodes, name: str, node: str, value: Value, tolerance: float = 0.0
) -> Iterator[Setting]:
    if not node:
        raise CameraError(f"{name} is set, and the camera has no such feature")
    yield Setting(name, value, lambda: nodes.set(node, value), lambda: nodes.get(node), tolerance)


def _picture(nodes: Nodes, asked: BaslerConfig) -> Iterator[Setting]:
    if asked.pixel_format:
        yield from _node(nodes, "basler.pixel_format", "PixelFormat", asked.pixel_format)
    for offset in ("OffsetX", "OffsetY"):
        if (asked.width_px or asked.height_px) and nodes.first(offset):
            nodes.set(offset, 0)  # an offset from before would leave no room for the size
    for name, node, value in (
        ("width_px", "Width", asked.width_px or None),
        ("height_px", "Height", asked.height_px or None),
        ("offset_x_px", "OffsetX", asked.offset_x_px),
        ("offset_y_px", "OffsetY", asked.offset_y_px),
    ):
        if value is not None:
            yield from _node(nodes, f"basler.{name}", node, value)


def _exposure(nodes: Nodes, asked: BaslerConfig) -> Iterator[Setting]:
    for auto, wanted in (("ExposureAuto", asked.exposure_us), ("GainAuto", asked.gain is not None)):
        if wanted and nodes.first(auto):
            yield from _node(nodes, auto, auto, "Off")
    if asked.exposure_us:
        tolerance_us = max(20.0, 0.02 * asked.exposure_us)  # a sensor's line takes 5 to 20 us
        node = nodes.first(*EXPOSURE)
        yield from _node(nodes, "basler.exposure_us", node, asked.exposure_us, tolerance_us)
    if asked.gain is not None:
        node = nodes.first(*_GAIN)
        value = round(asked.gain) if node == "GainRaw" else asked.gain
        yield from _node(nodes, "basler.gain", node, value, 0.2)


def _trigger(nodes: Nodes, name: str, rate_hz: float, trigger: TriggerConfig) -> Iterator[Setting]:
    if trigger.mode == "free-run":
        if nodes.first("TriggerMode"):
            yield from _node(nodes, "TriggerMode", "TriggerMode", "Off")
        if rate_hz and nodes.first("AcquisitionFrameRateEnable"):
            nodes.set("AcquisitionFrameRateEnable", True)
        if rate_hz:
            node = nodes.first(*RATE)
            yield from _node(nodes, "basler.rate_hz", node, rate_hz, 0.005 * rate_hz)
        return
    if trigger.mode != "hardware" and not rate_hz:
        raise CameraError(f"{name}: trigger.mode {trigger.mode!r}: basler.rate_hz is 0")
    if trigger.mode == "ptp":
        yield from _on_schedule(nodes, name, rate_hz)
    source = {"hardware": trigger.source, "software": "Software", "ptp": _PERIODIC}[trigger.mode]
    sources = nodes.choices("TriggerSource")
    if source not in sources:
        raise CameraError(
            f"{name}: trigger.source {source!r}: the camera has {', '.join(sources) or 'none'}"
        )
    yield from _node(nodes, "TriggerSelector", "TriggerSelector", "FrameStart")
    yield from _node(nodes, "trigger.source", "TriggerSource", source)
    yield from _node(nodes, "TriggerMode", "TriggerMode", "On")


def _on_schedule(nodes: Nodes, name: str, rate_hz: float) -> Iterator[Setting]:
    """Clocks that agree (IEEE 1588), and a signal at each multiple of the period on them."""
    ptp, period = nodes.first(*_PTP), nodes.first("BslPeriodicSignalPeriod")
    if not ptp or not period:
        lacks = "PTP" if not ptp else "periodic signal to expose on"
        raise CameraError(f"{name}: trigger.mode 'ptp': the camera has no {lacks}")
    yield from _node(nodes, ptp, ptp, True)
    yield from _node(nodes, period, period, 1e6 / rate_hz, 5e3 / rate_hz)


def _packets(nodes: Nodes, asked: BaslerConfig) -> Iterator[Setting]:
    if asked.packet_bytes and nodes.first("GevSCPSPacketSize"):
        yield from _node(nodes, "basler.packet_bytes", "GevSCPSPacketSize", asked.packet_bytes)
