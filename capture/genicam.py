"""GigE Vision and USB3 Vision cameras, through Aravis: finding and opening them."""

from typing import Any

from capture import gi_bridge
from capture.device import FoundDevice
from capture.genicam_device import GenicamDevice, has_clock
from capture.genicam_settings import configure
from capture.gi_bridge import Bridge
from capture.pixels import FORMATS
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

_MORE_TRIES = 2
"""After an answer that did not come in time: the way to the camera loses packets, too."""


def open_device(config: CameraConfig, trigger: TriggerConfig) -> GenicamDevice:
    """Open and set up a camera; it exposes from the first event asked for.

    Raises:
        CameraError: Aravis is missing, no such camera, in use, or it took another value than asked.
    """
    bridge = gi_bridge.load()
    for _ in range(_MORE_TRIES):
        try:
            return _set_up(config, trigger, bridge)
        except CameraError as error:
            if "timeout" not in str(error):
                raise
    return _set_up(config, trigger, bridge)


def _set_up(config: CameraConfig, trigger: TriggerConfig, bridge: Bridge) -> GenicamDevice:
    camera = _opened(config, bridge)
    try:
        configure(camera, config, trigger, bridge)
        return GenicamDevice(camera, config, trigger, bridge)
    except bridge.error as error:
        raise CameraError(f"{config.name}: {bridge.said(error)}") from error


def found() -> list[FoundDevice]:
    """All cameras that answer; takes a second, for the network's.

    Raises:
        CameraError: Aravis is missing.
    """
    bridge = gi_bridge.load()
    aravis = bridge.aravis
    aravis.update_device_list()
    return [_seen(bridge, number) for number in range(aravis.get_n_devices())]


def _seen(bridge: Bridge, number: int) -> FoundDevice:
    aravis = bridge.aravis
    device, protocol = aravis.get_device_id(number), aravis.get_device_protocol(number)
    names = aravis.get_device_vendor(number), aravis.get_device_model(number)
    says = f"{' '.join(names)}, {protocol}, {aravis.get_device_address(number)}"
    try:
        camera = aravis.Camera.new(device)
        offered = camera.dup_available_pixel_formats_as_strings()
        clocked = has_clock(camera)
    except bridge.error as error:
        offered, clocked, says = (), True, f"{says} (does not open: {bridge.said(error)})"
    return FoundDevice(
        driver="genicam",
        device=device,
        says=says,
        formats=tuple(one for one in offered if one in FORMATS),
        time_origin="hardware" if clocked else "host",
        time_says="the camera's own clock" if clocked else "arrival: the camera has no clock",
    )


def _opened(config: CameraConfig, bridge: Bridge) -> Any:
    aravis, device = bridge.aravis, config.genicam.device
    # Listed even where the name is known: Aravis 0.8.26 opens an unlisted camera on any interface
    # that hears it, and waits there for pictures that come in on another one.
    aravis.update_device_list()
    known = [aravis.get_device_id(number) for number in range(aravis.get_n_devices())]
    if not device and len(known) != 1:
        raise CameraError(
            f"{config.name}: genicam.device is empty and there is not one camera but "
            f"{', '.join(known) or 'none'}: set genicam.device"
        )
    try:
        camera = aravis.Camera.new(device or known[0])
    except bridge.error as error:
        seen = ", ".join(known) or "no camera at all"
        raise CameraError(f"{config.name}: {bridge.said(error)}; Aravis sees {seen}") from error
    if camera.is_gv_device() and not camera.get_device().is_controller():
        raise CameraError(
            f"{config.name}: {device} is in use by another program, or was until a moment ago"
        )
    return camera
