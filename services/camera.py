"""Camera process: one camera to its ring and the bus."""

from collections.abc import Callable
from pathlib import Path

from capture import drivers
from capture.camera import Camera
from capture.file import FileCamera
from capture.live import LiveCamera
from capture.loop import CaptureLoop
from capture.numbers import shared_numbers
from capture.ring import RingWriter
from core.camera_config import CameraConfig
from core.messages import Message
from services.child import Context, Pulse
from services.replay import recorded_camera

_PLAYED: dict[str, Callable[[CameraConfig], Camera]] = {
    "file": FileCamera,
    "session": lambda config: recorded_camera(Path(config.path), config),
}


def main(context: Context) -> None:
    """Entry point of the process."""
    config = context.run.camera(context.instance.cameras[0])
    camera = _opened(context, config)
    if not context.has_started():
        camera.prepare()
    stream = camera.format
    picture_bytes = (stream.width_px // config.reduce) * (stream.height_px // config.reduce) * 3
    ring = context.run_folder / f"{config.name}.{context.life_ns}.ring"
    _remove_older_rings(context.run_folder, config.name)
    with context.publisher() as publisher, RingWriter(ring, config.slots, picture_bytes) as writer:
        pulse = Pulse(context, publisher)

        def publish(topic: str, message: Message) -> None:
            publisher.send(topic, message)
            pulse.beat()

        loop = CaptureLoop(
            camera,
            config,
            writer,
            context.clock,
            publish,
            context.stop,
            pulse.counts,
            pulse.drops,
            pulse.beat,
        )
        context.ready()
        if isinstance(camera, LiveCamera):
            camera.settle(lambda: context.has_started() or context.stop.is_set())
        start_ns = context.start_ns()
        if start_ns is not None:
            loop.run(start_ns)
        pulse.beat(last=True)
    camera.close()


def _opened(context: Context, config: CameraConfig) -> Camera:
    if config.driver in _PLAYED:
        return _PLAYED[config.driver](config)
    device = drivers.open_device(config, context.run.trigger)
    numbers = shared_numbers(context.run_folder / f"{config.name}.numbers")
    return LiveCamera(device, config, context.clock, numbers)


def _remove_older_rings(folder: Path, camera: str) -> None:
    """Unlink what a killed predecessor left; whoever has it mapped may go on looking at it."""
    for old in folder.glob(f"{camera}.*.ring"):
        old.unlink(missing_ok=True)
