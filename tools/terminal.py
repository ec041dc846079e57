"""What commands share of the terminal: progress on stderr, results on stdout."""

import os
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress, TaskID

_N_STEPS_SHOWN = 200
_WIDTH_IN_FILES = 160
"""Columns of what is not printed to a terminal: no table is to lose its words there."""
progress = Console(stderr=True, highlight=False)
result = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_IN_FILES)


def print_json(value: Any) -> None:
    """Print one JSON object as the last line of stdout; NaN becomes null."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


@contextmanager
def telling() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr while long work goes on: told what is done, how many of, how many (0: not
    known). Nothing is shown where stderr is no terminal."""
    tasks: dict[str, TaskID] = {}
    with Progress(console=progress, transient=True, disable=not progress.is_terminal) as bars:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            if done % (1 + total // _N_STEPS_SHOWN) == 0 or done == total:
                bars.update(tasks[what], completed=done)

        yield tell


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
