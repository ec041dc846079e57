"""Running a live chain from the command line: status line, browser, clean end."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.live import Live
from rich.text import Text

from core.config import BusConfig
from services.supervisor import (
    Supervisor,
    launched_by_uv,
    launcher_is_gone,
)
from tools.terminal import open_browser, progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    interrupted: bool
    restarts: dict[str, int]
    wall_s: float


def run_live(supervisor: Supervisor, *, browser: bool) -> Outcome:
    """Run until the cameras' footage ends or somebody interrupts; the caller holds the ``with``.

    Raises:
        ProcessError: a process could not start, or a needed one keeps failing.
    """
    stop = stop_on_signals()
    launcher = launched_by_uv()

    def ended() -> bool:
        return stop.is_set() or (launcher is not None and launcher_is_gone(launcher))

    progress.print(f"starting {len(supervisor.children)} processes")
    bus = supervisor.run.bus
    port = "" if bus.base_port == BusConfig().base_port else f":{bus.base_port}"
    for host in supervisor.run.hosts:
        progress.print(f"there: kinelive join {bus.host}{port} --host {host}")
    supervisor.start(ended)
    began_s = time.monotonic()
    if not ended():
        _show_page(supervisor.folder, browser=browser)
    with Live(console=progress, refresh_per_second=4, transient=True) as live:
        while not ended() and not supervisor.cameras_done:
            supervisor.tick()
            if progress.is_terminal:
                live.update(_status(supervisor))
    supervisor.stop()
    restarts = {name: child.restarts for name, child in supervisor.children.items()}
    return Outcome(ended(), restarts, time.monotonic() - began_s)


def stop_on_signals() -> threading.Event:
    """An event that is set when we are asked to end; asked twice, the process ends at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():  # asked twice: at once
            os._exit(128 + number)
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    return stop


def _show_page(folder: Path, *, browser: bool) -> None:
    address = folder / "monitor.url"
    if not address.exists():
        return
    url = address.read_text().strip()
    if browser:
        open_browser(url)
    else:
        progress.print(f"monitor: {url}")


def _status(supervisor: Supervisor) -> Text:
    health = supervisor.health
    fusion = health.get("fusion")
    seconds = max(1e-9, (supervisor.clock.now_ns() - supervisor.start_ns) * 1e-9)
    cameras = [one for name, one in health.items() if name.startswith("camera.")]
    frames = sum(one.counts.get("frames", 0) for one in cameras)
    fused = fusion.counts.get("fused", 0) if fusion else 0
    restarts = sum(child.restarts for child in supervisor.children.values())
    parts = [
        f"{seconds:6.1f} s",
        f"{frames / seconds:5.1f} frames/s in",
        f"{fused / seconds:5.1f} instants/s fused",
        f"persons {fusion.counts.get('bodies', 0) if fusion else 0}",
        f"restarts {restarts}",
        "Ctrl-C ends",
    ]
    if supervisor.run.hosts:
        parts.insert(-1, f"hosts {len(supervisor.here)} of {len(supervisor.run.hosts)}")
    return Text("  |  ".join(parts))
