"""GigE Vision through Aravis: a fake camera that speaks the protocol, on this host's loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice, pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from capture import genicam
from capture.camera import CapturedFrame, Lost
from capture.device import Exposed
from core.camera_config import CameraConfig, GenicamConfig, TriggerConfig
from core.errors import CameraError
from tests.capture.fake_cameras import fake_camera, need_aravis
from tests.capture.live_run import Came, events, opened, record


@pytest.fixture
def device() -> Iterator[str]:
    need_aravis()
    with fake_camera() as (device, _):
        yield device


def exposures(config: CameraConfig, n_exposures: int) -> Iterator[Exposed]:
    """The first ones that the driver tells of."""
    device = genicam.open_device(config, TriggerConfig())
    exposed = (event for event in device.events() if isinstance(event, Exposed))
    with closing(device):
        yield from islice(exposed, n_exposures)


def configured(device: str, *, reduce: int = 1, **settings: Any) -> CameraConfig:
    small: dict[str, Any] = {"width_px": 128, "height_px": 96} | settings
    return CameraConfig(
        name="cam1",
        driver="genicam",
        reduce=reduce,
        genicam=GenicamConfig(device=device, **small),
    )


def test_frames_carry_the_devices_own_times(device: str):
    came = record(configured(device), 60)
    assert {one.time.origin for one in came.frames if one.time} == {"hardware"}
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(came.frames))
    assert {(pair.ticks_hz, pair.wraps_at) for pair in came.pairs} == {(1e9, 0)}
    device_ns = np.diff([pair.ticks for pair in came.pairs])
    assert np.median(device_ns) == pytest.approx(1e9 / 60, rel=0.05)  # its rate, by its clock
    assert not came.lost


def test_a_frame_is_received_after_the_one_before_and_before_now(device: str):
    last_ns = time.monotonic_ns()
    for exposed in exposures(configured(device), 20):
        assert last_ns < exposed.received_ns <= time.monotonic_ns()
        last_ns = exposed.received_ns


def test_what_was_set_is_read_back(device: str):
    asked = {
        "rate_hz": 50.0,
        "exposure_us": 2000.0,
        "gain": 3.0,
        "width_px": 320,
        "height_px": 240,
        "offset_x_px": 64,
        "offset_y_px": 32,
        "packet_bytes": 1400,
    }
    with opened(configured(device, **asked)) as camera:
        stream = camera.format
        assert (stream.width_px, stream.height_px, stream.rate_hz) == (320, 240, 50.0)
        assert (stream.driver, stream.codec, stream.time_origin) == ("genicam", "mjpeg", "hardware")
    kept = GenicamConfig(device=device, rate_hz=0)
    with opened(CameraConfig(name="cam1", driver="genicam", genicam=kept)) as camera:
        assert (camera.format.width_px, camera.format.rate_hz) == (320, 50.0)


def test_frames_carry_the_exposure_the_camera_took(device: str):
    (exposed,) = exposures(configured(device, exposure_us=4000.0), 1)
    assert exposed.exposure_ns == 4_000_000


@pytest.mark.parametrize("pixel_format", ["Mono8", "BayerRG8", "BayerGB8", "RGB8"])
def test_pictures_are_bgr_and_recorded_as_jpeg(device: str, pixel_format: str):
    came = record(configured(device, pixel_format=pixel_format, reduce=2), 3)
    assert set(came.shapes) == {(48, 64, 3)}
    whole = cv2.imdecode(np.frombuffer(came.packets[0].payload, np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    assert whole.shape == (96, 128, 3)
    assert whole.std() > 1  # the fake camera's ramp


@pytest.mark.parametrize(
    ("settings", "both"),
    [
        ({"rate_hz": 2000.0}, "rate_hz = 2000 was asked, the camera took 1000"),
        ({"width_px": 4000}, "width_px = 4000 is refused: .*'4000'.*'2048'"),
        ({"exposure_us": 2.0}, "exposure_us = 2 is refused: .*'2'.*'10'"),
        ({"gain": 99.0}, "gain = 99 is refused: .*'99'.*'10'"),
        ({"pixel_format": "BGR8"}, "pixel_format = 'BGR8' is refused: .*'BGR8'"),
    ],
)
def test_what_the_camera_cannot_do_is_told_with_both_values(
    device: str, settings: dict[str, Any], both: str
):
    with pytest.raises(CameraError, match=f"cam1: genicam.{both}"):
        genicam.open_device(configured(device, **settings), TriggerConfig())


def test_frame_numbers_go_on_over_the_wrap_of_the_cameras(device: str):
    """The fake camera begins near 65000, so that its 16 bits are through within seconds.

    A busy machine may miss some of them; a wrong wrap is off by 65535.
    """
    ids = [one.frame_id or 0 for one in exposures(configured(device, rate_hz=250.0), 800)]
    steps = np.diff(ids)
    assert np.median(steps) == 1
    assert (steps >= 1).all()
    assert ids[-1] - ids[0] < 20_000
    assert ids[0] < 65535 < ids[-1]


def test_a_software_trigger_sets_the_pace(device: str):
    trigger = TriggerConfig(mode="software")
    came = record(configured(device, rate_hz=10.0), 8, trigger)
    assert np.median(np.diff([pair.ticks for pair in came.pairs])) == pytest.approx(1e8, rel=0.3)


def test_a_camera_that_waits_for_its_trigger_is_not_gone(device: str):
    """No pulse comes: the camera is asked whether it is there, and is."""
    config = configured(device, silent_s=0.2)
    with opened(config, TriggerConfig(mode="hardware")) as camera:
        silent = [event for event, _ in zip(events(camera), range(20), strict=False)]
    assert silent == [None] * 20


@pytest.mark.parametrize(
    ("trigger", "says"),
    [
        (TriggerConfig(mode="hardware", source="Line7"), "'Line7': the camera has Line0, Software"),
        (TriggerConfig(mode="ptp"), "the camera has no PTP"),
    ],
)
def test_a_trigger_it_does_not_have_is_told(device: str, trigger: TriggerConfig, says: str):
    with pytest.raises(CameraError, match=says):
        genicam.open_device(configured(device), trigger)


def test_a_camera_that_is_not_there_is_told_with_those_that_are(device: str):
    with pytest.raises(CameraError, match=f"cam1: .*nobody.*Aravis sees .*{device}"):
        genicam.open_device(configured("nobody"), TriggerConfig())


@pytest.mark.slow
def test_a_camera_in_use_is_told(device: str):
    with opened(configured(device)), pytest.raises(CameraError, match="in use by another"):
        genicam.open_device(configured(device), TriggerConfig())


def test_a_listed_camera_says_what_it_is(device: str):
    seen = next(one for one in genicam.found() if one.device == device)
    assert (seen.driver, seen.time_origin) == ("genicam", "hardware")
    assert seen.says == "Aravis Fake, GigEVision, 127.0.0.1"
    assert {"Mono8", "BayerRG8", "RGB8"} <= set(seen.formats)
    assert "Mono16" not in seen.formats


def test_torn_frames_are_counted_and_the_others_numbered_as_they_were():
    need_aravis()
    came = Came()
    with fake_camera("-r", "20") as (device, _), opened(configured(device)) as camera:
        for event in events(camera):
            if came.frames or isinstance(event, CapturedFrame):
                came.take(event)
            if len(came.frames) == 60:
                break
    assert came.lost["network: incomplete"] > 0
    assert set(came.lost) <= {"network: incomplete", "network: no frame"}
    assert came.numbers[-1] - came.numbers[0] + 1 == 60 + came.lost.total()


def test_a_slow_reader_loses_frames_by_its_own_fault(device: str):
    config = configured(device, rate_hz=500.0, n_buffers=4)
    with closing(genicam.open_device(config, TriggerConfig())) as slow:
        coming = slow.events()
        next(event for event in coming if event is not None)
        while slow._underruns() < 100:
            threading.Event().wait(0.01)
        lost = next(event for event in coming if isinstance(event, Lost))
    assert (lost.cause, lost.says) == ("queue", "underrun")


@pytest.mark.faults
def test_a_camera_that_dies_ends_its_process():
    need_aravis()
    gone = pytest.raises(CameraError, match=r"does not answer|control of the camera is lost")
    with fake_camera() as (device, process):
        config = configured(device, silent_s=1.0)
        with opened(config) as camera, gone:
            for event in events(camera):
                if isinstance(event, CapturedFrame):
                    process.kill()
