"""A device played as a camera, in a process or a thread of the test: what came, by kind."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from capture import drivers
from capture.camera import CameraEvent, CapturedFrame, ClockPair, CompressedPacket, Lost
from capture.clock import wall_clock
from capture.live import LiveCamera
from capture.numbers import own_numbers
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError

FREE = TriggerConfig()


@dataclass
class Came:
    """What a camera delivered."""

    frames: list[CapturedFrame] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    packets: list[CompressedPacket] = field(default_factory=list)
    pairs: list[ClockPair] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    def take(self, event: CameraEvent) -> None:
        match event:
            case CapturedFrame():
                self.frames.append(event)
                self.shapes.append(event.picture().shape)
            case CompressedPacket():
                self.packets.append(event)
            case ClockPair():
                self.pairs.append(event)
            case Lost():
                self.lost[f"{event.cause}: {event.says}"] += event.count
            case None:
                pass

    @property
    def numbers(self) -> list[int]:
        """Of the frames."""
        return [one.frame for one in self.frames]


@contextmanager
def opened(config: CameraConfig, trigger: TriggerConfig = FREE) -> Iterator[LiveCamera]:
    """The device of a configuration as a camera on a clock of its own."""
    clock = wall_clock()
    device = drivers.open_device(config, trigger)
    with closing(LiveCamera(device, config, clock, own_numbers())) as camera:
        yield camera


def events(camera: LiveCamera) -> Iterator[CameraEvent]:
    """What comes from now on."""
    now_ns = time.time_ns()
    return camera.events(now_ns, now_ns)


def record(config: CameraConfig, n_frames: int, trigger: TriggerConfig = FREE) -> Came:
    """Play until that many frames have come; the time limit of the test ends what hangs."""
    came = Came()
    with opened(config, trigger) as camera:
        for event in events(camera):
            came.take(event)
            if len(came.frames) >= n_frames and came.packets[-1].frame == came.numbers[-1]:
                return came
    raise AssertionError("a live camera has no end")


class Player:
    """A camera that plays in a thread, for several at once."""

    def __init__(self, config: CameraConfig) -> None:
        self.came, self.error = Came(), ""
        self._config, self._stop = config, threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def wait_for(self, n_frames: int, *, within_s: float = 60.0) -> None:
        """Return once that many frames have come in all."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: self.error or len(self.came.frames) >= n_frames, within_s
            )
        assert not self.error, self.error
        assert done, f"{len(self.came.frames)} frames"

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _play(self) -> None:
        try:
            with opened(self._config) as camera:
                for event in events(camera):
                    with self._changed:
                        self.came.take(event)
                        self._changed.notify_all()
                    if self._stop.is_set():
                        return
        except CameraError as error:
            with self._changed:
                self.error = str(error)
                self._changed.notify_all()
