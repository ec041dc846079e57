"""A device as a camera: its exposures with times on the rig clock, numbered, checked, recorded.

The one place where the raw time of a device becomes the capture time of a frame: by the clock model
where the device has a clock, by the system where that knows it, by the arrival where nothing else
is known. Every frame carries which of these it was and how far off it may be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import simplejpeg

from capture.camera import (
    CameraEvent,
    CapturedFrame,
    ClockPair,
    CompressedPacket,
    FrameTime,
    Lost,
    StreamFormat,
)
from capture.clock import RigClock
from capture.device import U8, Device, Exposed, Pictured, Spoilt
from capture.numbers import FrameNumbers
from capture.pixels import shrunk
from core import arrivals, timebase
from core.arrivals import Arrivals
from core.camera_config import CameraConfig
from core.timebase import ClockModel, DeviceClock

_PENDING = 64  # exposures whose picture has not come: a decoder holds a few


@dataclass(frozen=True, slots=True)
class _Taken:
    """An exposure that was let through, while its picture is on the way."""

    frame: int
    t_ns: int
    time: FrameTime
    raw: bool


class LiveCamera:
    """Delivers what a device exposes, from the rig's start on."""

    def __init__(
        self, device: Device, config: CameraConfig, clock: RigClock, numbers: FrameNumbers
    ) -> None:
        self._device, self._config, self._clock = device, config, clock
        self._events = device.events()
        self._numbers = numbers
        self._model, self._arrivals = ClockModel(), Arrivals()
        self._pending: dict[int, _Taken] = {}
        self._epoch = 0
        self._lead: list[tuple[Exposed, int, FrameTime]] = []
        self._told = 0
        given = device.format
        self._device_clock = DeviceClock(
            ticks_hz=given.ticks_hz or 1e9,
            wraps_at=given.ticks_wrap_at,
            least_delay_ns=round(config.least_delay_ms * 1e6),
        )

    @property
    def format(self) -> StreamFormat:
        """What it delivers; raw pixels are recorded as JPEG."""
        stream = self._device.format.stream
        raw = stream.codec == "rawvideo" and self._config.record_raw == "jpeg"
        return replace(stream, codec="mjpeg") if raw else stream

    def prepare(self) -> None:
        """Nothing: the device runs already."""

    def settle(self, done: Callable[[], bool]) -> None:
        """Take frames and learn the device's clock from them until ``done``; none is handed on."""
        for event in self._events:
            if isinstance(event, Exposed) and not self._objection(event):
                t_ns, time = self._time(event)
                if not self._let_by(event, t_ns, time):
                    self._keep_lead(event, t_ns, time)
            if done():
                return

    def events(self, start_ns: int, now_ns: int) -> Iterator[CameraEvent]:
        """Yield frames as they come; those taken before the rig's start are passed over."""
        self._numbers.begin(now_ns - start_ns, self.format.rate_hz)
        for event in self._events:
            match event:
                case Exposed():
                    yield from self._exposed(event, start_ns)
                case Pictured():
                    yield from self._pictured(event)
                case Spoilt():
                    if self._pending.pop(event.serial, None):
                        yield Lost(event.cause, 1, event.says)
                case Lost():
                    self._told += event.count if event.cause != "decode" else 0
                    yield event
                case _:
                    yield event

    def close(self) -> None:
        """Release the device."""
        self._device.close()

    def _objection(self, event: Exposed) -> str:
        return arrivals.raw_objection(self._arrivals, event.frame_id, event.ticks)

    def _let_by(self, event: Exposed, t_ns: int, time: FrameTime) -> str:
        """Why a frame is turned away by its time; remember it in any case that it may count."""
        said = arrivals.objection(self._arrivals, t_ns, time.received_ns, time.uncertainty_ns)
        if event.ticks is not None and timebase.is_refused(self._model):
            said = "time does not fit"
        if said not in ("from the future", "time does not fit"):
            newest_ns = max(t_ns, self._arrivals.t_ns)
            self._arrivals = Arrivals(newest_ns, event.frame_id, event.ticks)
        return said

    def _exposed(self, event: Exposed, start_ns: int) -> Iterator[CameraEvent]:
        if said := self._objection(event):
            yield Lost("device", 1, said)
            return
        gap = arrivals.missing(self._arrivals, event.frame_id)
        if gap > self._told:  # what the driver told of already is not told again
            yield Lost(self._device.format.gap_cause, gap - self._told)
        self._told = 0
        t_ns, time = self._time(event)
        if event.ticks is not None:
            clock = self._device_clock
            yield ClockPair(
                event.ticks, time.received_ns, clock.ticks_hz, clock.wraps_at, self._epoch
            )
        if said := self._let_by(event, t_ns, time):
            yield Lost("device", 1, said)
        elif t_ns < start_ns:
            self._keep_lead(event, t_ns, time)
        else:
            if not event.keyframe:
                yield from self._lead_packets()
            self._lead.clear()
            yield from self._take(event, t_ns, time, gap)

    def _keep_lead(self, event: Exposed, t_ns: int, time: FrameTime) -> None:
        """Keep what a recording must begin with: from the last key frame before the start."""
        if event.keyframe:
            self._lead.clear()
        if event.payload and (event.keyframe or self._lead):
            self._lead.append((event, t_ns, time))

    def _lead_packets(self) -> Iterator[CompressedPacket]:
        for event, t_ns, time in self._lead:
            yield self._packet(_Taken(self._numbers.next_frame(), t_ns, time, False), event)

    def _take(self, event: Exposed, t_ns: int, time: FrameTime, gap: int) -> Iterator[CameraEvent]:
        frame = self._numbers.next_frame(1 + gap)
        self._pending[event.serial] = _Taken(frame, t_ns, time, not event.payload)
        if len(self._pending) > _PENDING:
            self._pending.pop(next(iter(self._pending)))
            yield Lost("decode", 1, "no picture")
        if event.payload:
            yield self._packet(self._pending[event.serial], event)

    def _time(self, event: Exposed) -> tuple[int, FrameTime]:
        """Middle of the exposure on the rig clock."""
        middle_ns, end_ns = self._from_reference_ns(event.exposure_ns)
        received_ns = self._clock.at_ns(event.received_ns)
        if event.ticks is not None:
            self._model, capture = timebase.step(
                self._model, event.ticks, event.received_ns - end_ns, self._device_clock
            )  # nothing comes before the shutter has closed
            self._epoch = capture.epoch
            t_ns, origin, uncertainty_ns = capture.t_ns, "hardware", capture.uncertainty_ns
        elif event.taken_ns is not None:
            t_ns, origin, uncertainty_ns = event.taken_ns, "driver", event.uncertainty_ns
        else:
            t_ns = event.received_ns - round(self._config.least_delay_ms * 1e6)
            origin, uncertainty_ns = "host", event.uncertainty_ns
        uncertainty_ns += self._clock.uncertainty_ns
        return self._clock.at_ns(t_ns + middle_ns), FrameTime(origin, uncertainty_ns, received_ns)

    def _from_reference_ns(self, exposure_ns: int) -> tuple[int, int]:
        """From the moment that the device's time means to the middle and the end of exposure."""
        before_middle = {"start": exposure_ns // 2, "middle": 0, "end": -(exposure_ns // 2)}
        middle_ns = before_middle[self._config.exposure_reference]
        return middle_ns, middle_ns + exposure_ns - exposure_ns // 2

    def _packet(self, taken: _Taken, event: Exposed) -> CompressedPacket:
        return CompressedPacket(
            packet=self._numbers.next_packet(),
            frame=taken.frame,
            t_ns=taken.t_ns,
            payload=event.payload,
            keyframe=event.keyframe,
            pts=event.pts,
            dts=event.dts,
            time=taken.time,
        )

    def _pictured(self, event: Pictured) -> Iterator[CameraEvent]:
        taken = self._pending.pop(event.serial, None)
        if taken is None:
            return
        reduce = self._config.reduce
        if taken.raw and self._config.record_raw == "jpeg":
            whole = event.picture(1)
            if whole.shape[:2] != (self.format.height_px, self.format.width_px):
                yield Lost("device", 1, "wrong size")
                return
            small = shrunk(whole, reduce)
            yield CapturedFrame(taken.frame, taken.t_ns, lambda: small, taken.time)
            yield self._as_jpeg(taken, whole)
        else:
            picture = event.picture
            yield CapturedFrame(taken.frame, taken.t_ns, lambda: picture(reduce), taken.time)

    def _as_jpeg(self, taken: _Taken, picture: U8) -> CompressedPacket:
        payload = simplejpeg.encode_jpeg(
            picture, self._config.jpeg_quality, colorspace="BGR", colorsubsampling="420"
        )
        packet = self._numbers.next_packet()
        return CompressedPacket(
            packet, taken.frame, taken.t_ns, payload, True, packet, packet, taken.time
        )
