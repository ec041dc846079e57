"""THE list of drivers of devices: name to module. Only who uses a driver imports its library."""

import importlib

from capture.device import Device, FoundDevice
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
_REMEDIES = {"v4l2": "on Linux `uv sync --extra v4l2` or `pip install linuxpy`"}


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
        raise CameraError(f"{config.name}: {_cannot(config.driver, error)}") from error
    return driver.open_device(config, trigger)


def found() -> tuple[list[FoundDevice], dict[str, str]]:
    """All devices of all drivers, and why a driver could not look."""
    devices: list[FoundDevice] = []
    cannot: dict[str, str] = {}
    for name, module in DRIVERS.items():
        try:
            devices += importlib.import_module(module).found()
        except ImportError as error:
            cannot[name] = _cannot(name, error)
        except CameraError as error:
            cannot[name] = str(error)
    return devices, cannot


def _cannot(driver: str, error: ImportError) -> str:
    remedy = f"; {_REMEDIES[driver]}" if driver in _REMEDIES else ""
    return f"driver {driver!r} cannot run: {error}{remedy}"
