"""Devices with clocks of their own behind a way with queues: clock pairs whose truth is known."""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.device_clock import DeviceClock
from core.jit import F64

I64 = NDArray[np.int64]
Delay = Literal["exponential", "gamma", "uniform", "normal"]
_START_NS = 1_700_000_000_000_000_000
CLOCKS = (
    DeviceClock(1e6, wraps_at=2**32),
    DeviceClock(90_000.0, wraps_at=2**32),
    DeviceClock(1e9),
    DeviceClock(1e9, wraps_at=2**32),
)
"""A counter of microseconds, RTP's of video, one of nanoseconds, and one that wraps each 4.3 s."""


class ClockScene(msgspec.Struct, frozen=True):
    """One device, its clock, and its way to the host."""

    device: DeviceClock = CLOCKS[0]
    seconds: float = 180.0
    rate_hz: float = 60.0
    drift_ppm: float = 0.0
    wander_ppm_per_s: float = 0.0
    """The rate goes up by so much in the first minute and stays."""
    delay: Delay = "exponential"
    """gamma: of shape 2, few short ones; normal: with a standard deviation of a quarter of the
    mean."""
    mean_delay_ms: float = 5.0
    burst_ms: float = 50.0
    """The height of a queue that is drained within 0.3 s."""
    bursts_per_minute: float = 6.0
    loss: float = 0.01
    wrap_after_s: float = 20.0
    restart_s: float = 0.0
    """The device restarts here, is gone for 3 s and counts from near 0; 0: never."""
    step_s: float = 0.0
    step_ms: float = 0.0
    """The device's clock leaps here."""
    bend_s: float = 0.0
    bend_ppm: float = 0.0
    """Its rate changes here."""


class ClockPairs(msgspec.Struct, frozen=True):
    """What the host sees, and the truth."""

    ticks: I64  # (T,)
    host_ns: I64  # (T,)
    t_ns: I64  # (T,) truth
    life: I64  # (T,) 0, and 1 after the device's restart

    def pairs(self) -> list[tuple[int, int]]:
        """As the clock model takes them."""
        return list(zip(self.ticks.tolist(), self.host_ns.tolist(), strict=True))


def pairs_of(scene: ClockScene, seed: int) -> ClockPairs:
    """Frames of one device in the order of arrival."""
    rng = np.random.default_rng(seed)
    s = np.arange(round(scene.seconds * scene.rate_hz)) / scene.rate_hz + rng.uniform(0, 1)
    s = s[rng.random(len(s)) >= scene.loss]
    away = (s >= scene.restart_s) & (s < scene.restart_s + 3) & (scene.restart_s > 0)
    s = s[~away]
    life = ((scene.restart_s > 0) & (s >= scene.restart_s)).astype(np.int64)
    delay_s = (_delays_ms(scene, len(s), rng) + _queues_ms(scene, s, rng)) * 1e-3
    t_ns = np.round(s * 1e9).astype(np.int64)
    host_ns = np.maximum.accumulate(t_ns + np.round(delay_s * 1e9).astype(np.int64))
    ticks = _ticks(scene, s, life, rng)
    shift_ns = _START_NS + scene.device.least_delay_ns
    return ClockPairs(ticks, host_ns + shift_ns, t_ns + _START_NS, life)


def _delays_ms(scene: ClockScene, n: int, rng: np.random.Generator) -> F64:
    mean = scene.mean_delay_ms
    return {
        "exponential": lambda: rng.exponential(mean, n),
        "gamma": lambda: rng.gamma(2.0, mean / 2, n),
        "uniform": lambda: rng.uniform(0, 2 * mean, n),
        "normal": lambda: np.maximum(rng.normal(mean, mean / 4, n), 0),
    }[scene.delay]()


def _queues_ms(scene: ClockScene, s: F64, rng: np.random.Generator) -> F64:
    n = rng.poisson(scene.bursts_per_minute * scene.seconds / 60)
    since_s = s - rng.uniform(s[0], s[-1], (n, 1))
    queues = np.where(since_s >= 0, np.maximum(1 - since_s / 0.3, 0), 0)
    return scene.burst_ms * queues.sum(axis=0)


def _ticks(scene: ClockScene, s: F64, life: I64, rng: np.random.Generator) -> I64:
    """The counter at each capture; it wraps at the time the scene says."""
    wander_s = scene.wander_ppm_per_s * (np.minimum(s, 60) * s - np.minimum(s, 60) ** 2 / 2)
    bend_s = scene.bend_ppm * np.where(scene.bend_s > 0, np.maximum(s - scene.bend_s, 0), 0)
    own_s = s + 1e-6 * (scene.drift_ppm * s + wander_s + bend_s)
    own_s += 1e-3 * scene.step_ms * ((scene.step_s > 0) & (s >= scene.step_s))
    hz, wraps_at = scene.device.ticks_hz, scene.device.wraps_at
    first = (wraps_at - round(scene.wrap_after_s * hz)) % wraps_at if wraps_at else 2**61
    begun_s = np.where(life == 1, scene.restart_s + 3 - rng.uniform(0.2, 1), 0)
    ticks = np.floor((own_s - begun_s) * hz).astype(np.int64) + np.where(life == 1, 0, first)
    return ticks % wraps_at if wraps_at else ticks
