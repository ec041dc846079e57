"""What triangulation and one fused instant cost, next to other ways to do it."""

import itertools
import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from core import fusion, synthetic, triangulate
from core.cameras import Rig, project, undistort
from core.config import FusionConfig
from core.fusion import FusionState
from core.triangulate_pose2sim import search
from core.warm_up import warm_up
from tools.pose2sim_plain import reference_search

F64 = NDArray[np.float64]

_CONFIDENCE = 0.9
_NOISE_PX, _FAR_OFF_PX = 2.0, 80.0
_FAR_OFF_SHARE = 0.1
_N_SETTLING = 10  # instants in which caches and the filter fill


def measure(rounds: int) -> dict[str, float]:
    """µs of each case; ours first.

    Triangulation: 4 cameras, 26 keypoints, 2 px noise, a tenth of the pixels 80 px off.
    Whole instants: one person, 26 keypoints, 2 px noise, from the first camera's message on.
    """
    warm_up()
    found = _triangulations(rounds)
    for n_cameras in (4, 8):
        times_us = _instants_us(n_cameras, rounds)
        found[f"instant, {n_cameras} cameras"] = median(times_us)
        found[f"instant, {n_cameras} cameras, p99"] = float(np.percentile(times_us, 99))
    return found


def _triangulations(rounds: int) -> dict[str, float]:
    rig, config = synthetic.ring(4), FusionConfig()
    likelihood = np.full((4, 26), _CONFIDENCE)
    one, cameras = likelihood[None], rig.image_from_world

    def robust(pixels: F64) -> None:
        ideal_px = undistort(rig.image_from_cam, rig.distortion, pixels)
        triangulate.robust(cameras, ideal_px, likelihood, config.keypoint_sd_px)

    cases: dict[str, Callable[[F64], object]] = {
        "robust: lens undone, soft weights, covariance": robust,
        "pose2sim: search for cameras to leave out": lambda px: search(px[None], one, cameras),
        "pose2sim's way, plain: one SVD a choice": lambda px: reference_search(
            px[None], one, cameras
        ),
        "OpenCV: lens undone, mean of all pairs": lambda px: _all_pairs_m(rig, px),
    }
    pictures = _pictures(rig, rounds)
    return {name: _median_us(case, pictures) for name, case in cases.items()}


def _pictures(rig: Rig, n: int) -> list[F64]:
    """Pixels (4, 26, 2) of a walker at ``n`` times."""
    rng = np.random.default_rng(0)
    pixels = np.moveaxis(project(rig, synthetic.walk_m(n)), 0, 1)  # (T, C, J, 2)
    pixels = pixels + rng.normal(0.0, _NOISE_PX, pixels.shape)
    pixels[rng.random(pixels.shape[:3]) < _FAR_OFF_SHARE] += _FAR_OFF_PX
    return [np.ascontiguousarray(one) for one in pixels]


def _median_us(case: Callable[[F64], object], pictures: list[F64]) -> float:
    case(pictures[0])
    times_us = []
    for pixels in pictures:
        begin_ns = time.perf_counter_ns()
        case(pixels)
        times_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    return median(times_us)


def _all_pairs_m(rig: Rig, pixels: F64) -> F64:
    """Mean over all pairs of cameras of OpenCV's two-view triangulation, (J, 3)."""
    ideal_px = [
        cv2.undistortPoints(points, matrix, lens, P=matrix)[:, 0].T
        for points, matrix, lens in zip(pixels, rig.image_from_cam, rig.distortion, strict=True)
    ]
    views = list(zip(rig.image_from_world, ideal_px, strict=True))
    pairs = [
        cv2.triangulatePoints(one, other, one_px, other_px)
        for (one, one_px), (other, other_px) in itertools.combinations(views, 2)
    ]
    homogeneous = np.array(pairs)
    return (homogeneous[:, :3] / homogeneous[:, 3:]).mean(axis=0).T


def _instants_us(n_cameras: int, rounds: int) -> list[float]:
    rig, config = synthetic.ring(n_cameras), FusionConfig()
    walk_m = synthetic.walk_m(rounds + _N_SETTLING)
    state, times_us, since_us = FusionState(), [], 0.0
    for message in synthetic.seen(rig, walk_m, noise_px=_NOISE_PX):
        begin_ns = time.perf_counter_ns()
        state, poses = fusion.step(state, message, rig, config)
        since_us += (time.perf_counter_ns() - begin_ns) / 1e3
        if poses:
            times_us.append(since_us)
            since_us = 0.0
    return times_us[_N_SETTLING:]
