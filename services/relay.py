"""Relay process: the packets of a camera on another host become pictures in a ring of the hub.

So pose workers and page find that camera as they find one of the hub. The packets are a ``Camera``
whose frames keep their own capture times, and the capture loop does the rest. Newest wins: where
there is a key frame whose time has come, what is before it is passed over.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from threading import Event

import av

from capture import footage
from capture.camera import CameraEvent, CapturedFrame, CompressedPacket, FrameTime, Lost
from capture.recorded import PacketDecoder
from core.messages import CameraStatus, Message, Packet
from services.bus import Received, Subscriber
from services.camera import loop_of, ring_for
from services.child import Context, Pulse
from services.replay import as_format, as_packet

POLL_MS = 100
FUTURE_NS = 2_000_000_000
"""Packets of footage come before their time, but not by this much."""
_IN_DECODER = 64  # frames: no decoder holds back more


class Intake:
    """What the camera's host sends: its packets, and what they are."""

    def __init__(self, source: Subscriber) -> None:
        self.status: CameraStatus | None = None
        """What the camera delivers; None until it has said so."""
        self._source = source
        self._received: deque[Received] = deque()
        self._packets: list[CompressedPacket] = []
        self._lost = self._bad = 0

    def hear(self, timeout_ms: int) -> bool:
        """Take in what has come, up to where it is another stream than before, or the end of one;
        whether it is."""
        self._received += self._source.drain(0 if self._received else timeout_ms)
        while self._received:
            match self._received.popleft().message:
                case CameraStatus() as status:
                    before, self.status = self.status, status
                    if before is None or not _same(status, before):
                        return True
                case Packet() as packet:
                    self._packets.append(_timed(packet))
                case _:
                    pass
        return False

    def take(self) -> list[CompressedPacket]:
        """The packets that were heard and not taken yet; ``time`` lacks the arrival."""
        packets, self._packets = self._packets, []
        return packets

    def lost(self) -> Iterator[Lost]:
        """What did not come over the network whole, since the last time this was asked."""
        lost = sum(n for key, n in self._source.lost.items() if key.startswith("packet/"))
        bad = self._source.drops.total()
        if lost > self._lost:
            yield Lost("network", lost - self._lost, "no packet")
        if bad > self._bad:
            yield Lost("network", bad - self._bad, "malformed")
        self._lost, self._bad = lost, bad


class RelayedCamera:
    """The camera of another host, by its packets; ends when it delivers something else."""

    def __init__(
        self, status: CameraStatus, intake: Intake, now_ns: Callable[[], int], reduce: int
    ) -> None:
        self.format = as_format(status)
        self._intake, self._now_ns, self._reduce = intake, now_ns, reduce
        self._decoder = PacketDecoder(self.format)
        self._times: dict[int, tuple[int, FrameTime]] = {}

    def prepare(self) -> None:
        """Nothing: the camera runs elsewhere."""

    def settle(self, done: Callable[[], bool]) -> None:
        """Nothing: its times are known."""

    def events(self, start_ns: int, now_ns: int) -> Iterator[CameraEvent]:
        """Yield the frames as they come; what lies before the rig's start is passed over."""
        del now_ns
        is_same = True
        while is_same:
            is_same = not self._intake.hear(POLL_MS)
            yield from self._intake.lost()
            packets = self._intake.take()
            if not packets:
                yield None
            yield from self._taken(packets, start_ns)
        for frame in self._decoder.flush():
            yield from self._frame(frame, start_ns)

    def close(self) -> None:
        """Nothing is open between two events."""

    def _taken(self, packets: list[CompressedPacket], start_ns: int) -> Iterator[CameraEvent]:
        now_ns = self._now_ns()
        newest = first_needed(packets, now_ns)
        if newest:
            yield Lost("queue", newest, "passed over")
        for packet in packets[newest:]:
            if packet.t_ns - now_ns > FUTURE_NS:
                yield Lost("device", 1, "from the future")
            elif not self._decoder.accepts(packet):
                yield Lost("decode", 1, "no key frame yet")
            else:
                yield from self._decoded(packet, now_ns, start_ns)

    def _decoded(
        self, packet: CompressedPacket, now_ns: int, start_ns: int
    ) -> Iterator[CapturedFrame]:
        time = packet.time or FrameTime(self.format.time_origin, 0, now_ns)
        time = FrameTime(time.origin, time.uncertainty_ns, now_ns)
        self._times[packet.frame] = packet.t_ns, time
        if len(self._times) > _IN_DECODER:
            del self._times[next(iter(self._times))]
        for frame in self._decoder.feed(packet):
            yield from self._frame(frame, start_ns)

    def _frame(self, frame: av.VideoFrame, start_ns: int) -> Iterator[CapturedFrame]:
        known = self._times.pop(frame.pts, None) if frame.pts is not None else None
        if known is None or frame.pts is None or known[0] < start_ns:
            return
        picture = partial(footage.shrink, frame, self._reduce)
        yield CapturedFrame(frame.pts, known[0], picture, known[1])


def first_needed(packets: list[CompressedPacket], now_ns: int) -> int:
    """Place of the newest key frame whose time has come: what is before it may be passed over."""
    due = (i for i, one in enumerate(packets) if one.keyframe and one.t_ns <= now_ns)
    return max(due, default=0)


def _timed(packet: Packet) -> CompressedPacket:
    time = FrameTime(packet.time_origin, packet.time_uncertainty_ns, 0)
    return replace(as_packet(packet), time=time)


def _same(a: CameraStatus, b: CameraStatus) -> bool:
    """Whether both are decoded alike, and belong to one life of the camera.

    Where the newest frame's time is from, and how well it is known, may change at any moment.
    """
    one, other = (replace(as_format(s), time_origin="file", time_uncertainty_ns=0) for s in (a, b))
    return one == other and a.ended == b.ended


def main(context: Context) -> None:
    """Entry point of the process."""
    config = context.run.camera(context.instance.cameras[0])
    with context.publisher() as publisher, context.subscriber() as source:
        pulse = Pulse(context, publisher)

        def publish(topic: str, message: Message) -> None:
            if topic == "frame":  # the rest is said by the camera itself
                publisher.send(topic, message)
            pulse.beat()

        intake = Intake(source)
        context.ready()
        start_ns = context.start_ns()
        for nth in itertools.count():
            status = _awaited(intake, context.stop, pulse)
            if status is None or start_ns is None:
                break
            camera = RelayedCamera(status, intake, context.clock.now_ns, config.reduce)
            with ring_for(context, config, camera.format, nth) as ring:
                loop_of(context, pulse, camera, config, ring, publish).run(start_ns)
        pulse.beat(last=True)


def _awaited(intake: Intake, stop: Event, pulse: Pulse) -> CameraStatus | None:
    """Wait until the camera says what it delivers; None when told to stop before."""
    while not stop.is_set():
        if intake.status is not None and not intake.status.ended:
            return intake.status
        intake.hear(POLL_MS)
        unknown = len(intake.take())
        if unknown:
            pulse.counts["frames"] += unknown
            pulse.drops["decode: stream not known yet"] += unknown
        pulse.beat()
    return None
