"""Camera process: one camera to its ring and the bus. On another host only to the bus: its packets
are made pictures of on the hub (``services.relay``)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from capture import drivers
from capture.camera import Camera, StreamFormat
from capture.file import FileCamera
from capture.live import LiveCamera
from capture.loop import CaptureLoop
from capture.numbers import shared_numbers
from capture.ring import RingWriter
from core.camera_config import CameraConfig
from core.messages import Message
from core.topics import key
from services.child import Context, Pulse
from services.replay import recorded_camera

RECORDER_WITHIN_MS = 5000
"""It listens within a second; where it is gone for good the camera goes on without it."""

_PLAYED: dict[str, Callable[[CameraConfig], Camera]] = {
    "file": FileCamera,
    "session": lambda config: recorded_camera(Path(config.path), config),
}


def main(context: Context) -> None:
    """Entry point of the process."""
    config = context.run.camera(context.instance.cameras[0])
    camera = _opened(context, config)
    if not context.has_started() and not config.host:
        camera.prepare()
    with context.publisher() as publisher, _ring(context, config, camera.format) as ring:
        pulse = Pulse(context, publisher)

        def publish(topic: str, message: Message) -> None:
            publisher.send(topic, message)
            pulse.beat()

        loop = loop_of(context, pulse, camera, config, ring, publish)
        if context.run.recorder.enabled and not config.host:  # else: a packet that nobody recorded
            publisher.wait_for_reader(key("packet", config.name), RECORDER_WITHIN_MS)
        context.ready()
        camera.settle(lambda: context.has_started() or context.stop.is_set())
        start_ns = context.start_ns()
        if start_ns is not None:
            loop.run(start_ns)
        pulse.beat(last=True)
    camera.close()


def loop_of(
    context: Context,
    pulse: Pulse,
    camera: Camera,
    config: CameraConfig,
    ring: RingWriter | None,
    publish: Callable[[str, Message], None],
) -> CaptureLoop:
    """The capture loop of a process, which counts into its health."""
    return CaptureLoop(
        camera,
        config,
        ring,
        context.clock,
        publish,
        context.stop,
        pulse.counts,
        pulse.drops,
        pulse.beat,
    )


def ring_for(context: Context, config: CameraConfig, stream: StreamFormat, nth: int) -> RingWriter:
    """The ring of a camera's pictures, the nth of this process; older ones go.

    Whoever has those of a killed predecessor mapped may go on looking at them.
    """
    for old in context.run_folder.glob(f"{config.name}.*.ring"):
        old.unlink(missing_ok=True)
    picture_bytes = (stream.width_px // config.reduce) * (stream.height_px // config.reduce) * 3
    path = context.run_folder / f"{config.name}.{context.life_ns + nth}.ring"
    return RingWriter(path, config.slots, picture_bytes)


def _ring(
    context: Context, config: CameraConfig, stream: StreamFormat
) -> AbstractContextManager[RingWriter | None]:
    return nullcontext() if config.host else ring_for(context, config, stream, 0)


def _opened(context: Context, config: CameraConfig) -> Camera:
    if config.driver in _PLAYED:
        return _PLAYED[config.driver](config)
    device = drivers.open_device(config, context.run.trigger)
    numbers = shared_numbers(context.run_folder / f"{config.name}.numbers")
    return LiveCamera(device, config, context.clock, numbers)
