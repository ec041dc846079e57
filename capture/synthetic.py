"""A device that renders a walker whose truth is known, with a clock, a queue and faults of its own.

All synthetic cameras of a host see the same person at the same time: exposures lie on a grid of the
host's monotonic clock, and the person is where ``truth_m`` says at that moment.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.camera import StreamFormat
from capture.device import IDLE_S, DeviceEvent, DeviceFormat, Exposed, FoundDevice, Pictured
from core import synthetic
from core.camera_config import CameraConfig, Misbehaviour, SyntheticConfig, TriggerConfig
from core.cameras import CameraModel
from core.errors import CameraError
from core.synthetic_pictures import reduced, render, with_large_head

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

TICKS_HZ = 1e8
WRAPS_AT = 2**32
_EACH = 10  # frames from one fault to the next
_OFF_NS = 2_000_000_000  # of frames that are old or from the future


def models(config: SyntheticConfig) -> list[CameraModel]:
    """Cameras of the ring, with pictures of the size that is delivered."""
    ring = synthetic.models(synthetic.ring(config.n_cameras))
    return [reduced(one, config.smaller) for one in ring]


def truth_m(monotonic_ns: int) -> F64:
    """Keypoints (1, 26, 3) of the walker at a time of the host's monotonic clock."""
    t_s = monotonic_ns * 1e-9
    place_m = np.array([np.sin(t_s), -np.cos(t_s)])
    return with_large_head(synthetic.at(t_s, place_m, t_s))[None]


def open_device(config: CameraConfig, trigger: TriggerConfig) -> "SyntheticDevice":
    """Begin to deliver; CameraError when there is no such place in the ring."""
    del trigger  # phase 0 is a trigger
    if config.synthetic.place >= config.synthetic.n_cameras:
        raise CameraError(
            f"{config.name}: place {config.synthetic.place} in a ring of "
            f"{config.synthetic.n_cameras} cameras; places count from 0"
        )
    return SyntheticDevice(config.synthetic)


def found() -> list[FoundDevice]:
    """None that is connected: it can be had at any time."""
    return []


@dataclass(frozen=True, slots=True)
class _Frame:
    """One exposure on its way to the host."""

    frame_id: int
    middle_ns: int
    """Truth, monotonic clock."""
    arrives_ns: int
    fault: Misbehaviour | None


class SyntheticDevice:
    """See the module."""

    def __init__(self, config: SyntheticConfig) -> None:
        self._config = config
        self._model = models(config)[config.place]
        self._rng = np.random.default_rng((config.seed, config.place))
        self._began_ns = time.monotonic_ns()
        self._arrived_ns = 0
        self._serial = 0
        self.format = DeviceFormat(
            StreamFormat(
                driver="synthetic",
                codec="rawvideo",
                extradata=b"",
                width_px=self._model.width_px,
                height_px=self._model.height_px,
                rate_hz=config.rate_hz,
                time_base_s=(1, round(TICKS_HZ)),
                time_origin="hardware",
                time_uncertainty_ns=1_000_000,
            ),
            ticks_hz=TICKS_HZ,
            ticks_wrap_at=WRAPS_AT,
        )

    def events(self) -> Iterator[DeviceEvent]:
        """Yield each frame when it arrives."""
        period_ns = 1e9 / self._config.rate_hz
        frame_id = int(time.monotonic_ns() // period_ns) + 1
        while True:
            frame = self._frame(frame_id, round(frame_id * period_ns))
            frame_id += 1
            if self._rng.random() < self._config.lose:
                continue
            while (left_s := (frame.arrives_ns - time.monotonic_ns()) * 1e-9) > 0:
                time.sleep(min(left_s, IDLE_S))
                if left_s > IDLE_S:
                    yield None
            yield from self._delivered(frame)

    def close(self) -> None:
        """Nothing is open."""

    def _frame(self, frame_id: int, on_grid_ns: int) -> _Frame:
        middle_ns = on_grid_ns + round(self._config.phase_ms * 1e6)
        out_ns = middle_ns + round(
            (0.5 * self._config.exposure_ms + self._config.transport_ms) * 1e6
        )
        queue_ns = round(self._rng.exponential(self._config.queue_ms * 1e6))
        self._arrived_ns = max(self._arrived_ns, out_ns + queue_ns)  # a queue keeps its order
        faults = self._config.misbehaves
        turn, rest = divmod(frame_id, _EACH)
        fault = faults[turn % len(faults)] if faults and rest == 0 else None
        return _Frame(frame_id, middle_ns, self._arrived_ns, fault)

    def _delivered(self, frame: _Frame) -> Iterator[DeviceEvent]:
        begin_ns = frame.middle_ns - round(self._config.exposure_ms * 0.5e6)
        frame_id = frame.frame_id
        if frame.fault == "old":
            begin_ns -= _OFF_NS
        elif frame.fault == "future":
            begin_ns += _OFF_NS
        elif frame.fault == "out of order":
            frame_id -= 2
        yield self._exposed(frame_id, begin_ns)
        yield Pictured(self._serial, lambda reduce: self._picture(frame, reduce))
        if frame.fault == "doubled":
            yield self._exposed(frame_id, begin_ns)

    def _exposed(self, frame_id: int, begin_ns: int) -> Exposed:
        self._serial += 1
        rate = 1 + self._config.drift_ppm * 1e-6
        ticks = round((begin_ns - self._began_ns) * 1e-9 * TICKS_HZ * rate) + WRAPS_AT // 2
        return Exposed(
            serial=self._serial,
            received_ns=time.monotonic_ns(),
            ticks=ticks % WRAPS_AT,
            frame_id=frame_id,
            exposure_ns=round(self._config.exposure_ms * 1e6),
        )

    def _picture(self, frame: _Frame, reduce: int) -> U8:
        picture = render(reduced(self._model, reduce), truth_m(frame.middle_ns)).picture
        half = picture.shape[0] // 2
        return np.ascontiguousarray(picture[:half]) if frame.fault == "wrong size" else picture
