"""The web side of the monitor: the built page's files, one WebSocket, and what programs ask."""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from services.monitor import asking
from services.monitor.ears import Ears, NotSaid
from services.monitor.mailbox import Hub, Page
from services.monitor.origin import is_own_page
from services.monitor.wire import Batch, Letter, Pong

POLICY_VIOLATION = 1008

_encoder = msgspec.msgpack.Encoder()
_log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Files(StaticFiles):
    """The built page, allowed to load nothing from elsewhere."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        """Find a file, and forbid its page what it does not need."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def site(
    hub: Hub, ears: Ears, files: Path, hello: Callable[[], Letter], now_ns: Callable[[], int]
) -> FastAPI:
    """Build the application: ``/ws``, ``/api``, the files of the page for everything else."""
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @application.websocket("/ws")
    async def connect(websocket: WebSocket) -> None:
        headers = websocket.headers
        if not is_own_page(headers.get("origin"), headers.get("host", "")):
            _log.warning("refused a page from %s at %s", headers.get("origin"), headers.get("host"))
            await websocket.close(POLICY_VIOLATION)
            return
        await websocket.accept()
        await _serve(websocket, hub, ears, hub.enter(hello()), now_ns)

    application.include_router(asking.router(ears, now_ns))
    application.mount("/", Files(directory=files, html=True))
    return application


async def _serve(
    websocket: WebSocket, hub: Hub, ears: Ears, page: Page, now_ns: Callable[[], int]
) -> None:
    sending = asyncio.create_task(_send(websocket, page))
    try:
        await _listen(websocket, ears, page, now_ns)
    finally:
        hub.leave(page)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(websocket: WebSocket, page: Page) -> None:
    while True:
        await websocket.send_bytes(_encoder.encode(await page.next_batch()))


async def _listen(websocket: WebSocket, ears: Ears, page: Page, now_ns: Callable[[], int]) -> None:
    """Hear what the page says until it goes; what is no message ends the connection."""
    try:
        while (event := await websocket.receive())["type"] != "websocket.disconnect":
            said = ears.hear(event.get("text"))
            if said.ping is not None:
                await websocket.send_bytes(_pong(said.ping, now_ns()))
            if said.mark is not None:
                ears.mark(said.mark, now_ns())
            if said.ack is not None:
                page.acknowledge(said.ack)
            if said.screen_latency is not None:
                page.latency = (now_ns(), said.screen_latency)
    except WebSocketDisconnect:
        return
    except NotSaid:
        await websocket.close(POLICY_VIOLATION)


def _pong(ping: float, rig_ns: int) -> bytes:
    """Its own batch that passes by the mailbox: waiting would falsify the clock."""
    answer = msgspec.Raw(_encoder.encode(Pong(ping, rig_ns)))
    return _encoder.encode(Batch(0, (Letter("pong", "monitor", 0, answer),)))
