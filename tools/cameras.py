"""``kinelive cameras``: what is connected, and a page to set it up by."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import tyro
from rich.markup import escape
from rich.table import Table

from capture import drivers
from capture.device import FoundDevice
from core import config
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import ConfigError
from services import prepare
from services.monitor.preview import previewing
from tools.terminal import open_browser, print_json, progress, result, somebody_watches

_KEY = {"genicam": "device", "v4l2": "device", "basler": "serial", "webcam": "index"}
"""Where in a driver's settings the name of the device goes."""


def cameras(
    rig: Annotated[Path | None, tyro.conf.Positional] = None,
    preview: bool = False,
    port: int = 8766,
    seconds: float | None = None,
    json: bool = False,
) -> int:
    """List the cameras that are connected, with formats and where each one's time is from.

    With --preview a page shows the live pictures, with help for focus and exposure: of the cameras
    of a rig file, or of all that are found. Nothing is recorded. Network cameras (rtsp) cannot be
    found; name them in a rig file. Exit code 1 if there is no camera.

    Args:
        rig: the rig file whose cameras to show; without it all that are found.
        preview: open the page instead of the list.
        port: of the page; one of the next 20 if it is in use.
        seconds: end the preview after so long.
        json: print one JSON object as the last line.
    """
    found, cannot = ([], {}) if rig else drivers.found()
    if preview:
        run = prepare.read_run(rig) if rig else None
        shown = run.cameras if run else tuple(map(_settings, _names(found), found))
        trigger = run.trigger if run else TriggerConfig()
        return _preview(shown, trigger, port, seconds)
    if rig:
        raise ConfigError("a rig file is for --preview; the list shows what is connected")
    if json:
        print_json({"cameras": [asdict(one) for one in found], "cannot_look": cannot})
    else:
        _show(found, cannot)
    return 0 if found else 1


def _names(found: list[FoundDevice]) -> list[str]:
    return [f"cam{i + 1:02d}" for i in range(len(found))]


def _settings(name: str, device: FoundDevice) -> CameraConfig:
    place = int(device.device) if device.driver == "webcam" else device.device
    tree = {"name": name, "driver": device.driver, device.driver: {_KEY[device.driver]: place}}
    return msgspec.convert(tree, CameraConfig)


def _show(found: list[FoundDevice], cannot: dict[str, str]) -> None:
    table = Table("driver", "device", "what it is", "formats", "time", title="cameras")
    for one in found:
        time_from = f"{one.time_origin}: {one.time_says}"
        table.add_row(
            one.driver, *map(escape, (one.device, one.says, ", ".join(one.formats), time_from))
        )
    if found:
        result.print(table)
    else:
        progress.print("no camera found; network cameras (rtsp) are named in a rig file")
    for driver, why in cannot.items():
        progress.print(f"{driver}: could not look: {escape(why)}")


def _preview(
    shown: tuple[CameraConfig, ...], trigger: TriggerConfig, port: int, seconds: float | None
) -> int:
    if not shown:
        progress.print("no camera found; name a rig file, or see `kinelive cameras`")
        return 1
    with previewing(shown, trigger, config.MonitorConfig().host, port) as url:
        if somebody_watches():
            open_browser(url)
        else:
            progress.print(f"preview: {url}")
        progress.print(f"{len(shown)} cameras; Ctrl-C ends")
        began_s = time.monotonic()
        try:
            while seconds is None or time.monotonic() - began_s < seconds:
                time.sleep(0.1)
        except KeyboardInterrupt:
            pass
    return 0
