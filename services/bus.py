"""ZeroMQ, and, with ``bus_hosts``, the only place that knows it.

Each process publishes all its topics on one XPUB socket and reads through one SUB socket that is
connected to the processes it reads from. Three frames a message: the topic key, the header, the
message. A PUB socket at its high-water mark drops the newest for that reader: a live reader
therefore empties its queue and takes the newest itself; the recorder's queue is long.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import zmq

from core import wire
from core.errors import WireError
from core.messages import SCHEMA_VERSION, Header, Message
from core.topics import TOPICS, key, topic_of

LINGER_MS = 1000
RECONNECT_MS = 50
HEARTBEAT_MS, SILENT_MS = 300, 1500
"""Between hosts: a link that is down so long is made anew, instead of TCP's ever longer waits."""


class Received(NamedTuple):
    """One message with what the wire says of it."""

    key: str
    header: Header
    message: Message
    raw: bytes


class Publisher:
    """Sends all topics of one process. With ``connect`` it goes to a ``Gathering``; what it says
    while the link is down then waits for it, as much as the queue holds."""

    def __init__(
        self,
        endpoint: str,
        source: str,
        life_ns: int,
        topics: Iterable[str],
        *,
        connect: bool = False,
    ) -> None:
        self._topics = frozenset(topics)
        self._source, self._life_ns = source, life_ns
        self._next_seq: Counter[str] = Counter()
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
        self._socket.set(zmq.SNDHWM, sum(TOPICS[name].queue for name in self._topics))
        self._socket.set(zmq.LINGER, LINGER_MS)
        if connect:
            between_hosts(self._socket)
            self._socket.connect(endpoint)
        else:
            self._socket.bind(endpoint)

    def wait_for_reader(self, name: str, within_ms: int) -> bool:
        """Wait until somebody listens to a key, so that its first message is not said to nobody.

        Once for a key: who came is not remembered, nor who has gone since.
        """
        deadline_s = time.monotonic() + within_ms * 1e-3
        while self._socket.poll(max(0, round((deadline_s - time.monotonic()) * 1e3))):
            word = self._socket.recv()  # 1 and what the keys that are listened to begin with
            if word[:1] == b"\x01" and name.encode().startswith(word[1:]):
                return True
        return False

    def pass_on(self, frames: Sequence[bytes]) -> None:
        """Hand on what another process said, as it said it."""
        self._socket.send_multipart(frames)

    def send(self, topic: str, message: Message) -> None:
        """Hand a message to ZeroMQ, never wait; KeyError for a topic this process does not own."""
        if topic not in self._topics:
            raise KeyError(f"{self._source} may not write {topic}; see services/processes.py")
        name = key(topic, getattr(message, "camera", None))
        header = Header(SCHEMA_VERSION, self._source, self._life_ns, self._next_seq[name])
        self._next_seq[name] += 1
        frames = (name.encode(), wire.encode_header(header), wire.encode(message))
        self._socket.send_multipart(frames, copy=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._socket.close()


class Subscriber:
    """Receives the given keys from several processes; bad messages are counted in ``drops``."""

    def __init__(self, endpoints: Iterable[str], keys: Iterable[str]) -> None:
        self.drops: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        """Messages missing in the numbering, by key: dropped by ZeroMQ on the way."""
        self.joined_ns: int | None = None
        """Since when this reader listens, rig clock: of a writer that began later the first
        message counts, too. None: not known, the first one that is heard is the beginning."""
        self._expected: dict[tuple[str, str, int], int] = {}
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        wanted = frozenset(keys)
        self._wanted = wanted
        topics = [topic for topic in map(topic_of, wanted) if topic is not None]
        self._socket.set(zmq.RCVHWM, max(1, sum(topic.queue for topic in topics)))
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        for name in sorted(wanted):
            self._socket.subscribe(name.encode())
        for endpoint in endpoints:
            self._socket.connect(endpoint)

    def receive(self, timeout_ms: int) -> Received | None:
        """Return the next good message, or None when none came in time."""
        if not self._socket.poll(timeout_ms):
            return None
        frames = self._socket.recv_multipart()
        try:
            received = _read(frames)
        except WireError as error:
            self.drops[error.reason] += 1
            return None
        if received.key not in self._wanted:  # ZeroMQ matches prefixes: cam1 brings cam10 along
            return None
        self._count_lost(received)
        return received

    def drain(self, timeout_ms: int) -> list[Received]:
        """Return all that waits; wait ``timeout_ms`` for the first."""
        found: list[Received] = []
        while self._socket.poll(0 if found else timeout_ms):
            received = self.receive(0)
            if received is not None:
                found.append(received)
            else:
                timeout_ms = 0
        return found

    def _count_lost(self, received: Received) -> None:
        header = received.header
        stream = (received.key, header.source, header.life_ns)
        born = self.joined_ns is not None and header.life_ns > self.joined_ns
        expected = self._expected.get(stream, 0 if born else header.seq)
        if header.seq > expected:
            self.lost[received.key] += header.seq - expected
        self._expected[stream] = header.seq + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._socket.close()


def between_hosts(socket: zmq.Socket[bytes]) -> None:
    """Let a socket notice soon that a link is down, and that it is up again."""
    socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, SILENT_MS)
    socket.set(zmq.HEARTBEAT_TTL, SILENT_MS)
    socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.set(zmq.CONNECT_TIMEOUT, SILENT_MS // 3)


def _read(frames: list[bytes]) -> Received:
    if len(frames) != 3:
        raise WireError("malformed", f"{len(frames)} frames instead of 3")
    try:
        name = frames[0].decode()
    except UnicodeDecodeError as error:
        raise WireError("malformed", "topic key") from error
    header = wire.decode_header(frames[1])
    return Received(name, header, wire.decode(name, frames[2]), frames[2])


def newest_by_key(received: Iterable[Received]) -> tuple[Mapping[str, Received], Counter[str]]:
    """Keep the last message of each key; also how many of each key were passed over."""
    last: dict[str, Received] = {}
    passed: Counter[str] = Counter()
    for one in received:
        if one.key in last:
            passed[one.key] += 1
        last[one.key] = one
    return last, passed


class Pair:
    """A plain two-way socket without topics, for measuring what transport costs."""

    def __init__(self, endpoint: str, *, bind: bool) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PAIR)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.SNDHWM, 8)  # a slow reader holds up the writer, not the memory
        self._socket.set(zmq.RCVHWM, 8)
        (self._socket.bind if bind else self._socket.connect)(endpoint)

    def send(self, payload: bytes | memoryview, *, copy: bool = True) -> None:
        """Send one frame; without ``copy`` the buffer must stay until it is answered."""
        self._socket.send(payload, copy=copy)

    def receive(self, *, copy: bool = True) -> bytes | memoryview:
        """Wait for one frame."""
        return self._socket.recv() if copy else self._socket.recv(copy=False).buffer

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
