"""The loop of one capture process: packets and pictures, each at its time."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from capture.camera import (
    Camera,
    CapturedFrame,
    ClockPair,
    CompressedPacket,
    FrameTime,
    Lost,
    Noted,
)
from capture.clock import RigClock
from capture.ring import RingWriter
from core.camera_config import CameraConfig
from core.messages import CameraStatus, ClockSample, FrameDescriptor, Message, Packet
from core.timebase import grid_cell

_SECOND_NS = 1_000_000_000
_WAIT_FOR_READER_S = 0.001


@dataclass
class CaptureLoop:
    """Plays one camera. ``counts`` and ``drops`` say what became of each frame:
    frames = delivered + all drops."""

    camera: Camera
    config: CameraConfig
    ring: RingWriter | None
    """None: only its packets are handed on, no pictures."""
    clock: RigClock
    publish: Callable[[str, Message], None]
    stop: threading.Event
    counts: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    idle: Callable[[], None] = lambda: None
    """Called while nothing comes."""
    _pairs: list[ClockPair] = field(default_factory=list)
    _time: FrameTime | None = None
    """Of the newest frame."""
    _cell: int = -1
    _status_ns: int = 0

    def run(self, start_ns: int) -> None:
        """Publish until the camera ends or we are told to stop."""
        self._say_status(self.clock.now_ns(), ended=False)
        for event in self.camera.events(start_ns, self.clock.now_ns()):
            match event:
                case CompressedPacket():
                    self._take_packet(event)
                case CapturedFrame():
                    if not self._wait_for(event):
                        break
                    self._take_frame(event)
                case Lost():
                    self.drops[f"{event.cause}: {event.says}"] += event.count
                    self.counts["frames"] += event.count
                case Noted():
                    self.counts[event.says] += 1
                case ClockPair():
                    self._pairs.append(event)
                case None:
                    self.idle()
            if self.stop.is_set():
                break
        self._say_status(self.clock.now_ns(), ended=True)

    def _wait_for(self, frame: CapturedFrame) -> bool:
        """Wait for a frame's time, or for a reader when nothing may be lost; False to stop."""
        if not self.config.lossless:
            return not self.stop.wait(max(0, frame.t_ns - self.clock.now_ns()) * 1e-9)
        while self.ring and self.ring.free_slots() <= 0:
            if self.stop.wait(_WAIT_FOR_READER_S):
                return False
        return not self.stop.is_set()

    def _take_packet(self, packet: CompressedPacket) -> None:
        time = packet.time or self._usual_time(packet.t_ns)
        self.publish(
            "packet",
            Packet(
                t_ns=packet.t_ns,
                camera=self.config.name,
                frame=packet.frame,
                packet=packet.packet,
                payload=packet.payload,
                keyframe=packet.keyframe,
                pts=packet.pts,
                dts=packet.dts,
                time_origin=time.origin,
                time_uncertainty_ns=time.uncertainty_ns,
            ),
        )

    def _take_frame(self, frame: CapturedFrame) -> None:
        now_ns = self.clock.now_ns()
        self._time = frame.time
        self.counts["frames"] += 1
        if now_ns - self._status_ns >= _SECOND_NS:
            self._say_status(now_ns, ended=False)
            self._say_clock(frame, now_ns)
        if self.ring is None:
            self.counts["delivered"] += 1
            return
        reason = self._reason_to_drop(frame, now_ns)
        if reason:
            self.drops[reason] += 1
        else:
            self._deliver(frame, now_ns, self.ring)

    def _reason_to_drop(self, frame: CapturedFrame, now_ns: int) -> str:
        if self.config.deliver_hz:
            cell = grid_cell(frame.t_ns, self.config.deliver_hz)
            if cell == self._cell:
                return "decimated"
            self._cell = cell
        late = now_ns - frame.t_ns > self.config.too_late_ms * 1e6 and not self.config.lossless
        return "late" if late else ""

    def _deliver(self, frame: CapturedFrame, received_ns: int, ring: RingWriter) -> None:
        picture = frame.picture()
        stream, time = self.camera.format, frame.time or self._usual_time(received_ns)
        if picture.shape[:2] != (
            stream.height_px // self.config.reduce,
            stream.width_px // self.config.reduce,
        ):
            self.drops["device: wrong size"] += 1
            return
        slot, lock = ring.write(picture)
        self.counts["delivered"] += 1
        self.publish(
            "frame",
            FrameDescriptor(
                t_ns=frame.t_ns,
                stamps={"received": time.received_ns, "in_ring": self.clock.now_ns()},
                camera=self.config.name,
                frame=frame.frame,
                ring=ring.path.name,
                slot=slot,
                lock=lock,
                width_px=picture.shape[1],
                height_px=picture.shape[0],
                full_width_px=stream.width_px,
                full_height_px=stream.height_px,
                time_origin=time.origin,
                time_uncertainty_ns=time.uncertainty_ns,
            ),
        )

    def _usual_time(self, received_ns: int) -> FrameTime:
        stream = self.camera.format
        return FrameTime(stream.time_origin, stream.time_uncertainty_ns, received_ns)

    def _say_status(self, now_ns: int, *, ended: bool) -> None:
        self._status_ns = now_ns
        stream, time = self.camera.format, self._time or self._usual_time(now_ns)
        self.publish(
            "camera",
            CameraStatus(
                t_ns=now_ns,
                camera=self.config.name,
                driver=stream.driver,
                codec=stream.codec,
                extradata=stream.extradata,
                width_px=stream.width_px,
                height_px=stream.height_px,
                rate_hz=stream.rate_hz,
                time_base_s=stream.time_base_s,
                time_origin=time.origin,
                time_uncertainty_ns=time.uncertainty_ns,
                ended=ended,
            ),
        )

    def _say_clock(self, frame: CapturedFrame, now_ns: int) -> None:
        rate_hz = self.camera.format.rate_hz
        pairs = self._pairs or [ClockPair(frame.frame, now_ns, rate_hz, 0, 0)]
        self._pairs = []
        last = pairs[-1]
        self.publish(
            "clock",
            ClockSample(
                t_ns=frame.t_ns,
                camera=self.config.name,
                device_ticks=np.array([one.ticks for one in pairs], "<i8").tobytes(),
                host_ns=np.array([one.received_ns for one in pairs], "<i8").tobytes(),
                device_hz=last.ticks_hz,
                wraps_at=last.wraps_at,
                epoch=last.epoch,
            ),
        )
