"""What the marker networks cost next to the published ones, and how far other rates are off."""

import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from core import synthetic, trc
from core.kinematics import augment, augment_inputs
from core.kinematics.augment import AugmentConfig, AugmentState, Networks
from core.kinematics.augment_inputs import HALVES
from core.skeletons import HALPE_26
from services import marker_networks, models

F64 = NDArray[np.float64]
Motion = Callable[[F64], F64]
"""Inputs (T, 20, 3) m at times (T,) s."""

RATES_HZ = (15, 20, 24, 25, 30, 50, 60, 90, 100, 120, 200, 240)
WARM = AugmentConfig(warm_frames=60)

_SUBJECT = augment.subject(1.75, 70.0)
_TICK_S = Fraction(1, 60)
_WINDOW = 60
_SETTLED_S = 0.75
_WALK_S = 4.0
_N_SETTLING = 20


def measure(rounds: int) -> dict[str, float]:
    """µs of one frame, both networks: ours first, then the published ones' ways to get it."""
    networks, inputs_m = marker_networks.load(), walk(np.arange(rounds + _N_SETTLING) / 60)
    ours_us, processor_us = np.array(list(_steps_us(networks, inputs_m)))[_N_SETTLING:].T
    found = {
        "one frame, memory carried": float(np.median(ours_us)),
        "one frame, memory carried, p99": float(np.percentile(ours_us, 99)),
        "one frame, memory carried, processor time": float(np.median(processor_us)),
        "one frame, memory carried, processor time, p99": float(np.percentile(processor_us, 99)),
        "one frame of a sequence at once": _at_once_us(networks, inputs_m),
    }
    for n_frames in (1, _WINDOW):
        name = f"published networks, window of {n_frames}"
        found[name] = _published_us(networks, n_frames, max(rounds // n_frames, 10))
    return found


def _steps_us(networks: Networks, inputs_m: F64) -> Iterator[tuple[float, float]]:
    """Time and processor time of each frame."""
    state = AugmentState()
    for frame, points_m in enumerate(inputs_m):
        t_ns = round(frame * 1e9 / 60)
        begin_ns, processor_ns = time.perf_counter_ns(), time.thread_time_ns()
        state, _ = augment.step(state, t_ns, points_m, networks, _SUBJECT, WARM)
        processor_ns = time.thread_time_ns() - processor_ns
        yield (time.perf_counter_ns() - begin_ns) / 1e3, processor_ns / 1e3


def _at_once_us(networks: Networks, inputs_m: F64) -> float:
    times_ns = [round(frame * 1e9 / 60) for frame in range(len(inputs_m))]
    begin_ns = time.perf_counter_ns()
    augment.track(times_ns, inputs_m, networks, _SUBJECT, AugmentConfig())
    return (time.perf_counter_ns() - begin_ns) / 1e3 / len(inputs_m)


def _published_us(networks: Networks, n_frames: int, rounds: int) -> float:
    """Median over both files' runs of windows of so many frames, one thread."""
    import onnxruntime  # only this command runs the published networks

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    files, runs = models.ensure(marker_networks.GROUP), []
    for half in HALVES:
        window = np.zeros((1, n_frames, networks[half.name].n_features), np.float32)
        session = onnxruntime.InferenceSession(
            files[f"{half.name}.onnx"], options, providers=["CPUExecutionProvider"]
        )
        runs.append((session, {"inputs": window}))
    times_us = []
    for _ in range(rounds):
        begin_ns = time.perf_counter_ns()
        for session, feeds in runs:
            session.run(None, feeds)
        times_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    return float(np.median(times_us))


def walk(times_s: F64) -> F64:
    """The synthetic walker."""
    source = augment_inputs.source_of(HALPE_26.names)
    path_m = np.stack([np.sin(times_s), -np.cos(times_s)], axis=-1)
    keypoints_m = [synthetic.at(*one) for one in zip(times_s, path_m, times_s, strict=True)]
    return augment_inputs.gather(source, np.stack(keypoints_m))


def balancing() -> tuple[Motion, float]:
    """The published balancing trial, as cubic splines through its frames; and its length in s."""
    table = trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())
    source = augment_inputs.source_of(table.markers)
    inputs_m = augment_inputs.gather(source, trc.to_world(table.points_m))
    times_s = table.times_s - table.times_s[0]
    return CubicSpline(times_s, inputs_m), float(times_s[-1])


def rates() -> list[dict[str, float]]:
    """One row a rate: distance in mm (rms and worst marker) from what 60 Hz through the same
    instants gives, on the walk and on the balancing trial."""
    networks, (trial, trial_s) = marker_networks.load(), balancing()
    rows = []
    for rate_hz in RATES_HZ:
        row: dict[str, float] = {"rate_hz": float(rate_hz)}
        for name, motion, length_s in (("walk", walk, _WALK_S), ("trial", trial, trial_s)):
            distance_mm = off_mm(rate_hz, motion, length_s, networks)
            row[f"{name}_rms_mm"] = float(np.sqrt((distance_mm**2).mean()))
            row[f"{name}_worst_mm"] = float(distance_mm.max())
        rows.append(row)
    return rows


def off_mm(rate_hz: int, motion: Motion, length_s: float, networks: Networks) -> F64:
    """Distances (T, 43) of the markers at a rate from those at 60 Hz, once both are settled.

    Each frame is compared with a sequence at 60 Hz one of whose ticks is that frame.
    """
    times_s = [Fraction(k, rate_hz) for k in range(int(length_s * rate_hz))]
    found_m = _markers_m(times_s, motion, networks)
    expected_m = np.empty_like(found_m)
    for phase_s in {one % _TICK_S for one in times_s}:
        n_ticks = int((length_s - float(phase_s)) * 60) + 1
        ticks_s = [phase_s + k * _TICK_S for k in range(n_ticks)]
        markers_m = _markers_m(ticks_s, motion, networks)
        for place, one in enumerate(times_s):
            if one % _TICK_S == phase_s:
                expected_m[place] = markers_m[int((one - phase_s) / _TICK_S)]
    settled = np.array([float(one) >= _SETTLED_S for one in times_s])
    distance_m = np.sqrt(((found_m - expected_m)[settled] ** 2).sum(axis=-1))
    return 1e3 * distance_m


def _markers_m(times_s: list[Fraction], motion: Motion, networks: Networks) -> F64:
    times_ns = [round(one * 1_000_000_000) for one in times_s]
    inputs_m = motion(np.array(times_s, dtype=float))
    return augment.track(times_ns, inputs_m, networks, _SUBJECT, WARM).markers_m
