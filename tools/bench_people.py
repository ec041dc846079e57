"""The pose models on real footage: who is followed, and how well the cameras agree about them.

Pictures to 3D in one process, with the live chain's own steps; no deadline, so no frame is lost.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from capture import footage
from core import fusion, quality
from core.calibration.refine import Refined, refine
from core.cameras import CameraModel, Rig, select
from core.config import CameraConfig, FusionConfig, PoseConfig, RunConfig
from core.messages import Keypoints2D, Pose3D
from core.pose.backend import Backend, Estimate
from core.skeletons import HALPE_26
from services import models, pose_backends, rig
from services.following import Follower, View, person2d

F64 = NDArray[np.float64]
CAMERAS = ("cam01", "cam02", "cam03", "cam04")
FOOTAGE = ("demo", "demo_two")
MODELS = ("blazepose_lite", "blazepose_full", "blazepose_heavy")
_FACE = [HALPE_26.index(name) for name in ("LEye", "REye", "LEar", "REar")]
_REDUCE = 2
_RATE_HZ = 60
_START_NS = 1_000_000_000
Row = dict[str, float | str]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a piece of footage."""

    rig: Rig
    poses: list[Pose3D]
    frames: dict[tuple[str, int], Keypoints2D]
    looks: int
    """Runs of the detector."""


def run(files: Mapping[str, Path], model: str, *, every: int = 1) -> Trial:
    """Follow and fuse the people of four synchronous videos, each ``every``-th frame."""
    settings = RunConfig(
        calibration=str(files["Calib.qca.txt"]),
        cameras=tuple(CameraConfig(name=name) for name in CAMERAS),
    )
    known = rig.models_of(settings)
    calibrated = select(known, CAMERAS, "Calib.qca.txt")
    config = msgspec.convert({"model": model}, PoseConfig)
    backend = pose_backends.open_backend(config)
    follower = Follower(backend, config, CAMERAS, known)
    state, fusing, poses = fusion.FusionState(), FusionConfig(), []
    frames: dict[tuple[str, int], Keypoints2D] = {}
    for number, views in _pictures(files, every):
        found = follower.follow(views, poses[-1] if poses else None)
        for view, people in zip(views, found, strict=True):
            seen = _message(view, number, people, backend, known[view.camera])
            frames[view.camera, number] = seen
            state, fused = fusion.step(state, seen, calibrated, fusing)
            poses += fused
    return Trial(calibrated, poses, frames, follower.counts["detections"])


def _pictures(files: Mapping[str, Path], every: int) -> Iterator[tuple[int, list[View]]]:
    videos = [(files[f"{name}.mp4"], footage.index(files[f"{name}.mp4"])) for name in CAMERAS]
    open_videos = [footage.Pictures(path, index, _REDUCE, 0) for path, index in videos]
    for number in range(0, min(len(index.pts) for _, index in videos), every):
        t_ns = _START_NS + number * 1_000_000_000 // _RATE_HZ
        pictures = [video.get(number) for video in open_videos]
        yield number, [View(n, t_ns, p) for n, p in zip(CAMERAS, pictures, strict=True)]
    for video in open_videos:
        video.close()


def _message(
    view: View,
    frame: int,
    people: tuple[tuple[int, Estimate], ...],
    backend: Backend,
    model: CameraModel,
) -> Keypoints2D:
    height, width = view.picture.shape[:2]
    full = model.width_px, model.height_px
    persons = tuple(person2d(number, one, (width, height), full) for number, one in people)
    return Keypoints2D(
        t_ns=view.t_ns,
        stamps={},
        camera=view.camera,
        frame=frame,
        skeleton=backend.skeleton.name,
        model="bench",
        provider=backend.provider,
        derived=backend.derived,
        persons=persons,
    )


def measure(tell: Tell) -> tuple[list[Row], list[Row]]:
    """Rows by footage and model, and by keypoint for the single person's footage."""
    rows: list[Row] = []
    by_keypoint: dict[str, Row] = {name: {"keypoint": name} for name in HALPE_26.names}
    for group in FOOTAGE:
        files = models.ensure(group, progress=tell)
        for model in MODELS:
            tell(f"{group}: {model}")
            models.ensure(models.pose_group(model), progress=tell)
            trial = run(files, model)
            shipped = errors_px(trial, trial.rig, trial.poses)
            even, odd = trial.poses[::2], trial.poses[1::2]
            refined = _refined(trial, even)
            after = errors_px(trial, refined.rig, odd)
            rows.append(_row(group, model, trial, shipped, after, refined))
            if group == "demo":
                _add_keypoints(by_keypoint, model, shipped, after)
    return rows, [row for row in by_keypoint.values() if len(row) > 1]


def errors_px(trial: Trial, cameras: Rig, poses: list[Pose3D]) -> F64:
    """Held-out errors (P, C, J) px of all people of instants; NaN where unknown."""
    least = FusionConfig().min_confidence
    return np.stack(
        [
            quality.held_out_px(
                cameras, *quality.views_of(pose, number, trial.frames, cameras), least
            )
            for pose in poses
            for number in range(len(pose.persons))
        ]
    )


def _refined(trial: Trial, poses: list[Pose3D]) -> Refined:
    views = [
        quality.views_of(pose, number, trial.frames, trial.rig)
        for pose in poses
        for number in range(len(pose.persons))
    ]
    least = FusionConfig().min_confidence
    points = np.concatenate([points for points, _ in views], axis=1)
    confidence = np.concatenate([sure for _, sure in views], axis=1)
    return refine(trial.rig, points, np.where(confidence >= least, confidence, 0.0))


def _row(group: str, model: str, trial: Trial, shipped: F64, after: F64, refined: Refined) -> Row:
    kept = Counter(person.id for pose in trial.poses for person in pose.persons)
    views = [sum(d >= 0 for d in p.detections) for pose in trial.poses for p in pose.persons]
    found = [bool(one.persons) for one in trial.frames.values()]
    return {
        "footage": group,
        "model": model.removeprefix("blazepose_"),
        "instants": len(trial.poses),
        "person: instants": ", ".join(f"{number}: {n}" for number, n in sorted(kept.items())),
        "tracked %": 100 * float(np.mean(found)),
        "cameras": float(np.mean(views)),
        "detector runs": trial.looks,
        "shipped px": float(np.nanmedian(_bodily(shipped))),
        "mean": float(np.nanmean(_bodily(shipped))),
        "refined px": float(np.nanmedian(_bodily(after))),
        "its mean": float(np.nanmean(_bodily(after))),
        "moved cm": 100 * float(refined.moved_m.max()),
        "turned deg": float(refined.turned_deg.max()),
    }


def _bodily(error_px: F64) -> F64:
    """Without eyes and ears: the nose and what moves with the limbs, 17 keypoints."""
    return np.delete(error_px, _FACE, axis=-1)


def _add_keypoints(table: dict[str, Row], model: str, shipped: F64, after: F64) -> None:
    size = model.removeprefix("blazepose_")
    for number, name in enumerate(HALPE_26.names):
        if np.isfinite(shipped[..., number]).any() and np.isfinite(after[..., number]).any():
            table[name][f"{size} shipped"] = float(np.nanmedian(shipped[..., number]))
            table[name][f"{size} refined"] = float(np.nanmedian(after[..., number]))
