"""A real RTSP server on this machine, whose pictures carry when they were taken."""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from av import logging as logs

from capture import rtsp
from capture.camera import CapturedFrame, CompressedPacket, Lost, Noted
from capture.clock import RigClock, wall_clock
from capture.decoding import Decoder
from capture.device import Pictured
from capture.live import LiveCamera
from capture.numbers import own_numbers
from core.camera_config import CameraConfig, RtspConfig, TriggerConfig
from core.errors import CameraError
from tests.capture.rtsp_camera import missing, serving, taken_ns
from tests.conftest import need

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def needs_a_server() -> None:
    lacks = missing()
    need(not lacks, lacks)


def config_of(port: int, **settings: object) -> CameraConfig:
    settings.setdefault("url", f"rtsp://127.0.0.1:{port}/cam")
    given = RtspConfig(**settings)  # pyright: ignore[reportArgumentType]
    return CameraConfig(name="cam1", driver="rtsp", reduce=1, rtsp=given)


@contextmanager
def opened(port: int, **settings: object) -> Iterator[tuple[LiveCamera, RigClock]]:
    config, clock = config_of(port, **settings), wall_clock()
    camera = LiveCamera(rtsp.open_device(config, TriggerConfig()), config, clock, own_numbers())
    try:
        yield camera, clock
    finally:
        camera.close()


def frames(camera: LiveCamera, clock: RigClock, seen: Counter[str]) -> Iterator[CapturedFrame]:
    """Frames as they come; what else comes is counted."""
    now_ns = clock.now_ns()
    for event in camera.events(now_ns, now_ns):
        if isinstance(event, CapturedFrame):
            yield event
        elif isinstance(event, Lost):
            seen[f"{event.cause}: {event.says}"] += event.count
        elif isinstance(event, Noted):
            seen[event.says] += 1


def error_ns(frame: CapturedFrame, clock: RigClock) -> int:
    return frame.t_ns - clock.at_ns(taken_ns(frame.picture()))


def turned_away(seen: Counter[str]) -> list[str]:
    """Losses that no busy machine explains."""
    return [reason for reason in seen if reason.startswith("device")]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_carry_the_cameras_own_time(transport, capsys) -> None:
    errors_ns: dict[str, list[int]] = {"host": [], "driver": []}
    behind_ns, seen, first = [], Counter(), ""
    with serving() as (port, _), opened(port, transport=transport) as (camera, clock):
        assert (camera.format.width_px, camera.format.height_px) == (640, 360)
        for frame in frames(camera, clock, seen):
            assert frame.time is not None
            first = first or frame.time.origin
            error = error_ns(frame, clock)
            errors_ns[frame.time.origin].append(error)
            behind_ns.append(clock.now_ns() - (frame.t_ns - error))
            if len(errors_ns["driver"]) >= 90:
                break
    of_report = np.abs(errors_ns["driver"]) * 1e-6
    with capsys.disabled():
        print(
            f"\n{transport}: after the first report {len(of_report)} frames, error median"
            f" {np.median(of_report):.2f} ms, p95 {np.percentile(of_report, 95):.2f};"
            f" before it {len(errors_ns['host'])} timed on arrival, error median"
            f" {np.median(errors_ns['host']) * 1e-6:.2f} ms; picture in hand"
            f" {np.median(behind_ns) * 1e-6:.1f} ms after it was taken"
        )
    assert first == "host"
    assert np.median(of_report) < 5
    assert not turned_away(seen)


def test_a_camera_that_goes_away_comes_back(capsys) -> None:
    seen, times_ns, numbers = Counter(), [], []
    with serving() as (port, first), opened(port) as (camera, clock):
        coming = frames(camera, clock, seen)
        times_ns += [next(coming).t_ns for _ in range(20)]
        first.kill()
        first.wait()
        with serving("--port", str(port)):
            while not seen["network: connection lost"]:
                frame = next(coming)
                times_ns.append(frame.t_ns)
                numbers.append(frame.frame)
            times_ns += [next(coming).t_ns for _ in range(20)]
    with capsys.disabled():
        print(f"\nkilled and started again: {dict(seen)}")
    assert not turned_away(seen)
    assert all(a < b for a, b in pairwise(times_ns))
    assert numbers[-1] >= 20 + seen["network: connection lost"]


