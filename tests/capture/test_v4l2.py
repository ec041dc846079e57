"""Our V4L2 and webcam drivers on the kernel's virtual camera, in a machine of its own."""

from typing import Any

import pytest

from tests.capture import vivid_machine
from tests.conftest import need

pytestmark = [pytest.mark.slow, pytest.mark.timeout(vivid_machine.LIMIT_S + 60)]


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    lacks = vivid_machine.missing()
    need(not lacks, lacks)
    kernel = vivid_machine.kernel()
    need(kernel, "Debian's kernel: apt-get update, then `apt-get download` must find linux-image")
    assert kernel is not None
    results, printed = vivid_machine.results(kernel)
    assert "unplugged" in results, printed[-3000:]
    return results


def result(machine: dict[str, Any], check: str) -> dict[str, Any]:
    found = machine[check]
    assert "failed" not in found, found["failed"]
    return found


def test_frames_carry_the_kernels_time(machine, capsys) -> None:
    found = result(machine, "stamps")
    with capsys.disabled():
        median_ms, least_ms, most_ms = found["step_ms"]
        print(
            f"\nvivid at 10 Hz: steps median {median_ms:.2f} ms ({least_ms:.1f} to {most_ms:.1f}),"
            f" lost {found['lost']}, in hand {found['age_ms'][0]:.1f} ms after it was taken"
        )
    assert found["origins"] == ["driver"]
    assert found["rate_hz"] == 10.0
    assert found["shape"] == [90, 160, 3]
    assert found["spread"] > 10
    assert found["numbers"][1] - found["numbers"][0] == 39 + sum(found["lost"].values())


def test_after_a_stall_the_newest_frame_comes(machine, capsys) -> None:
    found = result(machine, "stall")
    with capsys.disabled():
        ages = ", ".join(f"{age:.2f}" for age in found["age_frames"])
        print(f"\nafter 2 s of stall: frames aged {ages} periods; lost {found['lost']}")
    assert found["gap_frames"] > 18
    assert found["number_gap"] > 18
    assert found["lost"]["queue: stalled"] >= 4
    assert found["age_frames"][0] < 4  # without draining it is 20


def test_buffers_the_driver_lost_are_missing_numbers(machine) -> None:
    found = result(machine, "dropped")
    assert found["lost"]["queue: no frame"] > 0
    assert found["numbers"] == found["frames"] + sum(found["lost"].values())


def test_what_the_camera_does_not_take_is_said_with_both_numbers(machine) -> None:
    said = result(machine, "refusals")
    assert "size 643x361 was asked for, it takes 640x360; YUYV comes in 320x180" in said["size"]
    assert "format MJPG was asked for, it takes YUYV" in said["format"]
    assert "rate 17 Hz was asked for, it takes 25 Hz" in said["rate"]
    assert "gain 1000 was asked for, it takes 255" in said["gain"]
    assert "leave v4l2.exposure_us out" in said["exposure"]
    assert "no such device" in said["nothing"]


def test_gain_is_locked(machine) -> None:
    assert result(machine, "locked") == {"gain": 77, "automatic": 0}


def test_raw_pixels_are_recorded_as_jpeg(machine) -> None:
    assert result(machine, "recorded") == {"codec": "mjpeg", "begins": "ffd8"}


def test_cameras_are_found(machine) -> None:
    found = result(machine, "listed")
    assert found["v4l2"][0] == ["/dev/video0", "vivid, platform:vivid-000", ["YUYV"]]
    assert [device for device, _ in found["webcam"]] == ["0", "1"]


def test_an_unplugged_camera_is_said_to_be_gone(machine) -> None:
    assert "/dev/video0: is gone" in result(machine, "unplugged")["says"]


def test_a_webcam_is_timed_on_arrival(machine, capsys) -> None:
    found = result(machine, "by_opencv")
    with capsys.disabled():
        ages = ", ".join(f"{age:.2f}" for age in found["age_frames_after_stall"])
        print(f"\nwebcam after 2 s of stall: frames {ages} periods after their arrival")
    assert found["origins"] == ["host"]
    assert found["uncertainty_ms"] == 100.0
    assert found["shape"] == [90, 160, 3]
    assert found["lost"][1]["queue: stalled"] > 15
    assert found["age_frames_after_stall"][0] < 4
