"""Offsets between cameras against known ones: the published trial cut and resampled, and walkers.

Letters: C cameras, T frames, J keypoints.
"""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from core import calibration, openpose, synthetic, synthetic_sync
from core.cameras import Rig
from core.sync import synchronise
from core.sync.found import Found, Views
from core.sync.people import main_person
from core.sync.settings import Method, SyncConfig
from services import models
from tools import bench_live_sync

F64 = NDArray[np.float64]
Row = dict[str, float | str]

RATE_HZ = 60.0
_N_FRAMES, _N_CAMERAS, _N_KEYPOINTS = 100, 4, 25
_MOST_FRAMES = 20
_N_FRACTIONS, _MOST_FRACTION = 10, 3.0
_HALF = 0.5
_DRIFTS_PPM = (0.0, 50.0, -50.0, 20.0)
_OFFSETS = (0.0, 7.3, -12.6, 3.5)
_N_SCENES = 10


def measure(n_patterns: int) -> list[tuple[str, list[Row], str]]:
    """Tables of whole frames, fractions, walkers, drift and costs, and what they say."""
    views, rig = trial()
    methods: tuple[Method, ...] = ("epipolar", "speed")
    whole = [patterns(views, rig, method, n_patterns) for method in methods]
    return [
        (
            "cases",
            whole,
            f"the balancing trial, its cameras cut by up to {_MOST_FRAMES} frames each; told "
            "wrong: half a frame or more off, and not doubted",
        ),
        ("fractions", [fractions(views, rig)], "the trial resampled, against what it is as it is"),
        ("walkers", walkers(), "cameras turned by 0.5 degrees; stated: the median half width"),
        ("drift", drift(), "10 minutes of a walker, 2 px of noise"),
        (
            "live",
            bench_live_sync.offsets(),
            "free-running cameras of 30 Hz, 2 px, drifts of 0, 50, 0 and -50 ppm; right: within "
            "4.5 ms of the median camera, until the end",
        ),
        ("in time", bench_live_sync.in_time(views, rig, 120.0), "the balancing trial in loops"),
        ("cost", [cost()], ""),
    ]


def trial() -> tuple[Views, Rig]:
    """The balancing trial with everybody in the pictures, and its cameras."""
    files = models.ensure("trial")
    cameras = calibration.parse("Calib_qca.toml", files["Calib_qca.toml"].read_text())
    rig = Rig.of(list(cameras.values()))
    seen = []
    for camera in range(1, _N_CAMERAS + 1):
        folder = files["pose-2d"] / f"cam{camera}_json"
        texts = [(folder / f"cam{camera:02d}.{n:04d}.json").read_bytes() for n in range(_N_FRAMES)]
        people = {
            n: [one[:_N_KEYPOINTS] for one in openpose.parse(text)] for n, text in enumerate(texts)
        }
        seen.append(main_person(people, _N_FRAMES, _N_KEYPOINTS))
    persons = np.stack(seen)
    return Views(rig.names, RATE_HZ, persons[..., :2], persons[..., 2]), rig


def cut(views: Views, dropped: NDArray[np.int64]) -> Views:
    """The same with the first frames (C,) of each camera dropped: its count begins later."""
    points_px, confidence = np.full_like(views.points_px, np.nan), np.zeros_like(views.confidence)
    for camera, first in enumerate(dropped):
        left = views.points_px.shape[1] - first
        points_px[camera, :left] = views.points_px[camera, first:]
        confidence[camera, :left] = views.confidence[camera, first:]
    return replace(views, points_px=points_px, confidence=confidence)


def resampled(views: Views, shift: F64) -> Views:
    """The same at instants (C,) frames later, by cubic splines through the sure keypoints."""
    frames = np.arange(views.points_px.shape[1])
    points_px = np.full_like(views.points_px, np.nan)
    sure = views.confidence >= SyncConfig().min_confidence
    for camera, keypoint in np.argwhere(sure.sum(axis=1) > 1):
        known = sure[camera, :, keypoint]
        spline = CubicSpline(
            frames[known], views.points_px[camera, known, keypoint], extrapolate=False
        )
        points_px[camera, :, keypoint] = spline(frames + shift[camera])
    confidence = np.where(np.isfinite(points_px[..., 0]) & sure, views.confidence, 0.0)
    return replace(views, points_px=points_px, confidence=confidence)


def offsets_of(found: Found) -> F64:
    """(C,) frames, doubtful ones too."""
    return np.array([one.offset_frames for one in found.offsets])


def patterns(views: Views, rig: Rig, method: Method, n_patterns: int, seed: int = 7) -> Row:
    """Random whole-frame offsets of up to 20 frames a camera."""
    rng = np.random.default_rng(seed)
    exact = told = wrong = 0
    errors = []
    for _ in range(n_patterns):
        dropped = rng.integers(0, _MOST_FRAMES + 1, _N_CAMERAS)
        found = synchronise(cut(views, dropped), rig, method, 0, SyncConfig())
        off = np.abs(offsets_of(found) - (dropped[0] - dropped))
        sure = np.array([not one.doubt for one in found.offsets])
        exact += bool((off < _HALF).all())
        told += found.certain
        wrong += int((sure & (off >= _HALF)).sum())
        errors.append(off[1:])
    return {
        "method": method,
        "patterns": n_patterns,
        "all exact": exact,
        "told": told,
        "cameras told wrong": wrong,
        "mean error frames": float(np.mean(errors)),
        "worst": float(np.max(errors)),
    }