def test_payloads_decode_to_the_same_pictures() -> None:
    pictures: dict[int, np.ndarray] = {}
    payloads: dict[int, bytes] = {}
    with serving("--gop", "10") as (port, _), opened(port) as (camera, clock):
        stream, now_ns = camera.format, clock.now_ns()
        for event in camera.events(now_ns, now_ns):
            if isinstance(event, CompressedPacket):
                payloads[event.packet] = event.payload
            elif isinstance(event, CapturedFrame):
                pictures[event.frame] = event.picture()
            if len(pictures) >= 40:
                break
    again = Decoder(stream.codec, stream.extradata)
    decoded = {
        event.serial: event.picture(1)
        for number, payload in payloads.items()
        for event in again.feed(number, payload)
        if isinstance(event, Pictured)
    }
    common = sorted(decoded.keys() & pictures.keys())
    assert len(common) >= 25
    for number in common:
        np.testing.assert_array_equal(decoded[number], pictures[number])


def test_a_reader_that_was_held_up_loses_pictures_but_no_packet() -> None:
    numbers, seen, shown_after = [], Counter(), 0
    with serving() as (port, _), opened(port) as (camera, clock):
        now_ns = clock.now_ns()
        for event in camera.events(now_ns, now_ns):
            if isinstance(event, CompressedPacket):
                numbers.append(event.packet)
                if len(numbers) == 10:
                    time.sleep(2.0)  # the reader is held up
            elif isinstance(event, Lost):
                seen[f"{event.cause}: {event.says}"] += event.count
            elif isinstance(event, CapturedFrame) and seen:
                shown_after += 1
                if shown_after >= 5:
                    break
    assert seen.keys() == {"queue: decoding is too slow"}
    assert seen.total() > 30
    assert numbers == list(range(numbers[-1] + 1))


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_no_picture_hangs_on_a_packet_that_was_lost(codec, capsys) -> None:
    seen, shown, torn = Counter(), 0, 0
    lossy = ("--codec", codec, "--lose", "0.01")
    with serving(*lossy) as (port, _), opened(port, transport="udp") as (camera, clock):
        for frame in frames(camera, clock, seen):
            shown += 1
            torn += abs(error_ns(frame, clock)) > 1_000_000_000  # mostly: high bits are torn too
            if shown >= 150 and seen:
                break
    with capsys.disabled():
        print(f"\n1 % of packets lost, {codec}: {shown} shown, {torn} of them torn, {dict(seen)}")
    assert seen.keys() <= {"decode: hangs on a lost frame", "network: missing in the stream"}
    assert torn < shown // 10


@pytest.mark.parametrize(("codec", "name"), [("h265", "hevc"), ("mjpeg", "mjpeg")])
def test_other_codecs(codec, name) -> None:
    seen = Counter()
    with serving("--codec", codec) as (port, _), opened(port) as (camera, clock):
        assert camera.format.codec == name
        coming = frames(camera, clock, seen)
        painted_ns = [taken_ns(next(coming).picture()) for _ in range(20)]
    assert all(a < b for a, b in pairwise(painted_ns))
    assert not turned_away(seen)


def test_a_clock_that_counts_from_the_start_is_not_believed(caplog) -> None:
    seen = Counter()
    with serving("--clock", "running-time") as (port, _), opened(port) as (camera, clock):
        for frame in frames(camera, clock, seen):
            assert frame.time is not None
            assert frame.time.origin == "host"
            if seen["clock not believed: behind"] >= 10:
                break
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "same NTP server" in warnings[0].getMessage()


def test_modelled_time_needs_no_report() -> None:
    seen = Counter()
    with (
        serving("--clock", "running-time") as (port, _),
        opened(port, clock="modelled") as (camera, clock),
    ):
        coming = frames(camera, clock, seen)
        taken = [next(coming) for _ in range(40)]
    assert {frame.time.origin for frame in taken if frame.time} == {"hardware"}
    assert not turned_away(seen)


def test_the_password_is_never_said() -> None:
    with serving("--password", "s3cret%") as (port, _):
        right = f"rtsp://camera:s3cret%25@127.0.0.1:{port}/cam"
        with opened(port, url=right) as (camera, clock):
            assert next(frames(camera, clock, Counter()))
        wrong = f"rtsp://camera:tops3cret@127.0.0.1:{port}/cam"
        with pytest.raises(CameraError, match="password refused") as caught:
            rtsp.open_device(config_of(port, url=wrong), TriggerConfig())
    assert "tops3cret" not in "".join(traceback.format_exception(caught.value))


def test_nobody_there() -> None:
    with serving() as (port, _):
        pass
    with pytest.raises(CameraError, match="refused; check address"):
        rtsp.open_device(config_of(port), TriggerConfig())


def test_libav_is_silent() -> None:
    assert logs.get_level() is None  # its lines would hold the address with the password
