"""THE list of drivers of devices: name to module. Only who uses a driver imports its library."""

import importlib
from dataclasses import dataclass

from capture.device import Device, FoundDevice
from core.camera_config import CameraConfig, TriggerConfig, TriggerMode
from core.errors import CameraError

_ANY: tuple[TriggerMode, ...] = ("hardware", "software", "ptp", "free-run")


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver."""

    module: str
    """Has ``open_device(config, trigger)`` and ``found()``; see ``capture.device``."""
    triggers: tuple[TriggerMode, ...] = _ANY
    """What can make its cameras expose."""
    remedy: str = ""
    """Where its library is missing."""


DRIVERS = {
    "synthetic": Driver("capture.synthetic"),
    "rtsp": Driver("capture.rtsp", ("ptp", "free-run")),
    "v4l2": Driver(
        "capture.v4l2",
        ("free-run",),
        "on Linux `uv sync --extra v4l2` or `pip install linuxpy`",
    ),
    "genicam": Driver("capture.genicam"),
    "basler": Driver("capture.basler"),
    "webcam": Driver("capture.webcam", ("free-run",)),
}


def open_device(config: CameraConfig, trigger: TriggerConfig) -> Device:
    """Open the device of a camera and let it deliver.

    Raises:
        CameraError: its library is not installed, its cameras take no such trigger, there is no
            such device, or it took another value than asked; with the remedy.
    """
    driver = DRIVERS[config.driver]
    if trigger.mode not in driver.triggers:
        raise CameraError(
            f"{config.name}: cameras of driver {config.driver!r} take no {trigger.mode} trigger; "
            f'set trigger.mode to "{driver.triggers[-1]}"'
        )
    try:
        module = importlib.import_module(driver.module)
    except ImportError as error:
        raise CameraError(f"{config.name}: {_cannot(config.driver, error)}") from error
    return module.open_device(config, trigger)


def found() -> tuple[list[FoundDevice], dict[str, str]]:
    """All devices of all drivers, and why a driver could not look."""
    devices: list[FoundDevice] = []
    cannot: dict[str, str] = {}
    for name, driver in DRIVERS.items():
        try:
            devices += importlib.import_module(driver.module).found()
        except ImportError as error:
            cannot[name] = _cannot(name, error)
        except CameraError as error:
            cannot[name] = str(error)
    return devices, cannot


def _cannot(name: str, error: ImportError) -> str:
    remedy = DRIVERS[name].remedy
    return f"driver {name!r} cannot run: {error}" + (f"; {remedy}" if remedy else "")
