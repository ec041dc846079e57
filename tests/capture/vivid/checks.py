"""Runs in the guest: our V4L2 and webcam drivers on the kernel's virtual camera.

Each result is a line of JSON after "RESULT". The stall and the pauses are what is examined.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Literal

import numpy as np
from linuxpy.video import device as video

from capture import v4l2, webcam
from capture.camera import CapturedFrame, CompressedPacket, Lost
from capture.clock import RigClock, wall_clock
from capture.live import LiveCamera
from capture.numbers import own_numbers
from core.camera_config import CameraConfig, TriggerConfig, V4l2Config, WebcamConfig
from core.errors import CameraError

DEVICE, RATE_HZ, SIZE_PX = "/dev/video0", 10.0, (320, 180)  # QEMU is slow
FREE_RUN = TriggerConfig()


def control(name: str) -> "video.BaseControl":
    """One of vivid's own controls, of the device that is open."""
    device = video.Device(DEVICE)
    device.open()
    assert device.info is not None
    info = next(one for one in device.info.controls if one.name.decode() == name)
    return video.BaseControl(device, info, None)


def set_own(name: str, value: int) -> None:
    """Set one of vivid's own controls."""
    one = control(name)
    video.set_control(one.device, one.id, value)
    one.device.close()


def config(record_raw: Literal["jpeg", "nothing"] = "nothing", **settings: object) -> CameraConfig:
    given = {"device": DEVICE, "format": "YUYV", "rate_hz": RATE_HZ, **settings}
    given = {"width_px": SIZE_PX[0], "height_px": SIZE_PX[1], **given}
    return CameraConfig(
        name="cam1",
        driver="v4l2",
        v4l2=V4l2Config(**given),  # pyright: ignore[reportArgumentType]
    )


@contextmanager
def opened(camera_config: CameraConfig) -> Iterator[tuple[LiveCamera, RigClock]]:
    clock = wall_clock()
    driver = {"v4l2": v4l2, "webcam": webcam}[camera_config.driver]
    camera = LiveCamera(
        driver.open_device(camera_config, FREE_RUN), camera_config, clock, own_numbers()
    )
    try:
        yield camera, clock
    finally:
        camera.close()


class Seen:
    """What a camera gave: frames one by one, losses counted."""

    def __init__(self, camera: LiveCamera, clock: RigClock) -> None:
        now_ns = clock.now_ns()
        self._events, self._clock = camera.events(now_ns, now_ns), clock
        self.lost: dict[str, int] = {}
        self.payload = b""

    def next(self) -> tuple[CapturedFrame, float]:
        """The next frame, and its age in ms when it was handed on."""
        for event in self._events:
            if isinstance(event, Lost):
                key = f"{event.cause}: {event.says}"
                self.lost[key] = self.lost.get(key, 0) + event.count
            elif isinstance(event, CompressedPacket):
                self.payload = event.payload
            elif isinstance(event, CapturedFrame):
                return event, (self._clock.now_ns() - event.t_ns) * 1e-6
        raise AssertionError("the camera ended")


def stamps() -> dict[str, object]:
    """Forty frames: origin, steps, age, picture."""
    with opened(config()) as (camera, clock):
        seen = Seen(camera, clock)
        frames = [seen.next() for _ in range(40)]
        picture = frames[-1][0].picture()
        stream = camera.format
    steps_ms = [(b.t_ns - a.t_ns) * 1e-6 for (a, _), (b, _) in pairwise(frames)]
    return {
        "origins": sorted({frame.time.origin for frame, _ in frames if frame.time}),
        "codec": stream.codec,
        "rate_hz": stream.rate_hz,
        "shape": picture.shape,
        "spread": float(picture.std()),
        "step_ms": [float(np.median(steps_ms)), min(steps_ms), max(steps_ms)],
        "age_ms": [float(np.median([age for _, age in frames])), max(age for _, age in frames)],
        "numbers": [frames[0][0].frame, frames[-1][0].frame],
        "lost": seen.lost,
    }


def recorded() -> dict[str, object]:
    """Raw pixels are recorded as JPEG."""
    with opened(config("jpeg")) as (camera, clock):
        seen = Seen(camera, clock)
        for _ in range(5):
            seen.next()
        return {"codec": camera.format.codec, "begins": seen.payload[:2].hex()}


