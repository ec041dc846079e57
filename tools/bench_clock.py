"""Errors of capture times on simulated devices, next to the time of receipt and a running minimum.

The simulated devices are in ``core/synthetic_clocks.py``. All methods are told which frames belong
to which life of a device, and the wraps, except ours, which has to find out.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from core.host_clock import HostClock, RoundTrip, hear, relation
from core.jit import F64
from core.synthetic_clocks import CLOCKS, ClockPairs, ClockScene, pairs_of
from core.timebase import CaptureTime, ClockModel, refit, step

SCENE = ClockScene(restart_s=90.0)
"""Three minutes with a wrap after 20 s and a restart half way."""
OTHERS: dict[str, ClockScene] = {
    "few short delays (gamma)": msgspec.structs.replace(SCENE, delay="gamma"),
    "uniform delays": msgspec.structs.replace(SCENE, delay="uniform"),
    "hardly any short delay (normal)": msgspec.structs.replace(SCENE, delay="normal"),
    "0.2 ms delays": msgspec.structs.replace(SCENE, mean_delay_ms=0.2, burst_ms=2.0),
    "30 ms delays": msgspec.structs.replace(SCENE, mean_delay_ms=30.0),
    "a burst each 2 s": msgspec.structs.replace(SCENE, bursts_per_minute=30.0),
    "15 Hz": msgspec.structs.replace(SCENE, rate_hz=15.0),
    "wander of 0.1 ppm/s": msgspec.structs.replace(SCENE, wander_ppm_per_s=0.1),
    "clock leaps by 20 ms": msgspec.structs.replace(SCENE, step_s=40.0, step_ms=20.0),
    "clock leaps by -10 ms": msgspec.structs.replace(SCENE, step_s=40.0, step_ms=-10.0),
    "rate falls by 40 ppm": msgspec.structs.replace(SCENE, bend_s=40.0, bend_ppm=-40.0),
}
_N_OTHERS = 12
_WINDOWS_S = (3.0, 30.0)
_AGES_S = ((0.0, 2.0), (2.0, 10.0), (10.0, 60.0), (60.0, np.inf))


class Run(msgspec.Struct, frozen=True):
    """One device: the age of each frame's relation, and what the methods are off; each (T,)."""

    age_s: F64
    errors_ms: dict[str, F64]
    stated_ms: dict[str, F64]
    us_per_frame: float
    epochs: int


def measure(n_devices: int) -> tuple[list[dict[str, float | str]], ...]:
    """Rows of the methods by age, of other scenes, and of host clocks."""
    devices = [run(scene_of(SCENE, seed), seed) for seed in range(n_devices)]
    return _methods(devices), _others(min(n_devices, _N_OTHERS)), _hosts(n_devices)


def scene_of(scene: ClockScene, seed: int) -> ClockScene:
    """A scene with a device of its own: one of four counters, up to 100 ppm off."""
    drift_ppm = np.random.default_rng((seed, 1)).uniform(-100, 100)
    device = CLOCKS[seed % len(CLOCKS)]
    return msgspec.structs.replace(scene, device=device, drift_ppm=drift_ppm)


def run(scene: ClockScene, seed: int) -> Run:
    """All methods on one device."""
    pairs = pairs_of(scene, seed)
    begun_s = time.process_time()
    online, epochs = _online(pairs, scene)
    us = (time.process_time() - begun_s) / len(online) * 1e6
    found = {"kinelive": online, "kinelive, afterwards": refit(pairs.pairs(), scene.device)}
    times_ns = {
        "time of receipt": pairs.host_ns - scene.device.least_delay_ns,
        **{
            f"running minimum, {seconds:g} s": _running_minimum_ns(pairs, scene, seconds)
            for seconds in _WINDOWS_S
        },
        **{name: np.array([one.t_ns for one in times]) for name, times in found.items()},
    }
    stated = {
        name: np.array([one.uncertainty_ns for one in times]) for name, times in found.items()
    }
    return Run(
        age_s=_age_s(pairs, scene),
        errors_ms={name: np.abs(t_ns - pairs.t_ns) * 1e-6 for name, t_ns in times_ns.items()},
        stated_ms={name: ns * 1e-6 for name, ns in stated.items()},
        us_per_frame=us,
        epochs=epochs + 1,
    )


def _online(pairs: ClockPairs, scene: ClockScene) -> tuple[list[CaptureTime], int]:
    model, times = ClockModel(), list[CaptureTime]()
    for ticks, host_ns in pairs.pairs():
        model, one = step(model, ticks, host_ns, scene.device)
        times.append(one)
    return times, model.epoch


def _age_s(pairs: ClockPairs, scene: ClockScene) -> F64:
    """Time since the first frame of the device's life, or since its clock leapt; (T,)."""
    t_s = (pairs.t_ns - pairs.t_ns[0]) * 1e-9
    begun_s = np.where(pairs.life == 1, t_s[np.argmax(pairs.life == 1)], 0.0)
    leapt = (scene.step_s > 0) & (t_s >= scene.step_s) & (pairs.life == 0)
    return t_s - np.where(leapt, scene.step_s, begun_s)


