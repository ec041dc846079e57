"""Basler cameras through pylon: its emulated ones. They have no clock."""

import importlib.util
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import pytest

from capture import basler
from capture.camera import Lost
from capture.device import Exposed
from core.camera_config import BaslerConfig, CameraConfig, TriggerConfig
from core.errors import CameraError
from tests.capture.live_run import opened, record

CAMERA = "0815-0000"
with_pylon = pytest.mark.skipif(
    importlib.util.find_spec("pypylon") is None, reason="needs pypylon (uv sync --extra basler)"
)
os.environ["PYLON_CAMEMU"] = "2"  # read once, when pylon is loaded


def configured(*, reduce: int = 1, serial: str = CAMERA, **settings: Any) -> CameraConfig:
    small: dict[str, Any] = {"width_px": 128, "height_px": 96} | settings
    small = {"pixel_format": "Mono8", "exposure_us": 1000.0, "rate_hz": 60.0} | small
    return CameraConfig(
        name="cam1", driver="basler", reduce=reduce, basler=BaslerConfig(serial=serial, **small)
    )


@pytest.fixture
def failing() -> Iterator[tuple[basler.BaslerDevice, Any]]:
    """A device and the switch that makes its next buffers fail."""
    device = basler.open_device(configured(), TriggerConfig())
    nodes = device._camera.GetNodeMap()
    with closing(device):
        yield device, nodes


@pytest.mark.skipif(importlib.util.find_spec("pypylon") is not None, reason="pypylon is installed")
def test_where_pylon_is_missing_the_remedy_is_named():
    with pytest.raises(CameraError, match="uv sync --extra basler"):
        basler.open_device(configured(), TriggerConfig())


@with_pylon
def test_frames_of_a_camera_without_clock_are_timed_on_arrival():
    came = record(configured(), 30)
    assert {one.time.origin for one in came.frames if one.time} == {"host"}
    assert not came.pairs
    assert not came.lost
    assert np.median(np.diff([one.t_ns for one in came.frames])) == pytest.approx(1e9 / 60, rel=0.2)


@with_pylon
def test_what_was_set_is_read_back():
    asked = {"rate_hz": 25.0, "offset_x_px": 16, "offset_y_px": 8, "gain": 3.0}
    with opened(configured(**asked)) as camera:
        stream = camera.format
        assert (stream.width_px, stream.height_px, stream.rate_hz) == (128, 96, 25.0)
        assert (stream.driver, stream.codec, stream.time_origin) == ("basler", "mjpeg", "host")


@with_pylon
@pytest.mark.parametrize("pixel_format", ["Mono8", "BayerRG8", "BGR8Packed", "RGB8Packed"])
def test_pictures_are_bgr(pixel_format: str):
    came = record(configured(pixel_format=pixel_format, reduce=2), 3)
    assert set(came.shapes) == {(48, 64, 3)}


@with_pylon
@pytest.mark.parametrize(
    ("settings", "both"),
    [
        ({"width_px": 9000}, "width_px = 9000 is refused: .*9000.*4096"),
        ({"rate_hz": 99999.0}, "rate_hz = 99999 is refused: .*99999.*5000"),
        ({"pixel_format": "YUV422_8"}, "pixel_format = 'YUV422_8' is refused: .*YUV422_8"),
    ],
)
def test_what_the_camera_cannot_do_is_told_with_both_values(settings: dict[str, Any], both: str):
    with pytest.raises(CameraError, match=f"cam1: basler.{both}"):
        basler.open_device(configured(**settings), TriggerConfig())


@with_pylon
def test_a_software_trigger_sets_the_pace():
    came = record(configured(rate_hz=10.0), 8, TriggerConfig(mode="software"))
    assert np.median(np.diff([one.t_ns for one in came.frames])) == pytest.approx(1e8, rel=0.3)


@with_pylon
@pytest.mark.parametrize(
    ("trigger", "says"),
    [
        (TriggerConfig(mode="hardware", source="Line7"), "'Line7': the camera has Software, Line1"),
        (TriggerConfig(mode="ptp"), "the camera has no PTP"),
    ],
)
def test_a_trigger_it_does_not_have_is_told(trigger: TriggerConfig, says: str):
    with pytest.raises(CameraError, match=says):
        basler.open_device(configured(), trigger)


@with_pylon
def test_failed_buffers_are_the_devices(failing: tuple[basler.BaslerDevice, Any]):
    device, nodes = failing
    coming = device.events()
    next(event for event in coming if isinstance(event, Exposed))
    nodes.GetNode("ForceFailedBufferCount").SetValue(3)
    nodes.GetNode("ForceFailedBuffer").Execute()
    lost = list(islice((event for event in coming if isinstance(event, Lost)), 3))
    assert lost == [Lost("device", 1, "failed buffer")] * 3


@with_pylon
def test_what_nobody_took_is_the_queues():
    """A reader of 20 frames a second at a camera of 500; its numbers tell of the same gap."""
    config = configured(rate_hz=500.0, exposure_us=200.0, n_buffers=2)
    ids: list[int] = []
    skipped = 0
    with closing(basler.open_device(config, TriggerConfig())) as slow:
        for event in slow.events():
            if isinstance(event, Lost):
                assert (event.cause, event.says) == ("queue", "passed over")
                skipped = event.count
            elif isinstance(event, Exposed) and event.frame_id is not None:
                ids.append(event.frame_id)
                if len(ids) > 1 and skipped:
                    break
                threading.Event().wait(0.05)
    assert ids[-1] == ids[-2] + skipped + 1


@with_pylon
def test_a_camera_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(CameraError, match="no camera 'nobody'; pylon sees 0815-0000, 0815-0001"):
        basler.open_device(configured(serial="nobody"), TriggerConfig())


@with_pylon
def test_a_listed_camera_says_what_it_is():
    seen = next(one for one in basler.found() if one.device == CAMERA)
    assert (seen.driver, seen.time_origin) == ("basler", "host")
    assert seen.says == "Basler Emulation, BaslerCamEmu"
    assert {"Mono8", "BayerRG8", "BGR8Packed"} <= set(seen.formats)