def stall() -> dict[str, object]:
    """The reader does nothing for two seconds: how old is what comes then?"""
    with opened(config()) as (camera, clock):
        seen = Seen(camera, clock)
        last = [seen.next()[0] for _ in range(10)][-1]
        time.sleep(2.0)
        after = [seen.next() for _ in range(5)]
    return {
        "age_frames": [age * 1e-3 * RATE_HZ for _, age in after],
        "gap_frames": (after[0][0].t_ns - last.t_ns) * 1e-9 * RATE_HZ,
        "number_gap": after[0][0].frame - last.frame,
        "lost": seen.lost,
    }


def dropped() -> dict[str, object]:
    """The driver loses a fifth of its buffers."""
    set_own("Percentage of Dropped Buffers", 20)
    try:
        with opened(config()) as (camera, clock):
            seen = Seen(camera, clock)
            first, _ = seen.next()
            last = [seen.next()[0] for _ in range(50)][-1]
    finally:
        set_own("Percentage of Dropped Buffers", 0)
    return {"lost": seen.lost, "numbers": last.frame - first.frame, "frames": 50}


def refusals() -> dict[str, object]:
    """What the camera does not take."""
    wanted = {
        "size": {"width_px": 643, "height_px": 361},
        "format": {"format": "MJPG"},
        "rate": {"rate_hz": 17.0},
        "gain": {"gain": 1000},
        "exposure": {"exposure_us": 5000.0},
        "nothing": {"device": "/dev/video9"},
    }
    return {name: refusal(config(**settings)) for name, settings in wanted.items()}


def refusal(camera_config: CameraConfig) -> str:
    """What is said."""
    try:
        with opened(camera_config):
            return ""
    except CameraError as error:
        return str(error)


def locked() -> dict[str, object]:
    """Gain with its automatic off, read back."""
    gain = control("Gain")
    automatic = control("Gain, Automatic")
    video.set_control(automatic.device, automatic.id, 1)
    with opened(config(gain=77)):
        return {
            "gain": video.get_control(gain.device, gain.id),
            "automatic": video.get_control(automatic.device, automatic.id),
        }


def by_opencv() -> dict[str, object]:
    """The webcam driver on the second camera."""
    width_px, height_px = SIZE_PX
    given = WebcamConfig(index=1, width_px=width_px, height_px=height_px, rate_hz=RATE_HZ)
    with opened(CameraConfig(name="cam2", driver="webcam", webcam=given)) as (camera, clock):
        seen = Seen(camera, clock)
        frames = [seen.next() for _ in range(10)]
        before = dict(seen.lost)
        time.sleep(2.0)
        after = [seen.next() for _ in range(3)]
        picture = after[-1][0].picture()
    return {
        "origins": sorted({frame.time.origin for frame, _ in frames if frame.time}),
        "uncertainty_ms": camera.format.time_uncertainty_ns * 1e-6,
        "shape": picture.shape,
        "lost": [before, seen.lost],
        "age_frames_after_stall": [age * 1e-3 * RATE_HZ for _, age in after],
    }


def listed() -> dict[str, object]:
    """What the drivers find."""
    return {
        "v4l2": [(one.device, one.says, one.formats) for one in v4l2.found()],
        "webcam": [(one.device, one.says) for one in webcam.found()],
    }


def unplugged() -> dict[str, object]:
    """Disconnected while it streams."""
    with opened(config()) as (camera, clock):
        seen = Seen(camera, clock)
        seen.next()
        set_own("Disconnect", 1)
        try:
            for _ in range(100):
                seen.next()
        except CameraError as error:
            return {"says": str(error)}
    return {"says": ""}


CHECKS: tuple[Callable[[], dict[str, object]], ...] = (
    stamps,
    stall,
    recorded,
    dropped,
    refusals,
    locked,
    listed,
    by_opencv,
    unplugged,
)


def main() -> None:
    """Run each; one that fails says why."""
    set_own("Timestamp Source", 1)  # start of exposure, as real cameras have it
    for check in CHECKS:
        try:
            result = check()
        except Exception:  # noqa: BLE001 # the others are to run too; the host judges
            result = {"failed": traceback.format_exc()}
        print("RESULT", json.dumps({check.__name__: result}), flush=True)


if __name__ == "__main__":
    print("GUEST", time.monotonic(), flush=True)
    main()
