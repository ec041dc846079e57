"""Files from the web: whole, or an error that says what happened."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from core.errors import AssetError

Download = Callable[[str, Path], None]
"""Puts what an address gives into a file; AssetError when it cannot."""

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 2**20


def web_download(address: str, path: Path) -> None:
    """Write what an address gives to ``path``.

    Raises:
        AssetError: no connection, a refusal, silence for half a minute, or fewer bytes than the
            server promised; ``path`` may hold some of it then.
    """
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "kinelive"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            promised = answer.headers.get("Content-Length")
            got = _pour(answer, path)
    except urllib.error.HTTPError as error:
        with error:
            raise AssetError(f"{address}: refused with {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AssetError(f"{address}: {_in_words(error)}") from error
    if promised is not None and got != int(promised):
        raise AssetError(f"{address}: cut short after {got} of {promised} bytes")


def _pour(answer: http.client.HTTPResponse, path: Path) -> int:
    got = 0
    with path.open("wb") as stream:
        while chunk := answer.read(_CHUNK_BYTES):
            stream.write(chunk)
            got += len(chunk)
    return got


def _in_words(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(reason).__name__
