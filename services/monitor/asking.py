"""What programs ask of the monitor by HTTP: ``POST /api/mark``.

The same caution as with the WebSocket: pages of other sites are refused, and what comes is bounded
in size and decoded to its own type. A request has to say that it is JSON, which a form of another
site cannot.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.monitor.ears import Ears
from services.monitor.listen import MAX_BYTES_FROM_PAGE
from services.monitor.origin import is_own_page
from services.monitor.wire import MARK_PATH, Marked, MarkRequest

_JSON = "application/json"

_mark = msgspec.json.Decoder(MarkRequest, strict=True)
_log = logging.getLogger(__name__)


def router(ears: Ears, now_ns: Callable[[], int]) -> APIRouter:
    """The addresses that programs ask at."""
    routes = APIRouter()

    @routes.post(MARK_PATH)
    async def mark(request: Request) -> Response:
        heard_ns = now_ns()
        if (refusal := _refusal(request)) is not None:
            return refusal
        body = await _body(request)
        if body is None:
            return _says(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long")
        try:
            asked = _mark.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return _says(HTTPStatus.BAD_REQUEST, f"not what is asked here: {error}")
        event = ears.mark(asked.text, heard_ns)
        if event is None:
            return _says(HTTPStatus.TOO_MANY_REQUESTS, "too many marks at once")
        answer = msgspec.json.encode(Marked(event.t_ns, event.text))
        return Response(answer, media_type=_JSON)

    return routes


def _refusal(request: Request) -> Response | None:
    """Why a request is not read at all; None: it is."""
    headers = request.headers
    if not is_own_page(headers.get("origin"), headers.get("host", "")):
        _log.warning("refused a mark from %s at %s", headers.get("origin"), headers.get("host"))
        return _says(HTTPStatus.FORBIDDEN, "pages of other sites mark nothing")
    if headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
        return _says(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}")
    return None


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES_FROM_PAGE:
            return None
    return bytes(body)


def _says(status: HTTPStatus, words: str) -> Response:
    answer = msgspec.json.encode({"error": words})
    return Response(answer, status_code=status, media_type=_JSON)
