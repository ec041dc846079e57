"""Settings of a V4L2 camera: set, and read back from the driver, which may take another value."""

import errno
import os

from linuxpy.video import device as video
from linuxpy.video import raw
from linuxpy.video.device import BufferType, ControlID, PixelFormat

from core.camera_config import CameraConfig, V4l2Config
from core.errors import CameraError

_CAPTURE = BufferType.VIDEO_CAPTURE
_MANUAL_EXPOSURE = 1
_EXPOSURE_US = 100.0  # unit of the control
_RATE_OFF = 0.01


def apply(device: video.Device, config: CameraConfig) -> float:
    """Set format, size, rate and what is to be locked; return the rate in Hz.

    Raises:
        CameraError: the camera takes another value than asked; with both.
        OSError: it takes none.
    """
    wanted = config.v4l2
    try:
        device.set_format(_CAPTURE, wanted.width_px, wanted.height_px, wanted.format)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise CameraError(
            f"{config.name}: {wanted.device}: another program has it; close that"
        ) from error
    _check_format(device, config)
    _set_controls(device, config)
    return _set_rate(device, config)


def fourcc(name: str) -> PixelFormat:
    """Pixel format of a four-letter name."""
    return PixelFormat(int.from_bytes(name.encode(), "little"))


def offered(device: video.Device) -> list[int]:
    """Pixel formats the camera has, some of them perhaps newer than linuxpy."""
    kind = raw.v4l2_fmtdesc(type=_CAPTURE)
    return [one.pixelformat for one in video.iter_read(device, video.IOC.ENUM_FMT, kind)]


def said(error: OSError) -> str:
    """Say in words what the system said."""
    return (error.strerror or os.strerror(error.errno or 0)).lower()


def _check_format(device: video.Device, config: CameraConfig) -> None:
    wanted, took = config.v4l2, device.get_format(_CAPTURE)
    took_name = took.pixel_format.human_str()
    if took.pixel_format != fourcc(wanted.format):
        raise _other(config, "format", wanted.format, took_name, device)
    asked = f"{wanted.width_px}x{wanted.height_px}"
    size = f"{took.width}x{took.height}"
    if size != asked:
        raise _other(config, "size", asked, size, device)


def _set_rate(device: video.Device, config: CameraConfig) -> float:
    asked_hz = config.v4l2.rate_hz
    device.set_fps(_CAPTURE, asked_hz)
    took_hz = float(device.get_fps(_CAPTURE))
    if abs(took_hz - asked_hz) > _RATE_OFF * asked_hz:
        raise _other(config, "rate", f"{asked_hz:g} Hz", f"{took_hz:g} Hz", device)
    return took_hz


def _set_controls(device: video.Device, config: CameraConfig) -> None:
    wanted = config.v4l2
    if wanted.exposure_us:
        _automatic(device, ControlID.EXPOSURE_AUTO, _MANUAL_EXPOSURE)
        _automatic(device, ControlID.EXPOSURE_AUTO_PRIORITY, 0)
        asked = round(wanted.exposure_us / _EXPOSURE_US)
        took = _set(device, config, "exposure_us", ControlID.EXPOSURE_ABSOLUTE, max(1, asked))
        if abs(took * _EXPOSURE_US - wanted.exposure_us) > 0.5 * _EXPOSURE_US:
            asked_said, took_said = f"{wanted.exposure_us:g} us", f"{took * _EXPOSURE_US:g} us"
            raise _other(config, "exposure", asked_said, took_said, device)
    for name, value, control, automatic in _locked(wanted):
        _automatic(device, automatic, 0)
        took = _set(device, config, name, control, value)
        if took != value:
            raise _other(config, name, str(value), str(took), device)


def _locked(wanted: V4l2Config) -> list[tuple[str, int, ControlID, ControlID]]:
    """Key, value, the control of it, and the one that lets the camera choose it."""
    locked: list[tuple[str, int, ControlID, ControlID]] = []
    if wanted.gain is not None:
        locked.append(("gain", wanted.gain, ControlID.GAIN, ControlID.AUTOGAIN))
    if wanted.focus is not None:
        locked.append(("focus", wanted.focus, ControlID.FOCUS_ABSOLUTE, ControlID.FOCUS_AUTO))
    if wanted.white_balance_k:
        temperature, automatic = ControlID.WHITE_BALANCE_TEMPERATURE, ControlID.AUTO_WHITE_BALANCE
        locked.append(("white_balance_k", wanted.white_balance_k, temperature, automatic))
    return locked


def _automatic(device: video.Device, control: ControlID, value: int) -> None:
    """Set a control that not every camera has."""
    try:
        video.set_control(device, control, value)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTTY):
            raise


def _set(
    device: video.Device, config: CameraConfig, name: str, control: ControlID, value: int
) -> int:
    """Set a control and return what the camera has then."""
    try:
        video.set_control(device, control, value)
        return video.get_control(device, control)
    except OSError as error:
        where = f"{config.name}: {config.v4l2.device}"
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            raise CameraError(f"{where}: cannot set {name}; leave v4l2.{name} out") from error
        if error.errno == errno.ERANGE:
            raise CameraError(f"{where}: {name} {value} is out of its range") from error
        raise


def _other(
    config: CameraConfig, what: str, asked: str, took: str, device: video.Device
) -> CameraError:
    offers = _offers(device, config.v4l2) if what in ("format", "size", "rate") else ""
    where = f"{config.name}: {config.v4l2.device}"
    return CameraError(f"{where}: {what} {asked} was asked for, it takes {took}{offers}")


def _offers(device: video.Device, wanted: V4l2Config) -> str:
    """Sizes that the driver lists for the format, each with the highest rate."""
    highest_hz: dict[str, float] = {}
    for one in video.iter_read_pixel_formats_frame_intervals(device, [fourcc(wanted.format)]):
        size, rate_hz = f"{one.width}x{one.height}", float(one.max_fps)
        highest_hz[size] = max(rate_hz, highest_hz.get(size, 0.0))
    listed = ", ".join(f"{size} (up to {rate_hz:g} Hz)" for size, rate_hz in highest_hz.items())
    return f"; {wanted.format} comes in {listed}" if listed else ""
