"""Which pictures the page gets, and how they are made small.

A picture goes out together with the people found in it, so it waits for the pose worker; it is
taken from the frame ring only then. Where no people come (no pose worker, or the ring is too
short for it), the newest picture goes out without them.
"""

from collections import Counter, deque
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from capture.ring import RingReader
from core.config import MonitorConfig
from core.errors import CameraError
from core.messages import FrameDescriptor, Keypoints2D
from services.monitor.wire import CameraView

U8 = NDArray[np.uint8]

REMEMBERED = 64
WITHOUT_PEOPLE_AFTER_NS = 500_000_000


class Pace:
    """Lets at most ``rate_hz`` through on average, and jitter around it."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = round(1e9 / rate_hz)
        self._due_ns: int | None = None

    def admits(self, t_ns: int) -> bool:
        """Whether something of that time may go; only what went counts."""
        due_ns, period_ns = self._due_ns, self._period_ns
        if due_ns is None or t_ns < due_ns - 2 * period_ns:  # the first, or time began anew
            self._due_ns = t_ns + period_ns // 2
            return True
        if t_ns < due_ns:
            return False
        self._due_ns = max(due_ns + period_ns, t_ns + period_ns // 2)
        return True


class Tiles:
    """Makes the pictures of all cameras; at most one of each waits to be made."""

    def __init__(self, config: MonitorConfig, run_folder: Path) -> None:
        self.drops: Counter[str] = Counter()
        self._config = config
        self._rings = _Rings(run_folder)
        self._recent: dict[str, deque[FrameDescriptor]] = {}
        self._people_ns: dict[str, int] = {}
        """Newest capture when people last came (or when the first picture did)."""
        self._pace: dict[str, Pace] = {}
        self._waiting: dict[str, tuple[FrameDescriptor, Keypoints2D | None]] = {}

    def see_frame(self, frame: FrameDescriptor) -> None:
        """Remember where a picture lies; choose it when its camera has been without people."""
        recent = self._recent.setdefault(frame.camera, deque(maxlen=REMEMBERED))
        recent.append(frame)
        since_ns = self._people_ns.setdefault(frame.camera, frame.t_ns)
        if frame.t_ns - since_ns > WITHOUT_PEOPLE_AFTER_NS:
            self._choose(frame, None)

    def see_people(self, people: Keypoints2D) -> None:
        """Choose the picture that these people were found in."""
        recent = self._recent.get(people.camera)
        if not recent:
            return
        self._people_ns[people.camera] = recent[-1].t_ns
        frame = next((one for one in reversed(recent) if one.frame == people.frame), None)
        if frame is not None:
            self._choose(frame, people)
        else:
            self.drops["picture forgotten"] += 1
            self._choose(recent[-1], None)

    def _choose(self, frame: FrameDescriptor, people: Keypoints2D | None) -> None:
        pace = self._pace.setdefault(frame.camera, Pace(self._config.tile_hz))
        if pace.admits(frame.t_ns):
            self._waiting[frame.camera] = frame, people

    def forget_waiting(self) -> None:
        """Make none of the chosen pictures: nobody watches."""
        self._waiting.clear()

    @property
    def waiting(self) -> bool:
        """Whether a chosen picture is still to be made."""
        return bool(self._waiting)

    def make_one(self) -> CameraView | None:
        """Make the picture that waits longest; None when the ring holds no picture of its camera.

        Where the ring was too short for the pose worker, it is the newest without people.
        """
        camera = next(iter(self._waiting))
        frame, people = self._waiting.pop(camera)
        jpeg = self._jpeg(frame)
        if jpeg is None and people is not None:
            frame, people = self._recent[camera][-1], None
            jpeg = self._jpeg(frame)
        return None if jpeg is None else _view(frame, people, jpeg)

    def _jpeg(self, frame: FrameDescriptor) -> bytes | None:
        ring = self._rings.reader(frame.ring)
        if ring is None:
            self.drops["ring gone"] += 1
            return None
        picture = ring.picture(frame.slot, frame.lock, (frame.height_px, frame.width_px))
        jpeg = None if picture is None else encode(picture, self._config)
        if jpeg is None or not ring.holds(frame.slot, frame.lock):
            self.drops["picture overwritten"] += 1
            return None
        return jpeg

    def drop_dead_rings(self) -> None:
        """Unmap rings whose file is gone: their camera has ended or begun anew."""
        self._rings.drop_dead()


def _view(frame: FrameDescriptor, people: Keypoints2D | None, jpeg: bytes) -> CameraView:
    return CameraView(
        t_ns=frame.t_ns,
        camera=frame.camera,
        frame=frame.frame,
        width_px=frame.full_width_px,
        height_px=frame.full_height_px,
        jpeg=jpeg,
        keypoints2d=people,
    )


class _Rings:
    """Readers of the rings in the run folder, by file name."""

    def __init__(self, run_folder: Path) -> None:
        self._run_folder = run_folder
        self._readers: dict[str, RingReader] = {}

    def reader(self, ring: str) -> RingReader | None:
        name = Path(ring).name
        if name not in self._readers:
            try:
                self._readers[name] = RingReader(self._run_folder / name)
            except CameraError:
                return None
        return self._readers[name]

    def drop_dead(self) -> None:
        alive = {name for name in self._readers if (self._run_folder / name).exists()}
        self._readers = {name: self._readers[name] for name in alive}


def encode(picture: U8, config: MonitorConfig) -> bytes:
    """JPEG of a BGR picture (H, W, 3), made smaller by the whole factor nearest to the tile height.

    A whole factor, since OpenCV's other ways cost more (0.8 to 4.6 ms for half a megapixel) than
    encoding the few pixels too many.
    """
    height, width = picture.shape[:2]
    factor = max(1, round(height / config.tile_height_px))
    if factor > 1:
        size = (width // factor, height // factor)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return simplejpeg.encode_jpeg(
        picture,
        quality=config.tile_quality,
        colorspace="BGR",
        colorsubsampling="420",
        fastdct=True,
    )
