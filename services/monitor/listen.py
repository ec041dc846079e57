"""The monitor's TCP port, and the web server in a thread of its own."""

import asyncio
import errno
import ipaddress
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from core.errors import ConfigError, ProcessError
from services.monitor.mailbox import Hub

PORTS_TRIED = 21
MAX_BYTES_FROM_PAGE = 4096
END_WITHIN_S = 0.7


def bind(host: str, port: int) -> socket.socket:
    """Take ``port`` (0 = any free one), or one of the next 20 when it is in use.

    Raises:
        ConfigError: none of them is free, or the host is not this machine's.
    """
    for candidate in [port] if port == 0 else range(port, min(port + PORTS_TRIED, 65536)):
        try:
            return _bound(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(
                    f"monitor: cannot listen on {host}:{candidate}: {error}"
                ) from error
    raise ConfigError(f"monitor: {host}, port {port} and the next 20 are in use; set monitor.port")


def _bound(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except BaseException:
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Address under which this machine opens the page."""
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}/" if address.version == 6 else f"http://{address}:{port}/"


class _Server(uvicorn.Server):
    """Tells when it accepts connections, and on which event loop."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self._hub = hub

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._hub.attach(asyncio.get_running_loop())
        self.accepting.set()


@contextmanager
def serving(application: FastAPI, listening: socket.socket, hub: Hub) -> Iterator[None]:
    """Serve until the block is left; connections are then closed within ``END_WITHIN_S``."""
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=MAX_BYTES_FROM_PAGE,
        ws_per_message_deflate=False,  # JPEG and floats do not shrink; it would cost a core
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, hub)
    thread = threading.Thread(
        target=server.run, args=([listening],), name="monitor-web", daemon=True
    )
    thread.start()
    try:
        while not server.accepting.wait(0.05):
            if not thread.is_alive():
                raise ProcessError("monitor: the web server ended at its start; see the log")
        yield
    finally:
        server.should_exit = True
        thread.join(END_WITHIN_S)
        listening.close()
