"""Lag and smoothness of the live filter over its settings, and the error of predicting ahead."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from core import kalman, predict, smoothing, synthetic, triangulate
from core.anatomy import anatomy_of
from core.cameras import project, undistort
from core.config import FusionConfig, MotionModel

F64 = NDArray[np.float64]

RATE_HZ = 60.0
NOISE_PX = 2.0
SETTLED = 30
AHEAD_MS = 50.0
CUTOFF_HZ, ORDER = 6.0, 4
FACTORS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the default process noise."""
MODELS: tuple[MotionModel, ...] = ("constant_velocity", "constant_acceleration")
_SHORT: dict[MotionModel, str] = {
    "constant_velocity": "velocity",
    "constant_acceleration": "accel.",
}
Row = dict[str, float | str]


def measure(rounds: int) -> list[Row]:
    """One row for each motion model and process noise.

    Lag (ms) against the truth and against zero-lag smoothing of the same measurements over the
    whole recording, error (mm), jitter, error 50 ms ahead (mm); first no filter, then the smoothing
    itself. A walker at 1 m/s in four cameras with 2 px noise, ``rounds`` frames at 60 Hz. The lag
    is the shift that makes the filtered motion fit the other best.
    """
    rounds = max(rounds, 4 * SETTLED)
    truth_m = synthetic.walk_m(rounds + round(AHEAD_MS * RATE_HZ / 1000))
    measured = list(_measured(truth_m[:rounds]))
    raw_m = np.stack([points_m for points_m, _ in measured])
    smooth_m = smoothing.butterworth(raw_m, RATE_HZ, CUTOFF_HZ, ORDER)
    plain: list[Row] = [
        {"filter": name, "noise": "", **_scores(points_m, points_m, smooth_m, truth_m)}
        for name, points_m in (("none", raw_m), ("smoothed 6 Hz", smooth_m))
    ]
    return plain + [
        _row(model, factor, measured, smooth_m, truth_m) for model in MODELS for factor in FACTORS
    ]


def _measured(truth_m: F64) -> Iterator[tuple[F64, F64]]:
    """Triangulated points (26, 3) and covariances (26, 3, 3), frame by frame."""
    rig = synthetic.ring(4)
    rng = np.random.default_rng(0)
    for points_m in truth_m:
        pixels = project(rig, points_m)
        pixels = pixels + rng.normal(0.0, NOISE_PX, pixels.shape)
        ideal = undistort(rig.image_from_cam, rig.distortion, pixels)
        weight = np.ones(ideal.shape[:2])
        found = triangulate.robust(rig.image_from_world, ideal, weight, NOISE_PX)
        yield found.points_m, found.covariance_m2


def _row(
    model: MotionModel,
    factor: float,
    measured: list[tuple[F64, F64]],
    smooth_m: F64,
    truth_m: F64,
) -> Row:
    config = FusionConfig(motion_model=model)
    density = factor * kalman.density(config)
    noise = density * anatomy_of("HALPE_26").agility
    state = kalman.empty(0, truth_m.shape[1], model)
    now_m, ahead_m = [], []
    for frame, (points_m, covariance_m2) in enumerate(measured):
        state = kalman.predict(state, round(frame * 1e9 / RATE_HZ), noise)
        state = kalman.update(state, points_m, covariance_m2, config.gate_sd)
        later = predict.ahead(state, state.t_ns + round(AHEAD_MS * 1e6), noise)
        now_m.append(state.points_m)
        ahead_m.append(later.points_m)
    scores = _scores(np.stack(now_m), np.stack(ahead_m), smooth_m, truth_m)
    said = f"{density:g}{'*' if factor == 1.0 else ''}"
    return {"filter": _SHORT[model], "noise": said, **scores}


def _scores(now_m: F64, ahead_m: F64, smooth_m: F64, truth_m: F64) -> dict[str, float]:
    n = len(now_m)
    error_m = now_m[SETTLED:] - truth_m[SETTLED:n]
    shift = round(AHEAD_MS * RATE_HZ / 1000)
    ahead_error_m = ahead_m[SETTLED:] - truth_m[SETTLED + shift : n + shift]
    shake = np.diff(now_m[SETTLED:], 2, axis=0) - np.diff(truth_m[SETTLED:n], 2, axis=0)
    lags_ms = [
        _lag_ms(now_m[SETTLED:, j : j + 1], truth_m[SETTLED:n, j : j + 1])
        for j in range(now_m.shape[1])
    ]
    return {
        "lag_ms": _lag_ms(now_m[SETTLED:], truth_m[SETTLED:n]),
        "worst_ms": max(lags_ms),
        "vs_smoothed_ms": _lag_ms(now_m[SETTLED:], smooth_m[SETTLED:]),
        "rms_mm": _rms_mm(error_m),
        "vs_smoothed_mm": _rms_mm(now_m[SETTLED:] - smooth_m[SETTLED:]),
        "jitter": float(np.sqrt((shake**2).mean()) * RATE_HZ**2),
        "ahead_50ms_mm": _rms_mm(ahead_error_m),
    }


def _rms_mm(error_m: F64) -> float:
    return float(np.sqrt((error_m**2).sum(axis=-1).mean()) * 1e3)


def _lag_ms(filtered_m: F64, truth_m: F64) -> float:
    """Delay of the truth that fits the filtered motion best."""
    frames = np.arange(len(truth_m))
    flat, wanted = truth_m.reshape(len(truth_m), -1), filtered_m.reshape(len(filtered_m), -1)
    inner = slice(10, -10)

    def misfit(delay_frames: float) -> float:
        base = np.floor(frames[inner] - delay_frames).astype(int)
        part = (frames[inner] - delay_frames - base)[:, None]
        delayed = (1 - part) * flat[base] + part * flat[np.minimum(base + 1, len(flat) - 1)]
        return float(((wanted[inner] - delayed) ** 2).mean())

    best = minimize_scalar(misfit, bounds=(-3.0, 9.0), method="bounded")
    return float(best.x / RATE_HZ * 1e3)  # pyright: ignore[reportAttributeAccessIssue]
