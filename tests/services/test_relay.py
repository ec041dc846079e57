"""The relay: packets that come over a real socket become pictures in a ring, at their own times."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.context import Flags

from capture.clock import wall_clock
from capture.ring import RingReader
from core.config import BusConfig, CameraConfig, RunConfig
from core.errors import CameraError
from core.messages import CameraStatus, FrameDescriptor, Health, Packet
from services import processes, relay, run_folder
from services.bus import Publisher, Subscriber
from services.child import Context

CAMERA = CameraConfig(name="cam2", host="lab2", reduce=2)
RUN = RunConfig(cameras=(CAMERA,), calibration="c.toml", bus=BusConfig(host="127.0.0.2"))
MS = 1_000_000
WIDTH, HEIGHT, GROUP = 64, 48, 10


def encoded(n_frames: int, width: int = WIDTH) -> tuple[bytes, list[bytes]]:
    """Grey pictures that get brighter, as H.264 with a key frame each tenth; set-up and packets."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, HEIGHT, "yuv420p"  # pyright: ignore[reportAttributeAccessIssue]
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"tune": "zerolatency", "x264-params": f"keyint={GROUP}:scenecut=0"}
    encoder.flags |= Flags.global_header
    packets: list[bytes] = []
    for number in range(n_frames):
        picture = np.full((HEIGHT, width, 3), brightness(number), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        packets += [bytes(one) for one in encoder.encode(frame)]  # pyright: ignore[reportAttributeAccessIssue]
    packets += [bytes(one) for one in encoder.encode(None)]  # pyright: ignore[reportAttributeAccessIssue]
    return bytes(encoder.extradata or b""), packets


def brightness(number: int) -> int:
    return 40 + 3 * (number % 60)


@dataclass
class Far:
    """The camera on the other host, as its relay hears it."""

    folder: Path
    context: Context
    publisher: Publisher
    source: Subscriber
    extradata: bytes
    payloads: list[bytes]
    heard: list[FrameDescriptor] = field(default_factory=list)
    health: Health | None = None
    bright: dict[int, float] = field(default_factory=dict)
    """Brightness in the ring, by frame, of what could be looked at in time."""

    def status(self, *, ended: bool = False, width: int = WIDTH) -> None:
        self.publisher.send(
            "camera",
            CameraStatus(
                t_ns=1, camera="cam2", driver="test", codec="h264", extradata=self.extradata,
                width_px=width, height_px=HEIGHT, rate_hz=30.0, time_base_s=(1, 30),
                time_origin="hardware", time_uncertainty_ns=7, ended=ended,
            ),
        )  # fmt: skip

    def packet(self, number: int, t_ns: int) -> None:
        self.publisher.send(
            "packet",
            Packet(
                t_ns=t_ns, camera="cam2", frame=number, packet=number, keyframe=number % GROUP == 0,
                payload=self.payloads[number], pts=number, dts=number, time_origin="hardware",
                time_uncertainty_ns=1000 + number,
            ),
        )  # fmt: skip

    def until(self, condition, rounds: int = 400) -> None:
        for _ in range(rounds):
            for one in self.source.drain(25):
                if isinstance(one.message, Health):
                    self.health = one.message
                elif isinstance(one.message, FrameDescriptor):
                    self.heard.append(one.message)
                    self._look(one.message)
            if condition():
                return
        raise AssertionError(f"{[one.frame for one in self.heard]}, {self.health}")

    def _look(self, frame: FrameDescriptor) -> None:
        try:
            ring = RingReader(self.folder / frame.ring)
        except CameraError:
            return
        picture = ring.picture(frame.slot, frame.lock, (frame.height_px, frame.width_px))
        if picture is not None:
            self.bright[frame.frame] = float(picture.mean())

    def drops(self, reason: str) -> int:
        return self.health.drops.get(reason, 0) if self.health else 0

    def met(self) -> None:
        """Say what it is until the relay hears it, and we hear the relay."""

        def said() -> bool:
            self.status()
            return self.health is not None and any(self.folder.glob("cam2.*.ring"))

        self.until(said)


@pytest.fixture(scope="module")
def footage() -> tuple[bytes, list[bytes]]:
    return encoded(60)


@contextmanager
def relayed(folder: Path, footage: tuple[bytes, list[bytes]]) -> Iterator[Far]:
    """A relay in a thread, and the far camera, whose packets come where the gate would say them."""
    names = {one.name: one for one in processes.instances(RUN)}
    mine, camera = names["relay.cam2"], names["camera.cam2"]
    clock = wall_clock()
    context = Context(RUN, folder, mine, clock, clock.now_ns(), threading.Event())
    run_folder.begin(folder, clock.now_ns() - 60_000 * MS)
    at_gate = processes.endpoint(RUN, str(folder), camera)
    at_relay = processes.endpoint(RUN, str(folder), mine)
    with (
        Publisher(at_gate, "camera.cam2", clock.now_ns(), camera.topics) as publisher,
        Subscriber([at_relay], ["frame/cam2", "health"]) as source,
    ):
        thread = threading.Thread(target=relay.main, args=(context,))
        thread.start()
        try:
            yield Far(folder, context, publisher, source, *footage)
        finally:
            context.stop.set()
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def far(short_folder, footage) -> Iterator[Far]:
    with relayed(short_folder, footage) as found:
        found.met()
        yield found


def test_frames_keep_their_own_times_and_are_the_pictures_of_the_packets(far):
    now_ns = far.context.clock.now_ns()
    times = {number: now_ns + number * 33 * MS for number in range(12)}
    for number, t_ns in times.items():
        far.packet(number, t_ns)
    far.until(lambda: len(far.heard) == 12)
    assert {one.frame: one.t_ns for one in far.heard} == times
    assert [one.time_uncertainty_ns for one in far.heard] == [1000 + n for n in range(12)]
    one = far.heard[-1]
    assert (one.camera, one.time_origin) == ("cam2", "hardware")
    assert (one.width_px, one.full_width_px) == (WIDTH // 2, WIDTH)
    assert one.stamps["in_ring"] >= one.t_ns  # footage is shown at its time, not before
    assert len(far.bright) > 6
    for number, mean in far.bright.items():
        assert mean == pytest.approx(brightness(number), abs=4)


def test_a_hole_costs_the_frames_until_the_next_key_frame_and_is_counted(far):
    now_ns = far.context.clock.now_ns()
    for number in range(25):
        if number in (4, 5):
            far.publisher._next_seq["packet/cam2"] += 1  # pyright: ignore[reportPrivateUsage]
        else:
            far.packet(number, now_ns + number * 33 * MS)
    far.until(lambda: far.heard and far.heard[-1].frame == 24)
    assert [one.frame for one in far.heard] == [*range(4), *range(10, 25)]
    far.until(lambda: far.drops("network: no packet") == 2)
    assert far.drops("decode: no key frame yet") == 4


def test_what_is_overdue_is_passed_over_at_the_next_key_frame(far):
    late_ns = far.context.clock.now_ns() - 3000 * MS
    for number in range(38):
        far.packet(number, late_ns + number * 33 * MS)
    now_ns = far.context.clock.now_ns()
    for number in range(40, 50):
        far.packet(number, now_ns + (number - 40) * 33 * MS)
    far.until(lambda: far.heard and far.heard[-1].frame == 49)
    assert [one.frame for one in far.heard][-10:] == list(range(40, 50))
    assert min(one.frame for one in far.heard) >= 30
    far.until(lambda: far.drops("late") + far.drops("queue: passed over") >= 30)


def test_a_time_that_cannot_be_is_turned_away(far):
    now_ns = far.context.clock.now_ns()
    far.packet(0, now_ns + 3_600_000 * MS)
    for number in range(10, 13):
        far.packet(number, now_ns + number * 33 * MS)
    far.until(lambda: len(far.heard) == 3)
    far.until(lambda: far.drops("device: from the future") == 1)


def test_a_camera_that_comes_back_with_other_pictures_gets_another_ring(short_folder, footage):
    with relayed(short_folder, footage) as far:
        far.met()
        now_ns = far.context.clock.now_ns()
        for number in range(3):
            far.packet(number, now_ns + number * 33 * MS)
        far.status(ended=True)
        far.until(lambda: len(far.heard) == 3)
        far.extradata, far.payloads = encoded(20, width=2 * WIDTH)
        far.status(width=2 * WIDTH)
        for number in range(10, 13):
            far.packet(number, now_ns + number * 33 * MS)
        far.until(lambda: len(far.heard) == 6)
        assert far.heard[0].ring != far.heard[-1].ring
        assert far.heard[-1].full_width_px == 2 * WIDTH


def test_hostile_packets_are_counted_and_harm_nothing(far):
    rng = np.random.default_rng(2)
    now_ns = far.context.clock.now_ns()
    whole = list(far.payloads)
    far.payloads = [rng.bytes(400) for _ in whole]
    for number in range(10):
        far.packet(number, now_ns)
    far.payloads = whole
    for number in range(10, 15):
        far.packet(number, now_ns + number * 33 * MS)
    far.until(lambda: far.heard and far.heard[-1].frame == 14)
    assert {one.frame for one in far.heard} >= {10, 11, 12, 13, 14}
