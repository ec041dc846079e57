"""Which frames a pose worker waits for, and for how long."""

import pytest

from core.config import PoseConfig
from core.messages import FrameDescriptor, Header
from services import pose
from services.bus import Received

CAMERAS = ("cam1", "cam2")
WINDOW_NS = 4_000_000
PERIOD_NS = 16_666_667


def frame(camera: str, number: int, late_ns: int = 0) -> Received:
    descriptor = FrameDescriptor(
        t_ns=1_000_000_000 + number * PERIOD_NS + late_ns,
        camera=camera,
        frame=number,
        ring="",
        slot=0,
        lock=0,
        width_px=1,
        height_px=1,
        full_width_px=1,
        full_height_px=1,
        time_origin="file",
        time_uncertainty_ns=0,
    )
    return Received(f"frame/{camera}", Header(1, camera, 0, number), descriptor, b"")


@pytest.mark.parametrize(
    ("frames", "is_whole"),
    [
        ([], True),
        ([frame("cam1", 5)], False),
        ([frame("cam1", 5), frame("cam2", 5, 2_000_000)], True),
        ([frame("cam1", 5), frame("cam2", 4)], False),
        ([frame("cam2", 4), frame("cam1", 5), frame("cam2", 5)], True),
    ],
)
def test_an_instant_is_whole_with_a_frame_of_it_from_each_camera(frames, is_whole):
    assert pose.is_whole(frames, CAMERAS, WINDOW_NS) is is_whole


@pytest.mark.parametrize(
    ("said_ms", "provider", "wait_ms"),
    [(None, "CPU", 0), (None, "CUDA", 4), (None, "Tensorrt", 4), (2.5, "CPU", 2.5), (0, "CUDA", 0)],
)
def test_only_a_gpu_waits_unless_something_else_is_said(said_ms, provider, wait_ms):
    assert pose.wait_ns(PoseConfig(batch_wait_ms=said_ms), provider) == wait_ms * 1e6
