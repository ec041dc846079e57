"""Driver ``rtsp``: network cameras, their bitstream untouched, their frames at the camera's time.

RTP carries a clock that begins anywhere; sender reports (RFC 3550, 6.4.1) relate it to the camera's
wall clock, about every five seconds. Before the first one frames are timed on arrival.
"""

import logging
import statistics
import time
from collections import deque
from collections.abc import Iterator
from itertools import pairwise

from capture import bitstream
from capture.camera import Lost, Noted, StreamFormat
from capture.decoding import TORN, Decoder
from capture.device import IDLE_S, DeviceEvent, DeviceFormat, Exposed, FoundDevice, Pictured
from capture.rtsp_link import OPEN_S, AccessUnit, Connection, Failed, Link, place
from core import wall_time
from core.camera_config import CameraConfig, TriggerConfig
from core.errors import CameraError
from core.wall_time import WallClock

HOST_UNCERTAINTY_NS = 200_000_000
"""Of a frame timed on arrival: cameras take 50 to 300 ms to compress and send one."""
GIVE_UP_S = 30.0
_RATE_FRAMES = 10
_STEPS = 9
_TICKS_HZ = 1e6
_log = logging.getLogger(__name__)


class RtspDevice:
    """An open connection. It is made anew whenever it breaks, for ``GIVE_UP_S``."""

    def __init__(self, config: CameraConfig) -> None:
        self._name, self._config = config.name, config.rtsp
        self._place = _checked_place(config)
        self._link = Link(config.rtsp)
        self._serial, self._frame_id, self._last_ns = 0, 0, 0
        self._wall, self._failure = WallClock(), "nothing comes"
        try:
            first = self._first_frames()
        except CameraError:
            self._link.close()
            raise
        self._format = self._read_back(first)

    @property
    def format(self) -> DeviceFormat:
        """What it delivers."""
        return self._format

    def events(self) -> Iterator[DeviceEvent]:
        """Yield each frame at its arrival, then its picture."""
        self._link.keep_all()
        self._catch_up()
        self._last_ns = time.monotonic_ns()
        while True:
            read = self._link.get(IDLE_S)
            if isinstance(read, AccessUnit):
                yield from self._unit(read)
            else:
                self._failure = read.says if read else self._failure
                self._give_up_after(GIVE_UP_S)
                yield None

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def _first_frames(self) -> list[AccessUnit]:
        """Wait for enough frames to know size and rate from."""
        units: list[AccessUnit] = []
        self._last_ns = time.monotonic_ns()
        while len(units) < _RATE_FRAMES or not all(self._decoder.size_px):
            read = self._link.get(IDLE_S)
            if isinstance(read, Failed):
                raise CameraError(
                    f"{self._name}: {self._place}: {read.says}; check address, user and password,"
                    " that the camera is on, and that nobody else uses up its streams"
                )
            if read is None:
                self._give_up_after(OPEN_S)
                continue
            if not units:
                self._begin(read.connection)
            elif len(units) > _RATE_FRAMES:
                self._give_up_after(OPEN_S)
            units.append(read)
            self._prime(read)
        return units

    def _begin(self, connection: Connection) -> None:
        self._connection, self._first_pts = connection, None
        self._steps: deque[int] = deque(maxlen=_STEPS)
        self._last_pts: int | None = None
        self._lossy = self._config.transport == "udp"
        self._decoder = Decoder(connection.codec, connection.extradata, lossy=self._lossy)
        self._wall = WallClock()

    def _read_back(self, units: list[AccessUnit]) -> DeviceFormat:
        connection, modelled = units[0].connection, self._config.clock == "modelled"
        time_base_s, said_hz = connection.time_base_s, connection.said_hz
        steps = [float(b.pts - a.pts) for a, b in pairwise(units) if b.connection is a.connection]
        measured_hz = 1.0 / max(1e-3, statistics.median(steps) * float(time_base_s))
        says_true = 0.9 < said_hz / measured_hz < 1.1
        width_px, height_px = self._decoder.size_px
        stream = StreamFormat(
            driver="rtsp",
            codec=connection.codec,
            extradata=connection.extradata,
            width_px=width_px,
            height_px=height_px,
            rate_hz=said_hz if says_true else round(measured_hz, 2),
            time_base_s=time_base_s.as_integer_ratio(),
            time_origin="hardware" if modelled else "driver",
            time_uncertainty_ns=round(self._config.clock_uncertainty_ms * 1e6),
        )
        return DeviceFormat(stream, _TICKS_HZ if modelled else 0.0, gap_cause="network")

    def _prime(self, unit: AccessUnit) -> None:
        """Let the decoder see a frame that nobody wants any more."""
        if unit.connection.number == self._connection.number:
            self._first_pts = unit.pts if self._first_pts is None else self._first_pts
            self._decoder.missing_before(unit.payload)
            for _ in self._decoder.feed(-1, unit.payload):
                pass

    def _catch_up(self) -> None:
        """Pass over what came before the start; decode it as far as what follows hangs on it."""
        waiting = [self._link.get(0.0) for _ in range(self._link.waiting())]
        since_keyframe: list[AccessUnit] = []
        for read in waiting:
            if isinstance(read, AccessUnit):
                keyframe = bitstream.is_keyframe(read.connection.codec, read.payload)
                since_keyframe = [read] if keyframe else [*since_keyframe, read]
        for unit in since_keyframe:
            self._prime(unit)

    def _unit(self, unit: AccessUnit) -> Iterator[DeviceEvent]:
        keyframe = bitstream.is_keyframe(unit.connection.codec, unit.payload)
        if unit.connection.number != self._connection.number:
            if not keyframe:
                self._give_up_after(GIVE_UP_S)
                return
            yield from self._connected_again(unit)
        missing = self._decoder.missing_before(unit.payload) or self._missing_by_clock(unit)
        if missing:
            yield from self._lost(missing, "missing in the stream")
        self._last_ns = unit.received_ns
        self._serial += 1
        self._frame_id += 1
        objection = self._judge(unit)
        if objection:
            yield Noted(objection)
        yield self._exposed(unit, keyframe, believed=not objection)
        yield from self._pictures(self._serial, unit.payload)

    def _missing_by_clock(self, unit: AccessUnit) -> int:
        """Frames lost before this one of a stream that does not number them, by its clock's step;
        a camera that slows down in the dark is taken for one that loses for a few frames."""
        last, self._last_pts = self._last_pts, unit.pts
        if not self._lossy or unit.connection.codec == "h264" or last is None:
            return 0
        usual = statistics.median(self._steps) if len(self._steps) == _STEPS else 0
        self._steps.append(unit.pts - last)
        missing = round((unit.pts - last) / usual) - 1 if usual > 0 else 0
        if missing > 0:
            self._decoder.hang(TORN)
        return max(0, missing)

    def _connected_again(self, unit: AccessUnit) -> Iterator[DeviceEvent]:
        codec, before = unit.connection.codec, self._format.stream.codec
        if codec != before:
            raise CameraError(f"{self._name}: sends {codec} now and sent {before} before")
        self._begin(unit.connection)
        silent_s = (unit.received_ns - self._last_ns) * 1e-9
        missing = round(silent_s * self._format.stream.rate_hz) - 1
        if missing > 0:
            yield from self._lost(missing, "connection lost")

    def _lost(self, count: int, says: str) -> Iterator[Lost]:
        self._frame_id += count
        yield Lost("network", count, says)

    def _judge(self, unit: AccessUnit) -> str:
        """Hold the camera's clock against the arrival; say why it is not believed."""
        if unit.wall_ns is None or self._config.clock == "modelled":
            return ""
        delay_ns = unit.received_ns - (unit.wall_ns - unit.connection.wall_offset_ns)
        tolerance_ns = round(self._config.clock_uncertainty_ms * 1e6)
        slowest_ns = round(self._config.slowest_ms * 1e6)
        before = self._wall.objection
        self._wall = wall_time.step(self._wall, delay_ns, tolerance_ns, slowest_ns)
        if self._wall.objection and self._wall.objection != before:
            _log.warning(
                "%s: by the camera's clock a frame arrives %.3f s after it was taken: the clock is"
                " %s. Let camera and host take their time from the same NTP server, or set"
                ' rtsp.clock = "modelled"; until then frames are timed on arrival',
                *(self._name, delay_ns * 1e-9, self._wall.objection),
            )
        return f"clock not believed: {self._wall.objection}" if self._wall.objection else ""

    def _exposed(self, unit: AccessUnit, keyframe: bool, *, believed: bool) -> Exposed:
        modelled, wall_ns = self._config.clock == "modelled", unit.wall_ns
        known = not modelled and believed and wall_ns is not None
        host_ns = HOST_UNCERTAINTY_NS
        return Exposed(
            serial=self._serial,
            received_ns=unit.received_ns,
            ticks=self._ticks(unit) if modelled else None,
            taken_ns=wall_ns - unit.connection.wall_offset_ns if known and wall_ns else None,
            uncertainty_ns=round(self._config.clock_uncertainty_ms * 1e6) if known else host_ns,
            frame_id=self._frame_id,
            payload=unit.payload,
            keyframe=keyframe,
            pts=unit.pts,
            dts=unit.pts,
        )

    def _ticks(self, unit: AccessUnit) -> int:
        """Microseconds since the connection began; a later connection begins before all others,
        so that nobody takes its clock for a continued one."""
        if self._first_pts is None:
            self._first_pts = unit.pts
        since = (unit.pts - self._first_pts) * unit.connection.time_base_s
        return round(since * round(_TICKS_HZ)) - unit.connection.number

    def _pictures(self, serial: int, payload: bytes) -> Iterator[DeviceEvent]:
        if self._link.waiting() > self._format.stream.rate_hz * 0.5:
            yield self._decoder.skip(serial)
            return
        for event in self._decoder.feed(serial, payload):
            if isinstance(event, Pictured):
                self._same_size()
            yield event

    def _same_size(self) -> None:
        now_px, stream = self._decoder.size_px, self._format.stream
        if now_px != (stream.width_px, stream.height_px):
            raise CameraError(
                f"{self._name}: pictures are {now_px[0]}x{now_px[1]} now and were"
                f" {stream.width_px}x{stream.height_px} before; set the camera to one size"
            )

    def _give_up_after(self, limit_s: float) -> None:
        if time.monotonic_ns() - self._last_ns > limit_s * 1e9:
            raise CameraError(
                f"{self._name}: {self._place}: no picture for {limit_s:.0f} s ({self._failure});"
                " is the camera on, can it be reached, does it send a keyframe every few seconds?"
            )


def _checked_place(config: CameraConfig) -> str:
    """Return the address without the password."""
    try:
        if config.rtsp.url.startswith(("rtsp://", "rtsps://")):
            return place(config.rtsp.url)
    except ValueError:  # no text of it goes on: it would hold the password
        pass
    raise CameraError(
        f"{config.name}: rtsp.url is no address; write rtsp://user:password@host:port/path, with"
        " %40 for an @ in the password"
    )


def open_device(config: CameraConfig, trigger: TriggerConfig) -> RtspDevice:
    """Connect to a network camera and wait for its first picture.

    Raises:
        CameraError: it cannot be reached, lets nobody in, or sends no video we can read.
    """
    del trigger  # ``capture.drivers`` lets nothing else through
    return RtspDevice(config)


def found() -> list[FoundDevice]:
    """Nothing: a network camera has an address, it is not looked for."""
    return []
