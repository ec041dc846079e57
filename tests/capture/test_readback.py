"""What was asked of a camera is compared with what it took."""

import pytest

from capture.readback import Setting, Value, apply
from core.errors import CameraError


def setting(took: Value, *, asked: Value = 60.0, tolerance: float = 0.0) -> Setting:
    return Setting("rate_hz", asked, lambda: None, lambda: took, tolerance)


def test_a_camera_may_round_a_little():
    apply("cam1", [setting(59.9, tolerance=0.3)], OSError, str)


@pytest.mark.parametrize(("asked", "took"), [(60, 50), ("Mono8", "Mono16")])
def test_another_value_is_told_with_both(asked: Value, took: Value):
    with pytest.raises(CameraError, match=rf"cam1: rate_hz = '?{asked}'? .* took '?{took}'?:"):
        apply("cam1", [setting(took, asked=asked)], OSError, str)


def test_a_refusal_names_the_setting():
    def refuse() -> None:
        raise OSError("too high")

    with pytest.raises(CameraError, match="rate_hz = 60 is refused: too high"):
        apply("cam1", [Setting("rate_hz", 60.0, refuse, lambda: 60.0)], OSError, str)


def test_reading_comes_after_all_writing():
    """A longer exposure lowers the rate that was set before."""
    taken = {"rate": 0.0}
    rate = Setting("rate_hz", 60.0, lambda: taken.update(rate=60.0), lambda: taken["rate"])
    exposure = Setting("exposure_us", 5.0, lambda: taken.update(rate=50.0), lambda: 5.0)
    with pytest.raises(CameraError, match="took 50"):
        apply("cam1", [rate, exposure], OSError, str)
