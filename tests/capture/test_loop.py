"""The capture loop: what becomes of each frame is known."""

import threading
from collections.abc import Callable, Iterator

import numpy as np

from capture.camera import CapturedFrame, CompressedPacket, StreamFormat
from capture.clock import RigClock, wall_clock
from capture.loop import CaptureLoop
from capture.ring import RingReader, RingWriter
from core.config import CameraConfig
from core.messages import CameraStatus, FrameDescriptor, Message
from core.timebase import START_PHASE_NS

FORMAT = StreamFormat("test", "none", b"", 16, 8, 60.0, (1, 60), "hardware", 1000)


class Scripted:
    """Frames at 60 Hz that were due long ago, or just now."""

    format = FORMAT

    def __init__(self, n_frames: int, first_ns: int) -> None:
        self.n_frames, self.first_ns = n_frames, first_ns

    def prepare(self) -> None: ...

    def settle(self, done: Callable[[], bool]) -> None: ...

    def events(self, start_ns: int, now_ns: int) -> Iterator[CompressedPacket | CapturedFrame]:
        for frame in range(self.n_frames):
            t_ns = self.first_ns + round(frame * 1e9 / 60)
            yield CompressedPacket(frame, frame, t_ns, bytes([frame]), frame == 0, frame, frame)
            yield CapturedFrame(frame, t_ns, lambda: np.full((4, 8, 3), 5, np.uint8))

    def close(self) -> None: ...


def play(tmp_path, camera: Scripted, clock: RigClock, **changes: object):
    sent: list[tuple[str, Message]] = []
    config = CameraConfig(name="cam1", **changes)  # pyright: ignore[reportArgumentType]
    with RingWriter(tmp_path / "ring", 8, 96) as ring:
        loop = CaptureLoop(
            camera, config, ring, clock, lambda *one: sent.append(one), threading.Event()
        )
        loop.run(0)
        reader = RingReader(tmp_path / "ring")
    return loop, sent, reader


def of(sent, kind):
    return [message for _, message in sent if isinstance(message, kind)]


def soon(clock: RigClock) -> int:
    second = 1_000_000_000
    now_ns = (clock.now_ns() // second + 1) * second
    clock.set_now(now_ns)
    return now_ns + START_PHASE_NS


def test_each_frame_is_delivered_or_counted(tmp_path):
    clock = wall_clock()
    loop, sent, _ = play(tmp_path, Scripted(30, soon(clock)), clock, deliver_hz=15)
    assert loop.counts["frames"] == 30
    assert loop.counts["delivered"] + loop.drops.total() == 30
    assert loop.drops["decimated"] == 22
    assert [one.frame for one in of(sent, FrameDescriptor)] == list(range(0, 30, 4))
    assert len([topic for topic, _ in sent if topic == "packet"]) == 30


def test_descriptors_tell_where_the_picture_is_and_where_its_time_is_from(tmp_path):
    clock = wall_clock()
    _, sent, reader = play(tmp_path, Scripted(3, soon(clock)), clock)
    last = of(sent, FrameDescriptor)[-1]
    picture = reader.picture(last.slot, last.lock, (last.height_px, last.width_px))
    assert picture is not None
    assert (picture == 5).all()
    assert (last.full_width_px, last.full_height_px) == (16, 8)
    assert (last.time_origin, last.time_uncertainty_ns) == ("hardware", 1000)
    assert last.t_ns <= last.stamps["received"] <= last.stamps["in_ring"]


def test_frames_that_come_much_too_late_are_dropped_and_counted(tmp_path):
    clock = wall_clock()
    loop, sent, _ = play(tmp_path, Scripted(5, clock.now_ns() - 10_000_000_000), clock)
    assert loop.drops["late"] == 5
    assert not of(sent, FrameDescriptor)


def test_the_stream_is_described_first_and_its_end_is_told(tmp_path):
    clock = wall_clock()
    _, sent, _ = play(tmp_path, Scripted(2, soon(clock)), clock)
    assert isinstance(sent[0][1], CameraStatus)
    assert [one.ended for one in of(sent, CameraStatus)] == [False, True]


def test_a_camera_that_may_wait_loses_nothing(tmp_path):
    """Twelve old frames through a ring of four: the writer waits for the reader."""
    sent: list[Message] = []
    config = CameraConfig(name="cam1", lossless=True, slots=4)
    with RingWriter(tmp_path / "ring", 4, 96) as ring:
        reader = RingReader(tmp_path / "ring")

        def take(topic: str, message: Message) -> None:
            sent.append(message)
            if len(of_frames()) > 2:
                reader.release(1)

        def of_frames() -> list[Message]:
            return [one for one in sent if isinstance(one, FrameDescriptor)]

        loop = CaptureLoop(Scripted(12, 0), config, ring, wall_clock(), take, threading.Event())
        loop.run(0)
        assert loop.counts["delivered"] == 12
        assert not loop.drops


def test_a_waiting_camera_can_be_stopped(tmp_path):
    stop = threading.Event()
    stop.set()
    config = CameraConfig(name="cam1", lossless=True)
    with RingWriter(tmp_path / "ring", 2, 96) as ring:
        loop = CaptureLoop(Scripted(12, 0), config, ring, wall_clock(), lambda *_: None, stop)
        loop.run(0)
    assert loop.counts["delivered"] <= 2
