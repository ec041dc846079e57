"""Lag and smoothness of the live filter over its settings, and the error of predicting ahead."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from core import kalman, synthetic, triangulate
from core.cameras import project, undistort
from core.config import FusionConfig

F64 = NDArray[np.float64]

RATE_HZ = 60.0
NOISE_PX = 2.0
SETTLED = 30
AHEAD_MS = 50.0
DENSITIES_M2_S3 = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


def measure(rounds: int) -> list[dict[str, float]]:
    """One row for each process noise: lag (ms), error (mm), jitter, error 50 ms ahead (mm).

    A walker at 1 m/s in four cameras with 2 px noise, ``rounds`` frames at 60 Hz, scored against
    the truth. The lag is the shift that makes the filtered motion fit the truth best.
    """
    truth_m = synthetic.walk_m(rounds + round(AHEAD_MS * RATE_HZ / 1000))
    measured = list(_measured(truth_m[:rounds]))
    rows = [_row(density, measured, truth_m) for density in DENSITIES_M2_S3]
    raw_m = np.stack([points_m for points_m, _ in measured])
    return [{"density_m2_s3": float("inf"), **_scores(raw_m, raw_m, truth_m)}, *rows]


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


def _row(density_m2_s3: float, measured: list[tuple[F64, F64]], truth_m: F64) -> dict[str, float]:
    gate_sd = FusionConfig().gate_sd
    state = kalman.empty(0, truth_m.shape[1])
    now_m, ahead_m = [], []
    for frame, (points_m, covariance_m2) in enumerate(measured):
        state = kalman.predict(state, round(frame * 1e9 / RATE_HZ), density_m2_s3)
        state = kalman.update(state, points_m, covariance_m2, gate_sd)
        later = kalman.predict(state, state.t_ns + round(AHEAD_MS * 1e6), density_m2_s3)
        now_m.append(state.points_m)
        ahead_m.append(later.points_m)
    scores = _scores(np.stack(now_m), np.stack(ahead_m), truth_m)
    return {"density_m2_s3": density_m2_s3, **scores}


def _scores(now_m: F64, ahead_m: F64, truth_m: F64) -> dict[str, float]:
    n = len(now_m)
    error_m = now_m[SETTLED:] - truth_m[SETTLED:n]
    shift = round(AHEAD_MS * RATE_HZ / 1000)
    ahead_error_m = ahead_m[SETTLED:] - truth_m[SETTLED + shift : n + shift]
    shake = np.diff(now_m[SETTLED:], 2, axis=0) - np.diff(truth_m[SETTLED:n], 2, axis=0)
    return {
        "lag_ms": _lag_ms(now_m[SETTLED:], truth_m[SETTLED:n]),
        "rms_mm": _rms_mm(error_m),
        "jitter_m_s2": float(np.sqrt((shake**2).mean()) * RATE_HZ**2),
        "ahead_50ms_rms_mm": _rms_mm(ahead_error_m),
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
        delayed = (1 - part) * flat[base] + part * flat[base + 1]
        return float(((wanted[inner] - delayed) ** 2).mean())

    best = minimize_scalar(misfit, bounds=(-3.0, 9.0), method="bounded")
    return float(best.x / RATE_HZ * 1e3)  # pyright: ignore[reportAttributeAccessIssue]
