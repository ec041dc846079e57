"""What a GenICam camera is told through Aravis before it begins, each thing read back."""

from collections.abc import Iterator
from typing import Any

from capture.gi_bridge import Bridge
from capture.pixels import FORMATS
from capture.readback import Setting, apply
from core.camera_config import CameraConfig, GenicamConfig, TriggerConfig
from core.errors import CameraError

_PTP_NODES = ("PtpEnable", "GevIEEE1588")
_PERIODIC = "PeriodicSignal1"


def configure(camera: Any, config: CameraConfig, trigger: TriggerConfig, bridge: Bridge) -> None:
    """Set what is asked for.

    Raises:
        CameraError: the camera refuses, took another value, cannot be triggered so, or delivers
            pixels that we cannot take.
    """
    aravis, asked = bridge.aravis, config.genicam
    camera.set_range_check_policy(aravis.RangeCheckPolicy.ENABLE)
    settings = [
        *_picture(camera, asked),
        *_exposure(camera, asked, aravis),
        *_trigger(camera, config.name, asked.rate_hz, trigger),
        *_packets(camera, asked),
    ]
    apply(config.name, settings, bridge.error, bridge.said)
    pixel_format = camera.get_pixel_format_as_string()
    if pixel_format not in FORMATS:
        offered = [one for one in camera.dup_available_pixel_formats_as_strings() if one in FORMATS]
        raise CameraError(
            f"{config.name}: pixels as {pixel_format} cannot be taken: "
            f"set genicam.pixel_format to one of {', '.join(offered) or 'none it has'}"
        )


def _picture(camera: Any, asked: GenicamConfig) -> Iterator[Setting]:
    if asked.pixel_format:
        yield Setting(
            "genicam.pixel_format",
            asked.pixel_format,
            lambda: camera.set_pixel_format_from_string(asked.pixel_format),
            camera.get_pixel_format_as_string,
        )
    parts = {
        "x": ("offset_x_px", asked.offset_x_px),
        "y": ("offset_y_px", asked.offset_y_px),
        "width": ("width_px", asked.width_px or None),
        "height": ("height_px", asked.height_px or None),
    }

    def write() -> None:
        now = camera.get_region()
        wanted = [getattr(now, part) if to is None else to for part, (_, to) in parts.items()]
        camera.set_region(*wanted)  # all four at once: it orders them so that they fit in between

    for part, (name, value) in parts.items():
        if value is not None:
            yield Setting(
                f"genicam.{name}",
                value,
                write,
                lambda part=part: getattr(camera.get_region(), part),
            )


def _exposure(camera: Any, asked: GenicamConfig, aravis: Any) -> Iterator[Setting]:
    def set_exposure() -> None:
        if camera.is_exposure_auto_available():
            camera.set_exposure_time_auto(aravis.Auto.OFF)
        camera.set_exposure_time(asked.exposure_us)

    def set_gain() -> None:
        if camera.is_gain_auto_available():
            camera.set_gain_auto(aravis.Auto.OFF)
        camera.set_gain(asked.gain)

    if asked.exposure_us:
        tolerance_us = max(20.0, 0.02 * asked.exposure_us)  # a sensor's line takes 5 to 20 us
        yield Setting(
            "genicam.exposure_us",
            asked.exposure_us,
            set_exposure,
            camera.get_exposure_time,
            tolerance_us,
        )
    if asked.gain is not None:
        yield Setting("genicam.gain", asked.gain, set_gain, camera.get_gain, 0.2)


def _trigger(camera: Any, name: str, rate_hz: float, trigger: TriggerConfig) -> Iterator[Setting]:
    if trigger.mode == "free-run":
        if camera.dup_available_triggers():
            camera.clear_triggers()
        if rate_hz:
            yield Setting(
                "genicam.rate_hz",
                rate_hz,
                lambda: camera.set_frame_rate(rate_hz),
                camera.get_frame_rate,
                0.005 * rate_hz,
            )
    elif trigger.mode == "hardware":
        yield from _triggered_by(camera, name, trigger.source)
    elif trigger.mode == "software":
        if not rate_hz or not camera.is_software_trigger_supported():
            lacks = "the camera has no software trigger" if rate_hz else "genicam.rate_hz is 0"
            raise CameraError(f"{name}: trigger.mode 'software': {lacks}")
        yield from _triggered_by(camera, name, "Software")
    else:
        yield from _on_schedule(camera, name, rate_hz)


def _triggered_by(camera: Any, name: str, source: str) -> Iterator[Setting]:
    sources = camera.dup_available_trigger_sources()
    if source not in sources:
        raise CameraError(
            f"{name}: trigger.source {source!r}: the camera has {', '.join(sources) or 'none'}"
        )
    yield Setting(
        "trigger.source", source, lambda: camera.set_trigger(source), camera.get_trigger_source
    )
    mode = lambda: camera.get_string("TriggerMode")  # noqa: E731
    yield Setting("TriggerMode", "On", lambda: None, mode)


def _on_schedule(camera: Any, name: str, rate_hz: float) -> Iterator[Setting]:
    """Clocks that agree (IEEE 1588), and an exposure at each multiple of the period on them.

    How a camera is told of the period is not standardised. Basler's have a periodic signal, Lucid's
    start their acquisition in step with the clock.
    """
    ptp = next((one for one in _PTP_NODES if camera.is_feature_available(one)), None)
    if ptp is None:
        raise CameraError(
            f"{name}: trigger.mode 'ptp': the camera has no PTP "
            f"(looked for {' and '.join(_PTP_NODES)})"
        )
    if not rate_hz:
        raise CameraError(f"{name}: trigger.mode 'ptp': genicam.rate_hz is 0")
    yield Setting(ptp, True, lambda: camera.set_boolean(ptp, True), lambda: camera.get_boolean(ptp))
    if _PERIODIC in camera.dup_available_trigger_sources():
        period = "BslPeriodicSignalPeriod"
        yield _number(camera, period, 1e6 / rate_hz)
        yield from _triggered_by(camera, name, _PERIODIC)
    elif camera.is_feature_available("PTPSyncFrameRate"):
        start = "AcquisitionStartMode"
        yield Setting(
            start,
            "PTPSync",
            lambda: camera.set_string(start, "PTPSync"),
            lambda: camera.get_string(start),
        )
        yield _number(camera, "PTPSyncFrameRate", rate_hz)
    else:
        raise CameraError(
            f"{name}: trigger.mode 'ptp': the camera has PTP, and no schedule that we know of "
            f"(looked for trigger source {_PERIODIC} and PTPSyncFrameRate)"
        )


def _number(camera: Any, node: str, value: float) -> Setting:
    return Setting(
        node,
        value,
        lambda: camera.set_float(node, value),
        lambda: camera.get_float(node),
        0.005 * value,
    )


def _packets(camera: Any, asked: GenicamConfig) -> Iterator[Setting]:
    if asked.packet_bytes and camera.is_gv_device():
        yield Setting(
            "genicam.packet_bytes",
            asked.packet_bytes,
            lambda: camera.gv_set_packet_size(asked.packet_bytes),
            camera.gv_get_packet_size,
        )
