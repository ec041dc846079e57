"""What a pose model sees in the demo footage, picture by picture: for benches."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from capture import footage
from core import calibration, cameras, config
from core.cameras import Rig
from core.config import PoseConfig, RunConfig
from core.errors import ConfigError
from core.messages import Keypoints2D, Person2D
from core.pose.backend import Backend, Estimate
from core.pose.crops import Roi
from services import models
from services.pose_backends import open_backend

F64 = NDArray[np.float64]

_RUN = Path(__file__).parents[1] / "configs" / "demo.toml"
_CALIBRATION = "asset:demo/Calib.qca.txt"
"""As it came with the footage: what is refined on one model's keypoints would favour that model."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One person in footage of some cameras, frame by frame."""

    rig: Rig
    messages: list[Keypoints2D]
    """In the order of capture."""
    score: F64  # (T, C, J), NaN where there is none
    height_px: F64  # (T, C) of the region


def demo(model: str) -> Seen:
    """The published demo footage, all frames, half size.

    Raises:
        ConfigError: no such model.
        KineliveError: its files or the footage are not in the cache.
    """
    try:
        wanted = msgspec.convert({"model": model}, PoseConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--model: {error}") from error
    run = config.read(_RUN.read_text(encoding="utf-8"), str(_RUN))
    names = [one.name for one in run.cameras]
    where = models.resolve(_CALIBRATION)
    known = calibration.parse(where.name, where.read_text(encoding="utf-8"))
    backend = open_backend(wanted)
    each = [_of_camera(backend, run, name, model) for name in names]
    in_order = [one for together in zip(*(row[0] for row in each), strict=True) for one in together]
    score = np.stack([np.stack(row[1]) for row in each], axis=1)
    height = np.stack([np.array(row[2]) for row in each], axis=1)
    return Seen(cameras.select(known, names, str(where)), in_order, score, height)


def _of_camera(
    backend: Backend, run: RunConfig, name: str, model: str
) -> tuple[list[Keypoints2D], list[F64], list[float]]:
    path = models.resolve(run.camera(name).path)
    frames, factor = footage.index(path), run.camera(name).reduce
    pictures = footage.Pictures(path, frames, factor, 0.0)
    roi: Roi | None = None
    messages, scores, heights = list[Keypoints2D](), list[F64](), list[float]()
    for frame in range(len(frames.pts)):
        picture = pictures.get(frame)
        if roi is None:
            roi = next((one.roi for one in backend.detect([picture])[0]), None)
        found = backend.estimate([(picture, roi)])[0] if roi is not None else None
        heights.append(factor * roi.height_px if roi is not None else np.nan)
        held = found is not None and found.presence >= run.pose.min_presence
        roi = found.next_roi if found is not None and held else None
        persons = (_person(found, float(factor)),) if found is not None and held else ()
        scores.append(_score(found, len(backend.skeleton.names)))
        messages.append(
            Keypoints2D(
                t_ns=round(float(frames.since_first_s(frame)) * 1e9),
                camera=name,
                frame=frame,
                skeleton=backend.skeleton.name,
                model=model,
                provider=backend.provider,
                derived=backend.derived,
                persons=persons,
            )
        )
    pictures.close()
    return messages, scores, heights


def _score(found: Estimate | None, n_keypoints: int) -> F64:
    """(J,)"""
    if found is None:
        return np.full(n_keypoints, np.nan)
    return found.confidence if found.score is None else found.score


def _person(found: Estimate, factor: float) -> Person2D:
    points_px = (found.points_px * factor - 0.5).astype("<f4")
    confidence = found.confidence.astype("<f4").tobytes()
    return Person2D(1, points_px.tobytes(), confidence, found.covariance_at(np.full(2, factor)))
