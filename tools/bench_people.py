"""The pose models on real footage: who is followed, and how well the cameras agree about them.

Pictures to 3D in one process, with the live chain's own steps; no deadline, so no frame is lost.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from capture import footage
from core import fusion, quality
from core.calibration import place
from core.calibration.people import fitted
from core.cameras import CameraModel, Rig, project, select
from core.config import CameraConfig, FusionConfig, PoseConfig, RunConfig
from core.messages import Keypoints2D, Pose3D, view
from core.pose.backend import Backend, Estimate
from core.skeletons import HALPE_26
from services import models, pose_backends, pose_weights, rig
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
    for number, views in pictures(files, every):
        found = follower.follow(views, poses[-1] if poses else None)
        for one, people in zip(views, found, strict=True):
            seen = _message(one, number, people, backend, known[one.camera])
            frames[one.camera, number] = seen
            state, fused = fusion.step(state, seen, calibrated, fusing)
            poses += fused
    return Trial(calibrated, poses, frames, follower.counts["detections"])


def pictures(files: Mapping[str, Path], every: int) -> Iterator[tuple[int, list[View]]]:
    """Each ``every``-th frame of four synchronous videos, with its number."""
    videos = [(files[f"{name}.mp4"], footage.index(files[f"{name}.mp4"])) for name in CAMERAS]
    open_videos = [footage.Pictures(path, index, _REDUCE, 0) for path, index in videos]
    for number in range(0, min(len(index.pts) for _, index in videos), every):
        t_ns = _START_NS + number * 1_000_000_000 // _RATE_HZ
        shown = [video.get(number) for video in open_videos]
        yield number, [View(n, t_ns, p) for n, p in zip(CAMERAS, shown, strict=True)]
    for video in open_videos:
        video.close()


def _message(
    one: View,
    frame: int,
    people: tuple[tuple[int, Estimate], ...],
    backend: Backend,
    model: CameraModel,
) -> Keypoints2D:
    height, width = one.picture.shape[:2]
    full = model.width_px, model.height_px
    persons = tuple(person2d(number, who, (width, height), full) for number, who in people)
    return Keypoints2D(
        t_ns=one.t_ns,
        stamps={},
        camera=one.camera,
        frame=frame,
        skeleton=backend.skeleton.name,
        model="bench",
        provider=backend.provider,
        derived=backend.derived,
        persons=persons,
    )


def measure(tell: Tell, chosen: Sequence[str] = MODELS) -> tuple[list[Row], list[Row]]:
    """Rows by footage and model, and by keypoint and model for the single person's footage."""
    found = [(group, *scored(group, model, tell)) for group in FOOTAGE for model in chosen]
    by_keypoint = [row for group, _, rows in found if group == "demo" for row in rows]
    return [row for _, row, _ in found], by_keypoint


def scored(group: str, model: str, tell: Tell) -> tuple[Row, list[Row]]:
    """A piece of footage with a pose model: as a whole, and by keypoint."""
    tell(f"{group}: {model}")
    files = models.ensure(group, progress=tell)
    pose_weights.ensure(model, progress=tell)
    trial = run(files, model)
    refined = _refined(trial, trial.poses[::2])
    shipped = errors_px(trial, trial.rig, trial.poses)
    after = errors_px(trial, refined, trial.poses[1::2])
    row = _row(group, model, trial, shipped, after, refined)
    return row, _keypoints(model, shipped, after)


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


def reprojection_px(trial: Trial) -> F64:
    """Errors (P, C, J) px of all people in the cameras they were triangulated from."""
    least, errors = FusionConfig().min_confidence, []
    for pose in trial.poses:
        for number, person in enumerate(pose.persons):
            seen_px, confidence = quality.views_of(pose, number, trial.frames, trial.rig)
            there_px = project(trial.rig, view(person, "measured_m").astype(np.float64))
            off_px = np.linalg.norm(seen_px - there_px, axis=-1)
            errors.append(np.where(confidence >= least, off_px, np.nan))
    return np.stack(errors)


def _refined(trial: Trial, poses: list[Pose3D]) -> Rig:
    views = [
        quality.views_of(pose, number, trial.frames, trial.rig)
        for pose in poses
        for number in range(len(pose.persons))
    ]
    least = FusionConfig().min_confidence
    points = np.concatenate([points for points, _ in views], axis=1)
    confidence = np.concatenate([sure for _, sure in views], axis=1)
    return fitted(trial.rig, points, np.where(confidence >= least, confidence, 0.0))


def _row(group: str, model: str, trial: Trial, shipped: F64, after: F64, refined: Rig) -> Row:
    kept = Counter(person.id for pose in trial.poses for person in pose.persons)
    views = [sum(d >= 0 for d in p.detections) for pose in trial.poses for p in pose.persons]
    found = [bool(one.persons) for one in trial.frames.values()]
    used = _bodily(reprojection_px(trial))
    return {
        "footage": group,
        "model": model.removeprefix("blazepose_"),
        "instants": len(trial.poses),
        "person: instants": ", ".join(f"{number}: {n}" for number, n in sorted(kept.items())),
        "tracked %": 100 * float(np.mean(found)),
        "cameras": float(np.mean(views)),
        "detector runs": trial.looks,
        "in use px": float(np.nanmedian(used)),
        "mean in use": float(np.nanmean(used)),
        "shipped px": float(np.nanmedian(_bodily(shipped))),
        "mean": float(np.nanmean(_bodily(shipped))),
        "refined px": float(np.nanmedian(_bodily(after))),
        "its mean": float(np.nanmean(_bodily(after))),
        "moved cm": 100 * float(place.moved_m(trial.rig, refined).max()),
        "turned deg": float(place.turned_deg(trial.rig, refined).max()),
    }


def _bodily(error_px: F64) -> F64:
    """Without eyes and ears: the nose and what moves with the limbs, 17 keypoints."""
    return np.delete(error_px, _FACE, axis=-1)


def _keypoints(model: str, shipped: F64, after: F64) -> list[Row]:
    return [
        {
            "keypoint": name,
            "model": model.removeprefix("blazepose_"),
            "shipped px": float(np.nanmedian(shipped[..., number])),
            "mean": float(np.nanmean(shipped[..., number])),
            "refined px": float(np.nanmedian(after[..., number])),
            "its mean": float(np.nanmean(after[..., number])),
        }
        for number, name in enumerate(HALPE_26.names)
        if np.isfinite(shipped[..., number]).any() and np.isfinite(after[..., number]).any()
    ]
