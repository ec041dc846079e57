"""What triangulation and one fused instant cost, next to other ways to do it."""

import gc
import itertools
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from core import fusion, synthetic, synthetic_scenes, triangulate
from core.cameras import Rig, project, undistort
from core.config import FusionConfig
from core.fusion import FusionState
from core.synthetic_scenes import Faults
from core.triangulate_pose2sim import search
from core.warm_up import warm_up
from tools.pose2sim_plain import reference_search

F64 = NDArray[np.float64]

_CONFIDENCE = 0.9
_NOISE_PX, _FAR_OFF_PX = 2.0, 80.0
_FAR_OFF_SHARE = 0.1
_BLOCK = 20  # pictures that one way has before the next has its turn
_ROUND = 60  # frames of the footage that is fed again and again
N_LONG = 100_000
N_PEOPLE, N_CAMERAS = (1, 2, 3, 4, 5, 6), (2, 3, 4, 6, 8, 10, 12)
CASES = (*((4, n) for n in N_PEOPLE), *((n, 1) for n in N_CAMERAS if n != 4))
_N_SETTLING = 10  # instants in which caches and the filter fill


def measure(rounds: int) -> dict[str, float]:
    """µs of each case; ours first.

    Triangulation: 4 cameras, 26 keypoints, 2 px noise, a tenth of the pixels 80 px off; all ways
    in turn, some pictures each, so that what else the machine does hits all alike.
    Whole instants: 26 keypoints, 2 px noise, from the first camera's message on: aligned, given to
    people, triangulated, filtered.
    """
    warm_up()
    found = _triangulations(rounds)
    for n_cameras, n_people in CASES:
        times_us = _instants_us(n_cameras, n_people, rounds)
        name = case_name(n_cameras, n_people)
        found[name] = median(times_us)
        found[f"{name}, p99"] = float(np.percentile(times_us, 99))
    return found


def case_name(n_cameras: int, n_people: int) -> str:
    """Name of a case of whole instants."""
    return f"instant, {n_cameras} cameras, {n_people} {'person' if n_people == 1 else 'people'}"


def _triangulations(rounds: int) -> dict[str, float]:
    rig, config = synthetic.ring(4), FusionConfig()
    likelihood = np.full((4, 26), _CONFIDENCE)
    one, cameras = likelihood[None], rig.image_from_world

    def alone(pixels: F64) -> None:
        triangulate.robust(cameras, pixels, likelihood, config.keypoint_sd_px)

    def robust(pixels: F64) -> None:
        alone(undistort(rig.image_from_cam, rig.distortion, pixels))

    cases: dict[str, Callable[[F64], object]] = {
        "robust: soft weights, covariance": alone,
        "robust: lens undone, soft weights, covariance": robust,
        "pose2sim: search for cameras to leave out": lambda px: search(px[None], one, cameras),
        "pose2sim's way, plain: one SVD a choice": lambda px: reference_search(
            px[None], one, cameras
        ),
        "OpenCV: lens undone, mean of all pairs": lambda px: _all_pairs_m(rig, px),
    }
    pictures = _pictures(rig, rounds)
    times_us: dict[str, list[float]] = {name: [] for name in cases}
    for first in range(0, rounds, _BLOCK):
        for name, case in cases.items():
            case(pictures[first])  # with what the way before left in the caches
            times_us[name] += [_us(case, one) for one in pictures[first : first + _BLOCK]]
    return {name: median(each) for name, each in times_us.items()}


def _us(case: Callable[[F64], object], pixels: F64) -> float:
    begin_ns = time.perf_counter_ns()
    case(pixels)
    return (time.perf_counter_ns() - begin_ns) / 1e3


def _pictures(rig: Rig, n: int) -> list[F64]:
    """Pixels (4, 26, 2) of a walker at ``n`` times."""
    rng = np.random.default_rng(0)
    pixels = np.moveaxis(project(rig, synthetic.walk_m(n)), 0, 1)  # (T, C, J, 2)
    pixels = pixels + rng.normal(0.0, _NOISE_PX, pixels.shape)
    pixels[rng.random(pixels.shape[:3]) < _FAR_OFF_SHARE] += _FAR_OFF_PX
    return [np.ascontiguousarray(one) for one in pixels]


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


def _instants_us(n_cameras: int, n_people: int, rounds: int) -> list[float]:
    rig, config = synthetic.ring(n_cameras, radius_m=6.0), FusionConfig()
    places = [(x, y, 0.0) for x in (0.0, -1.2, 1.2) for y in (-0.6, 0.6)][:n_people]
    people_m = synthetic.walk_m(rounds + _N_SETTLING)[None] + np.array(places)[:, None, None]
    faults = Faults(noise_px=_NOISE_PX, everywhere=True)
    messages = synthetic_scenes.seen(rig, people_m, faults)
    state, times_us, since_us = FusionState(), [], 0.0
    for message in messages:
        begin_ns = time.perf_counter_ns()
        state, poses = fusion.step(state, message, rig, config)
        since_us += (time.perf_counter_ns() - begin_ns) / 1e3
        if poses:
            times_us.append(since_us)
            since_us = 0.0
    return times_us[_N_SETTLING:]


def grown_kb(n_instants: int) -> float:
    """By how much resident memory grew after the first hundredth of the instants.

    What is resident now where the system says it, else the most that ever was.
    """
    rig, config = synthetic.ring(4), FusionConfig()
    messages = synthetic.seen(rig, synthetic.walk_m(_ROUND), noise_px=_NOISE_PX)
    state, before_kb = FusionState(), 0.0
    for turn in range(n_instants // _ROUND):
        if turn == max(n_instants // _ROUND // 100, 1):
            before_kb = _resident_kb()
        for message in messages:
            later = msgspec.structs.replace(
                message, t_ns=message.t_ns + turn * 10**9, frame=message.frame + _ROUND * turn
            )
            state, _ = fusion.step(state, later, rig, config)
    return _resident_kb() - before_kb


def _resident_kb() -> float:
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024 if sys.platform == "darwin" else float(most)


def more(
    rows: Sequence[Mapping[str, float | str]], figure: Path | None, *, memory: bool
) -> dict[str, int]:
    """Draw the rows of ``measure`` into a file, and say what many instants left in memory."""
    from tools import bench_figure

    if figure:
        costs = {str(row["case"]): float(row["median µs"]) for row in rows}
        figure.write_text(bench_figure.svg(costs))
    if not memory:
        return {}
    return {f"kB resident more after {N_LONG} instants": round(grown_kb(N_LONG))}
