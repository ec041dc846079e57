"""Frames that a driver or its decoder loses are counted once."""

from collections.abc import Iterable, Iterator

import numpy as np

from capture.camera import CameraEvent, CapturedFrame, Lost, Noted, StreamFormat
from capture.clock import wall_clock
from capture.device import DeviceEvent, DeviceFormat, Exposed, Pictured, Spoilt
from capture.live import LiveCamera
from capture.numbers import own_numbers
from core.camera_config import CameraConfig

STREAM = StreamFormat("test", "h264", b"", 16, 8, 30.0, (1, 90_000), "driver", 1000)
SECOND_NS = 1_000_000_000


class Scripted:
    format = DeviceFormat(STREAM, gap_cause="network")

    def __init__(self, events: Iterable[DeviceEvent]) -> None:
        self._events = events

    def events(self) -> Iterator[DeviceEvent]:
        yield from self._events

    def close(self) -> None: ...


def exposed(number: int, frame_id: int) -> Exposed:
    t_ns = SECOND_NS + number * 33_000_000
    return Exposed(number, t_ns + 1_000_000, taken_ns=t_ns, frame_id=frame_id, payload=b"x")


def pictured(number: int) -> Pictured:
    return Pictured(number, lambda factor: np.zeros((8 // factor, 16 // factor, 3), np.uint8))


def played(*events: DeviceEvent, start_ns: int = 0) -> list[CameraEvent]:
    clock = wall_clock()
    offset_ns = clock.offset_ns
    camera = LiveCamera(Scripted(events), CameraConfig(name="cam1"), clock, own_numbers())
    return list(camera.events(start_ns + offset_ns, start_ns + offset_ns))


def test_a_gap_that_the_driver_told_of_is_not_told_again() -> None:
    events = played(exposed(0, 0), Lost("network", 2, "connection lost"), exposed(3, 4))
    assert [one for one in events if isinstance(one, Lost)] == [
        Lost("network", 2, "connection lost"),
        Lost("network", 1),
    ]


def test_a_spoilt_picture_is_one_loss() -> None:
    events = played(
        exposed(0, 0), Spoilt(0, "decode", "torn"), Spoilt(0, "decode", "torn"), exposed(1, 1),
        pictured(1),
    )  # fmt: skip
    assert [one for one in events if isinstance(one, Lost)] == [Lost("decode", 1, "torn")]
    assert [one.frame for one in events if isinstance(one, CapturedFrame)] == [1]


def test_what_was_before_the_start_is_no_loss() -> None:
    events = played(exposed(0, 0), Spoilt(0, "decode", "torn"), start_ns=2 * SECOND_NS)
    assert events == []


def test_notes_go_on() -> None:
    assert played(Noted("odd")) == [Noted("odd")]
