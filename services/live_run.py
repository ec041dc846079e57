"""Speaking to a run that is live on this machine: by its monitor, which a run folder names."""

import http
import http.client
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from core import config
from core.errors import ConfigError, ProcessError
from services import run_folder
from services.monitor.wire import MARK_PATH, Marked, MarkRequest

ANSWER_WITHIN_S = 5.0


class LiveRun(msgspec.Struct, frozen=True):
    """A run that can be spoken to."""

    folder: Path
    url: str
    """Of its page."""
    records: bool


def find(url: str | None = None) -> LiveRun:
    """The one run that is live on this machine, or that of the page at ``url``.

    Raises:
        ConfigError: there is none, one without a page, or more than one.
    """
    live = run_folder.live()
    found = [run for folder in live if (run := _with_page(folder)) is not None]
    chosen = [run for run in found if url is None or run.url.rstrip("/") == url.rstrip("/")]
    if len(chosen) == 1:
        return chosen[0]
    pages = ", ".join(run.url for run in found)
    if len(chosen) > 1:
        raise ConfigError(f"several runs are live: {pages}; say which: --url URL")
    if url is not None:
        raise ConfigError(f"no run of this machine has its page at {url}; live: {pages or 'none'}")
    if live:
        raise ConfigError("the run has no page (yet): it takes marks with monitor.enabled = true")
    raise ConfigError("no run is live on this machine; begin one with kinelive up or demo")


def _with_page(folder: Path) -> LiveRun | None:
    try:
        url = (folder / "monitor.url").read_text().strip()
        run = config.parse((folder / "run.json").read_bytes())
    except FileNotFoundError:
        return None
    return LiveRun(folder, url, run.recorder.enabled)


def mark(run: LiveRun, text: str) -> Marked:
    """Mark this moment of a run.

    Raises:
        ConfigError: the text is too long.
        ProcessError: the run does not answer, or has refused.
    """
    return msgspec.json.decode(_posted(run, MARK_PATH, MarkRequest(text)), type=Marked)


def _posted(run: LiveRun, path: str, asked: msgspec.Struct) -> bytes:
    address = urlsplit(run.url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=ANSWER_WITHIN_S
    )
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", path, msgspec.json.encode(asked), headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ProcessError(f"{run.url} does not answer: {error}; is the run over?") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise ProcessError(f"{run.url} has refused: {body.decode(errors='replace')[:300]}")
    return body
