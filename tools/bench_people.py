"""The published footage of one and of two people through the live chain: who is followed, how well.

Error of one person: in a held-out camera, once with the cameras as published and once refined on
the even instants and scored on the odd ones. Error of two people: reprojection in the cameras that
were used, as is usual. Both over the 17 keypoints of body and feet.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import config, quality
from core.cameras import Rig, project
from core.config import RunConfig
from core.messages import Keypoints2D, view
from core.skeletons import HALPE_26
from services import models, people_chain, prepare, rig
from services.people_chain import Seen
from services.pose_backends import open_backend
from tools import bench_extrinsics
from tools.terminal import progress

F64 = NDArray[np.float64]
Row = dict[str, float | str]

MODELS = ("blazepose_lite", "blazepose_full", "blazepose_heavy")
_CONFIGS = Path(__file__).parents[1] / "configs"
_SIDES = ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Heel", "BigToe")
KEYPOINTS = ("Nose", *(side + name for name in _SIDES for side in "LR"))
_PLACES = [HALPE_26.index(name) for name in KEYPOINTS]


class Report(NamedTuple):
    """All tables."""

    one: list[Row]
    keypoints: list[Row]
    two: list[Row]


def measure(models_: Sequence[str] = MODELS) -> Report:
    """All tables for some pose models."""
    report = Report([], [], [])
    for model in models_:
        progress.print(f"{model}: one person, then two")
        run, seen = watched("demo", model)
        rows, keypoints = one_person(model, seen, rig.rig_of(run), run.fusion.min_confidence)
        report.one.extend(rows)
        report.keypoints.extend(keypoints)
        run, seen = watched("demo_two", model)
        report.two.extend(people(model, seen, rig.rig_of(run), run.fusion.min_confidence))
    return report


def watched(footage: str, model: str, every: int = 1) -> tuple[RunConfig, list[Seen]]:
    """The settings of a demo with a pose model, and all instants of its footage."""
    file = _CONFIGS / f"{footage}.toml"
    for group in prepare.asset_groups(file):
        models.ensure(group, progress=progress.print)
    tree = msgspec.to_builtins(prepare.read_run(file))
    run = config.build({**tree, "pose": {**tree["pose"], "model": model}}, "--model")
    models.ensure(models.pose_group(model), progress=progress.print)
    return run, list(people_chain.watch(run, open_backend(run.pose), every))


def one_person(
    model: str, seen: Sequence[Seen], cameras: Rig, min_confidence: float
) -> tuple[list[Row], list[Row]]:
    """Followed where, and the error in a held-out camera: whole, and by keypoint."""
    points_px, confidence = _views(seen, cameras, _who(seen)[0])
    shipped = _held_out(cameras, points_px, confidence, min_confidence)
    weight = np.where(confidence[::2] >= min_confidence, confidence[::2], 0.0)
    flat = points_px[::2].transpose(1, 0, 2, 3).reshape(len(cameras.names), -1, 2)
    moved = bench_extrinsics.refined(
        cameras, flat, weight.transpose(1, 0, 2).reshape(len(flat), -1)
    )
    refined = _held_out(moved, points_px[1::2], confidence[1::2], min_confidence)
    found = [bool(one.persons) for instant in seen for one in instant.keypoints]
    rows: list[Row] = [
        {"model": model, "cameras": name, "tracked, %": 100 * float(np.mean(found))}
        | _spread(errors)
        | {c: float(np.nanmedian(errors[:, i])) for i, c in enumerate(cameras.names)}
        for name, errors in (("as published", shipped), ("refined", refined))
    ]
    by_keypoint: list[Row] = [
        {"model": model, "keypoint": name}
        | _spread(shipped[..., j])
        | {f"refined {key}": value for key, value in _spread(refined[..., j]).items()}
        for j, name in enumerate(KEYPOINTS)
    ]
    return rows, by_keypoint


def people(model: str, seen: Sequence[Seen], cameras: Rig, min_confidence: float) -> list[Row]:
    """For each fused person: in how many instants and cameras, and its reprojection error."""
    rows: list[Row] = []
    for who in _who(seen):
        there = [one for one in seen if any(p.id == who for p in one.pose.persons)]
        counts, errors = [], []
        for instant in there:
            place = [p.id for p in instant.pose.persons].index(who)
            person = instant.pose.persons[place]
            counts.append(sum(one >= 0 for one in person.detections))
            points_px, confidence = quality.views_of(instant.pose, place, _frames(instant), cameras)
            there_px = project(cameras, view(person, "measured_m").astype(np.float64))
            off_px = np.linalg.norm(points_px - there_px, axis=-1)[:, _PLACES]
            errors.append(np.where(confidence[:, _PLACES] >= min_confidence, off_px, np.nan))
        share: Row = {"model": model, "person": str(who), "instants": float(len(there))}
        share |= {"of": float(len(seen)), "cameras a frame": float(np.mean(counts))}
        rows.append(share | _spread(np.array(errors)))
    return rows


def _who(seen: Sequence[Seen]) -> list[int]:
    """Everybody ever fused, those seen longest first."""
    ids = [person.id for one in seen for person in one.pose.persons]
    return sorted(set(ids), key=lambda who: (-ids.count(who), who))


def _frames(seen: Seen) -> dict[tuple[str, int], Keypoints2D]:
    return {(one.camera, one.frame): one for one in seen.keypoints}


def _views(seen: Sequence[Seen], cameras: Rig, who: int) -> tuple[F64, F64]:
    """What the cameras saw of a person, (T, C, 17, 2) px and (T, C, 17), as fusion put it right."""
    found = []
    for one in seen:
        places = [p.id for p in one.pose.persons]
        if who in places:
            found.append(quality.views_of(one.pose, places.index(who), _frames(one), cameras))
    points_px, confidence = (np.stack(each) for each in zip(*found, strict=True))
    return points_px[:, :, _PLACES], confidence[:, :, _PLACES]


def _held_out(cameras: Rig, points_px: F64, confidence: F64, min_confidence: float) -> F64:
    """Distances (T, C, 17) px; NaN where not seen."""
    pairs = zip(points_px, confidence, strict=True)
    return np.stack([quality.held_out_px(cameras, *one, min_confidence) for one in pairs])


def _spread(errors_px: F64) -> dict[str, float]:
    known = errors_px[np.isfinite(errors_px)]
    median, p90 = np.percentile(known, [50, 90])
    return {"median px": float(median), "mean px": float(known.mean()), "p90 px": float(p90)}
