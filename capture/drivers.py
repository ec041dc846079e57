"""THE list of drivers of devices: name to module. Only who uses a driver imports its library."""

import importlib

from capture.device import Device
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

DRIVERS = {
    "synthetic": "capture.synthetic",
    "rtsp": "capture.rtsp",
    "v4l2": "capture.v4l2",
    "genicam": "capture.genicam",
    "basler": "capture.basler",
    "webcam": "capture.webcam",
}


def open_device(config: CameraConfig, trigger: TriggerConfig) -> Device:
    """Open the device of a camera and let it deliver.

    Raises:
        CameraError: its library is not installed, there is no such device, or it took another
            value than asked; with the remedy.
    """
    module = DRIVERS[config.driver]
    try:
        driver = importlib.import_module(module)
    except ImportError as error:
        raise CameraError(f"{config.name}: driver {config.driver!r} cannot run: {error}") from error
    return driver.open_device(config, trigger)
