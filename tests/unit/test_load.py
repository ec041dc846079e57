"""What a rig asks of cables, disk and processors, and what is advised."""

import pytest

from core import load
from core.load import CameraLoad


def camera(**changes: object) -> CameraLoad:
    usual = {
        "camera": "cam01",
        "link": "GigE",
        "width_px": 1920,
        "height_px": 1200,
        "rate_hz": 60.0,
        "delivered_hz": 60.0,
        "codec": "mjpeg",
        "link_bytes_per_px": 1.0,
        "slots": 8,
        "reduce": 2,
    }
    return CameraLoad(**(usual | changes))  # pyright: ignore[reportArgumentType]


def test_one_colour_camera_is_too_much_for_gigabit_and_the_advice_says_why():
    assert camera().link_mb_s == pytest.approx(138.24)
    assert load.link_advice([camera(rate_hz=50)], 1000) == ""
    says = load.link_advice([camera(link_bytes_per_px=3.0)], 1000)
    assert says.startswith("a Bayer or mono format instead of colour")
    assert "at most 29 %" in says.replace("29%", "29 %")
    assert load.link_advice([camera(), camera()], 10_000) == ""


def test_a_slow_disk_is_named():
    four = [camera()] * 4
    assert sum(one.recorded_mb_s for one in four) == pytest.approx(82.9, abs=0.1)
    assert "faster disk" in load.disk_advice(four, 100)
    assert load.disk_advice(four, 150) == ""
    assert load.disk_advice([camera(codec="nothing")], 0.1) == ""


def test_a_machine_that_cannot_follow_gets_a_rate_it_can():
    assert load.pose_advice([camera()] * 4, 250) == ""
    assert "deliver_hz = 15" in load.pose_advice([camera()] * 4, 60)