def _running_minimum_ns(pairs: ClockPairs, scene: ClockScene, seconds: float) -> np.ndarray:
    """Device time plus the least difference to the host's in the last seconds, without drift."""
    own_ns = np.empty(len(pairs.ticks), np.int64)
    for life in np.unique(pairs.life):
        mine = pairs.life == life
        ticks = [int(one) for one in pairs.ticks[mine]]
        wraps_at = scene.device.wraps_at
        passed = np.diff(ticks) % wraps_at if wraps_at else np.diff(ticks)
        own_ns[mine] = np.concatenate([[0.0], np.cumsum(passed) / scene.device.ticks_hz * 1e9])
    ahead_ns = (pairs.host_ns - scene.device.least_delay_ns - own_ns).tolist()
    least: deque[int] = deque()
    offset_ns = np.empty_like(own_ns)
    for i, ns in enumerate(ahead_ns):
        if i and pairs.life[i] != pairs.life[i - 1]:
            least.clear()
        while least and ahead_ns[least[-1]] >= ns:
            least.pop()
        least.append(i)
        while own_ns[i] - own_ns[least[0]] > seconds * 1e9:
            least.popleft()
        offset_ns[i] = ahead_ns[least[0]]
    return own_ns + offset_ns


def _methods(devices: list[Run]) -> list[dict[str, float | str]]:
    rows: list[dict[str, float | str]] = []
    for name in devices[0].errors_ms:
        for ages_s in _AGES_S:
            rows.append(_row(name, ages_s, devices))
    return rows


def _row(name: str, ages_s: tuple[float, float], devices: list[Run]) -> dict[str, float | str]:
    begin_s, end_s = ages_s
    within = [(one.age_s >= begin_s) & (one.age_s < end_s) for one in devices]
    errors_ms = {
        method: np.concatenate(
            [d.errors_ms[method][w] for d, w in zip(devices, within, strict=True)]
        )
        for method in (name, "kinelive")
    }
    p99_ms = float(np.quantile(errors_ms[name], 0.99))
    row: dict[str, float | str] = {
        "method": name,
        "age s": f"{begin_s:g} to {end_s:g}" if np.isfinite(end_s) else f"from {begin_s:g}",
        "median ms": float(np.median(errors_ms[name])),
        "p99 ms": p99_ms,
        "worst device p99 ms": max(
            float(np.quantile(d.errors_ms[name][w], 0.99))
            for d, w in zip(devices, within, strict=True)
        ),
        "ratio": p99_ms / float(np.quantile(errors_ms["kinelive"], 0.99)),
        "stated ms": "",
        "covered %": "",
        "µs a frame": "",
    }
    if name in devices[0].stated_ms:
        stated_ms = np.concatenate(
            [d.stated_ms[name][w] for d, w in zip(devices, within, strict=True)]
        )
        row["stated ms"] = float(np.median(stated_ms))
        row["covered %"] = 100 * float((errors_ms[name] <= stated_ms).mean())
    if name == "kinelive":
        row["µs a frame"] = float(np.median([one.us_per_frame for one in devices]))
    return row


def _others(n_devices: int) -> list[dict[str, float | str]]:
    rows: list[dict[str, float | str]] = []
    for name, scene in OTHERS.items():
        devices = [run(scene_of(scene, seed), seed) for seed in range(n_devices)]
        for method in ("kinelive", "kinelive, afterwards"):
            row = _row(method, (10.0, np.inf), devices)
            kept = {key: row[key] for key in ("method", "median ms", "p99 ms", "stated ms")}
            epochs = {"epochs": float(np.mean([one.epochs for one in devices]))}
            rows.append({"scene": name, **kept, "covered %": row["covered %"], **epochs})
    return rows


def _hosts(n_links: int) -> list[dict[str, float | str]]:
    """Another host's clock, one exchange a second for two minutes; the first ten not scored."""
    ways: dict[str, Callable[[np.random.Generator], F64]] = {
        "quiet": lambda rng: 0.15 + rng.exponential(0.05, (2, 120)),
        "busy (8 ms, six of ten)": lambda rng: (
            0.3 + rng.exponential(8.0, (2, 120)) * (rng.random((2, 120)) < 0.6)
        ),
        "one way 5 ms longer": lambda rng: (
            0.3 + rng.exponential(0.1, (2, 120)) + np.array([[5.0], [0.0]])
        ),
    }
    rows: list[dict[str, float | str]] = []
    for name, ways_ms in ways.items():
        found = [
            one
            for seed in range(n_links)
            for one in _heard(ways_ms(np.random.default_rng(seed)), 10.0 * (seed % 9 - 4))
        ]
        error_ms, stated_ms = np.abs(np.array(found)).T
        rows.append(
            {
                "link": name,
                "median ms": float(np.median(error_ms)),
                "p99 ms": float(np.quantile(error_ms, 0.99)),
                "worst ms": float(error_ms.max()),
                "stated ms": float(np.median(stated_ms)),
                "covered %": 100 * float((error_ms <= stated_ms).mean()),
            }
        )
    return rows


def _heard(ways_ms: F64, drift_ppm: float) -> Iterable[tuple[float, float]]:
    """Error and what is stated, in ms, a second after each exchange."""
    clock = HostClock()
    for i, (there_ms, back_ms) in enumerate(ways_ms.T.tolist()):
        sent_ns = i * 1_000_000_000
        asked_ns = sent_ns + round(there_ms * 1e6)
        there_ns = asked_ns + round(drift_ppm * 1e-6 * asked_ns)
        clock = hear(clock, RoundTrip(sent_ns, there_ns, asked_ns + round(back_ms * 1e6)))
        known, at_ns = relation(clock), sent_ns + 1_000_000_000
        truth_ns = at_ns + round(drift_ppm * 1e-6 * at_ns)
        if i >= 10:
            yield (known.hub_ns(at_ns) - truth_ns) * 1e-6, known.uncertainty_ns * 1e-6
