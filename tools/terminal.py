"""What commands share of the terminal: progress on stderr, results on stdout."""

import os
import sys
import webbrowser
from typing import Any

import msgspec
from rich.console import Console

progress = Console(stderr=True, highlight=False)
result = Console(highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON object as the last line of stdout; NaN becomes null."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def somebody_watches() -> bool:
    """Whether there is a terminal and a display."""
    has_display = (
        sys.platform in ("win32", "darwin")
        or bool(os.environ.get("DISPLAY"))
        or bool(os.environ.get("WAYLAND_DISPLAY"))
    )
    return sys.stdout.isatty() and has_display


def open_browser(url: str) -> None:
    """Show a page, or say where it is."""
    progress.print(f"monitor: [bold]{url}[/bold]")
    if not webbrowser.open(url):
        progress.print("no browser could be opened; open that address yourself")