def fractions(views: Views, rig: Rig, seed: int = 8) -> Row:
    """Known fractions of frames, against the trial as it is and against nothing."""
    rng = np.random.default_rng(seed)
    as_is = offsets_of(synchronise(views, rig, "epipolar", 0, SyncConfig()))
    errors = []
    for _ in range(_N_FRACTIONS):
        shift = np.append(0.0, rng.uniform(-_MOST_FRACTION, _MOST_FRACTION, _N_CAMERAS - 1))
        found = synchronise(resampled(views, shift), rig, "epipolar", 0, SyncConfig())
        errors.append((offsets_of(found) + shift)[1:])
    against = np.abs(np.array(errors) - as_is[1:])
    return {
        "resamplings": _N_FRACTIONS,
        "mean error frames": float(against.mean()),
        "worst": float(against.max()),
        "trial as it is": " ".join(f"{one:+.2f}" for one in as_is[1:]),
        "worst against 0": float(np.abs(errors).max()),
    }


def walkers() -> list[Row]:
    """Synthetic walkers: errors, and how often the uncertainty covers them."""
    cases = {
        "2 cameras, 5 s, 4 px": (2, 5, 4.0, 0.0),
        "4 cameras, 2 s, 4 px": (4, 2, 4.0, 0.0),
        "4 cameras, 5 s, 2 px": (4, 5, 2.0, 0.0),
        "4 cameras, 5 s, 8 px": (4, 5, 8.0, 0.0),
        "4 cameras, 5 s, 4 px, slow noise": (4, 5, 4.0, 0.9),
        "4 cameras, 20 s, 4 px": (4, 20, 4.0, 0.0),
    }
    return [{"scene": name, **_walker(*case)} for name, case in cases.items()]


def _walker(n_cameras: int, seconds: int, noise_px: float, memory: float) -> Row:
    """Scenes with cameras turned by 0.5 degrees and moved by 1.5 cm."""
    from core.synthetic_scenes import miscalibrated

    rig, off, wide = synthetic.ring(n_cameras), list[float](), list[float]()
    told = 0
    for seed in range(_N_SCENES):
        truth = np.append(0.0, np.random.default_rng(seed).uniform(-15, 15, n_cameras - 1))
        really = miscalibrated(rig, 0.5, 0.015, seed)
        views = synthetic_sync.views(
            really, round(seconds * RATE_HZ), truth.tolist(), noise_px=noise_px,
            noise_memory=memory, seed=seed,
        )  # fmt: skip
        found = synchronise(views, rig, "epipolar", 0, SyncConfig())
        sure = [one for one in zip(found.offsets[1:], truth[1:], strict=True) if not one[0].doubt]
        told += len(sure)
        off += [abs(one.offset_frames - true) for one, true in sure]
        wide += [one.uncertainty_frames for one, _ in sure]
    return {
        "told %": 100 * told / (_N_SCENES * (n_cameras - 1)),
        "rms error frames": float(np.sqrt(np.mean(np.square(off)))),
        "worst": float(max(off)),
        "stated frames": float(np.median(wide)),
        "covered %": 100 * float(np.mean(np.array(off) <= wide)),
    }


def drift() -> list[Row]:
    """Ten minutes of a walker, 2 px of noise."""
    rig = synthetic.ring(len(_OFFSETS))
    n_frames = round(600 * RATE_HZ)
    views = synthetic_sync.views(rig, n_frames, _OFFSETS, drift_ppm=_DRIFTS_PPM)
    found = synchronise(views, rig, "epipolar", 0, SyncConfig())
    rows = []
    for one, offset, ppm in zip(found.offsets, _OFFSETS, _DRIFTS_PPM, strict=True):
        if one.drift_ppm is not None and one.drift_uncertainty_ppm is not None:
            rows.append(
                {
                    "camera": one.camera,
                    "true ppm": ppm,
                    "ppm": one.drift_ppm,
                    "± ppm": one.drift_uncertainty_ppm,
                    "error frames": one.offset_frames - offset,
                    "± frames": one.uncertainty_frames,
                }
            )
    return rows


def cost() -> Row:
    """Processor time of a minute of eight cameras at 60 Hz."""
    rig, n_cameras = synthetic.ring(8), 8
    views = synthetic_sync.views(rig, round(60 * RATE_HZ), [0.0] * n_cameras)
    short = replace(views, points_px=views.points_px[:, :120], confidence=views.confidence[:, :120])
    synchronise(short, rig, "epipolar", 0, SyncConfig())  # compiled, or loaded
    row: Row = {"case": "1 minute of 8 cameras at 60 Hz"}
    methods: tuple[Method, ...] = ("epipolar", "speed")
    for method in methods:
        begun_s, begun_wall_s = time.process_time(), time.perf_counter()
        synchronise(views, rig, method, 0, SyncConfig())
        row[f"{method} CPU s"] = time.process_time() - begun_s
        row[f"{method} wall s"] = time.perf_counter() - begun_wall_s
    return row
