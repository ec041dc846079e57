"""A page with the live pictures of cameras, and help with focus and exposure: no run, no recording.

Each camera has a thread that keeps its newest picture; the page asks for the next one when it has
shown the last, so a slow page slows nobody.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import msgspec
import simplejpeg
from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from capture import drivers
from capture.camera import Camera, CapturedFrame, Lost
from capture.clock import RigClock, wall_clock
from capture.file import FileCamera
from capture.live import LiveCamera
from capture.numbers import own_numbers
from core import picture_quality
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError
from core.picture_quality import U8
from services.monitor import bundle
from services.monitor.listen import bind, serving, url_of
from services.monitor.mailbox import Hub
from services.monitor.page import HEADERS, Files
from services.monitor.wire import CameraPreview

_PICTURE_WIDTH_PX = 960
_QUALITY = 80
_RATE_OVER_NS = 2_000_000_000
_AGAIN_S = 2.0


class Watched:
    """One camera, watched by a thread of its own."""

    def __init__(self, config: CameraConfig, trigger: TriggerConfig, clock: RigClock) -> None:
        self._config, self._trigger, self._clock = config, trigger, clock
        self._picture: U8 | None = None
        self._lost: Counter[str] = Counter()
        self._times_ns: list[int] = []
        self._end = threading.Event()
        self.facts = CameraPreview(config.name, config.driver)
        self._thread = threading.Thread(target=self._watch, name=config.name, daemon=True)
        self._thread.start()

    def jpeg(self) -> bytes | None:
        """The newest picture, as wide as a page needs it; None before the first."""
        picture = self._picture
        if picture is None:
            return None
        height, width = picture.shape[:2]
        if width > _PICTURE_WIDTH_PX:
            size = _PICTURE_WIDTH_PX, round(height * _PICTURE_WIDTH_PX / width)
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return simplejpeg.encode_jpeg(picture, _QUALITY, colorspace="BGR")

    def end(self) -> None:
        """Release the camera."""
        self._end.set()
        self._thread.join(1.0)

    def _watch(self) -> None:
        while not self._end.is_set():
            try:
                camera = _opened(self._config, self._trigger, self._clock)
            except CameraError as error:
                self._say(str(error))
            else:
                try:
                    self._look(camera)
                except CameraError as error:
                    self._say(str(error))
                finally:
                    camera.close()
            self._end.wait(_AGAIN_S)

    def _look(self, camera: Camera) -> None:
        now_ns = self._clock.now_ns()
        for event in camera.events(now_ns, now_ns):
            if isinstance(event, CapturedFrame):
                self._end.wait(max(0, event.t_ns - self._clock.now_ns()) * 1e-9)
                self._take(camera, event)
            elif isinstance(event, Lost):
                self._lost[f"{event.cause}: {event.says}"] += event.count
            if self._end.is_set():
                return

    def _take(self, camera: Camera, frame: CapturedFrame) -> None:
        picture, stream = frame.picture().copy(), camera.format
        self._picture = picture
        self._times_ns = [
            t_ns for t_ns in (*self._times_ns, frame.t_ns) if frame.t_ns - t_ns <= _RATE_OVER_NS
        ]
        span_s = (self._times_ns[-1] - self._times_ns[0]) * 1e-9
        sharp = picture_quality.sharpness(picture)
        origin, uncertainty_ns = stream.time_origin, stream.time_uncertainty_ns
        if frame.time:
            origin, uncertainty_ns = frame.time.origin, frame.time.uncertainty_ns
        self.facts = CameraPreview(
            camera=self._config.name,
            driver=self._config.driver,
            size_px=(stream.width_px, stream.height_px),
            rate_hz=(len(self._times_ns) - 1) / span_s if span_s else 0.0,
            time_origin=origin,
            time_uncertainty_ns=uncertainty_ns,
            sharpness=sharp,
            sharpest=max(sharp, self.facts.sharpest),
            exposure=picture_quality.exposure(picture),
            lost=dict(self._lost),
            number=self.facts.number + 1,
        )

    def _say(self, trouble: str) -> None:
        self.facts = msgspec.structs.replace(self.facts, trouble=trouble)


def _opened(config: CameraConfig, trigger: TriggerConfig, clock: RigClock) -> Camera:
    if config.driver in drivers.DRIVERS:
        return LiveCamera(drivers.open_device(config, trigger), config, clock, own_numbers())
    if config.driver == "file":
        return FileCamera(config)
    raise CameraError(f"{config.name}: driver {config.driver!r} has no live picture")


def site(watched: Sequence[Watched], files: Path) -> FastAPI:
    """The built page, ``/facts`` as JSON, and ``/picture/CAMERA`` as JPEG."""
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    by_name = {one.facts.camera: one for one in watched}

    @application.get("/")
    def page() -> FileResponse:
        return FileResponse(files / "preview.html", headers=HEADERS)

    @application.get("/facts")
    def facts() -> Response:
        told = msgspec.json.encode([one.facts for one in watched])
        return Response(told, media_type="application/json", headers=HEADERS)

    @application.get("/picture/{camera}")
    def picture(camera: str) -> Response:
        jpeg = by_name[camera].jpeg() if camera in by_name else None
        if jpeg is None:
            return Response(status_code=404, headers=HEADERS)
        return Response(jpeg, media_type="image/jpeg", headers=HEADERS)

    application.mount("/", Files(directory=files))
    return application


@contextmanager
def previewing(
    cameras: Sequence[CameraConfig], trigger: TriggerConfig, host: str, port: int
) -> Iterator[str]:
    """Serve the page of some cameras; gives its address.

    Raises:
        ConfigError: no free port.
        BundleError: the page cannot be built.
    """
    files = bundle.build()
    clock = wall_clock()
    watched = [Watched(one, trigger, clock) for one in cameras]
    try:
        with bind(host, port) as listening, serving(site(watched, files), listening, Hub()):
            yield url_of(listening)
    finally:
        for one in watched:
            one.end()
