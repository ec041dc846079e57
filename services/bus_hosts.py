"""The sockets of hosts that work together: one where packets come in, one for questions.

Apart from ``services.bus``, which speaks to processes of the same machine. Only the hub listens;
the other hosts connect. A link that broke is made anew without anybody's doing.
"""

from collections.abc import Iterable

import zmq

from core import wire
from core.errors import ConfigError
from core.topics import topic_of
from services.bus import LINGER_MS, between_hosts

MAX_WORDS_BYTES = 2**20


class Gathering:
    """Where publishers of other hosts bring what they say; nothing of it is read here."""

    def __init__(self, endpoint: str, keys: Iterable[str]) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        wanted = frozenset(keys)
        topics = [topic for topic in map(topic_of, wanted) if topic is not None]
        self._socket.set(zmq.RCVHWM, max(1, sum(topic.queue for topic in topics)))
        self._socket.set(zmq.MAXMSGSIZE, wire.MAX_PAYLOAD_BYTES)
        between_hosts(self._socket)
        for name in sorted(wanted):
            self._socket.subscribe(name.encode())
        _bind(self._socket, endpoint)

    def take(self) -> list[bytes] | None:
        """The frames of the next message; None when none waits."""
        return self._socket.recv_multipart() if self._socket.poll(0) else None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close(linger=0)


class Answering:
    """The end of questions and answers that many come to."""

    def __init__(self, endpoint: str) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.set(zmq.MAXMSGSIZE, MAX_WORDS_BYTES)
        between_hosts(self._socket)
        _bind(self._socket, endpoint)

    def wait(self, timeout_ms: int, gathering: Gathering) -> None:
        """Wait until there is a question, or something to gather."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(gathering._socket, zmq.POLLIN)  # pyright: ignore[reportPrivateUsage]
        poller.poll(timeout_ms)

    def take(self) -> tuple[bytes, bytes] | None:
        """Who asks, and the question; None when none waits. One of another form is empty."""
        if not self._socket.poll(0):
            return None
        who, *words = self._socket.recv_multipart()
        return who, words[0] if len(words) == 1 else b""

    def answer(self, who: bytes, words: bytes) -> None:
        """Answer; lost when they are gone by now."""
        self._socket.send_multipart((who, words))

    def close(self) -> None:
        """Close the socket, once the last answers are out."""
        self._socket.close(linger=LINGER_MS)


class Asking:
    """The end that asks."""

    def __init__(self, endpoint: str) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.set(zmq.IMMEDIATE, 1)  # no questions are kept for a hub that is not there
        self._socket.set(zmq.MAXMSGSIZE, MAX_WORDS_BYTES)
        self._socket.set(zmq.LINGER, LINGER_MS)
        between_hosts(self._socket)
        self._socket.connect(endpoint)

    def ask(self, words: bytes) -> bool:
        """Send a question; False when there is no link."""
        try:
            self._socket.send(words, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def hear(self, timeout_ms: int) -> bytes | None:
        """The next answer, or None when none came in time. One of another form is empty."""
        if not self._socket.poll(timeout_ms):
            return None
        words = self._socket.recv_multipart()
        return words[0] if len(words) == 1 else b""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _bind(socket: zmq.Socket[bytes], endpoint: str) -> None:
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close(linger=0)
        raise ConfigError(f"cannot listen on {endpoint}: {error.strerror}; see [bus]") from error
