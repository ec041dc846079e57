"""A whole recording at once: keypoints of all frames to points, and how good these are.

Letters: T frames, C cameras, J keypoints. One person, at most once in each camera and frame.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import cameras, swaps, triangulate, triangulate_pose2sim
from core.anatomy import anatomy_of, limbs_missing
from core.cameras import Rig
from core.errors import ConfigError
from core.process_config import TriangulationConfig
from core.skeletons import Skeleton

F64 = NDArray[np.float64]

_LEAST_SCALE_PX = 12.0
_SCALE_FACTOR = 3.0
_NO_SCALE_PX = 1e9
_MIN_KNOWN = 4  # keypoints that make a body a prediction
_REMEMBERED_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the cameras saw of one person, on a grid of frames common to all."""

    rig: Rig
    skeleton: Skeleton
    rate_hz: float
    frames: NDArray[np.int64]  # (T,) consecutive
    points_px: F64  # (T, C, J, 2) with the lens, NaN where not detected
    likelihood: F64  # (T, C, J) 0..1, 0 where not detected
    derived: tuple[int, ...] = ()
    """Keypoints that are computed from others: no honest error can be told from them."""


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Points in the world."""

    points_m: F64  # (T, J, 3) world, Z up, NaN where fewer cameras than asked for saw it
    error_px: F64  # (T, J) mean distance to the reprojection in the cameras used, NaN likewise
    n_cameras: NDArray[np.int64]  # (T, J) cameras used, 0 where there is no point


def surest(
    detections: Mapping[tuple[int, int], Sequence[F64]], shape: tuple[int, int, int]
) -> tuple[F64, F64]:
    """Of the people in each picture take the one with the largest mean likelihood.

    Args:
        detections: people, each (J, 3) x px, y px, likelihood, by (row of time, camera).
        shape: T, C, J.

    Returns:
        (T, C, J, 2) px, NaN where not detected, and likelihood (T, C, J).
    """
    points_px, likelihood = np.full((*shape, 2), np.nan), np.zeros(shape)
    for place, people in detections.items():
        if people:
            person = max(people, key=lambda one: float(one[:, 2].mean()))
            points_px[place], likelihood[place] = person[:, :2], person[:, 2]
    return points_px, likelihood


def put_right(recording: Recording, config: TriangulationConfig) -> Recording:
    """Undo left/right swaps of whole bodies, camera by camera.

    A skeleton without the twelve limb keypoints stays as it is. Each frame is compared with the
    points of the frames before, as the live chain does.
    """
    if limbs_missing(recording.skeleton):
        return recording
    partner = anatomy_of(recording.skeleton.name).partner
    flags = _swapped(recording, config)[:, :, None]
    return replace(
        recording,
        points_px=np.where(
            flags[..., None], recording.points_px[:, :, partner], recording.points_px
        ),
        likelihood=np.where(flags, recording.likelihood[:, :, partner], recording.likelihood),
    )


def _swapped(recording: Recording, config: TriangulationConfig) -> NDArray[np.bool_]:
    """Flags (T, C)."""
    in_px = recording.rig.image_from_world
    anatomy = anatomy_of(recording.skeleton.name)
    ideal_px, weight = _ideal(recording), _usable(recording, config.min_likelihood)
    known = np.full((anatomy.n_keypoints, 3), np.nan)
    age = np.zeros(len(known))
    flags = np.zeros(weight.shape[:2], dtype=bool)
    for row, (pixels, weights) in enumerate(zip(ideal_px, weight, strict=True)):
        known[age > _REMEMBERED_S * recording.rate_hz] = np.nan
        if np.isfinite(known[:, 0]).sum() < _MIN_KNOWN:
            flags[row] = swaps.from_scratch(in_px, pixels, weights, anatomy)
        else:
            flags[row] = swaps.against_prediction(
                in_px, known, pixels, weights, config.swap_gain, anatomy
            )
        put_right = (swaps.apply(values, flags[row], anatomy) for values in (pixels, weights))
        now = triangulate.linear(in_px, *put_right)
        seen = np.isfinite(now[:, 0])
        known = np.where(seen[:, None], now, known)
        age = np.where(seen, 0, age + 1)
    return flags


def with_scale(recording: Recording, config: TriangulationConfig) -> TriangulationConfig:
    """``with_common_scale`` for one person."""
    return with_common_scale([recording], config)


def with_common_scale(
    recordings: Iterable[Recording], config: TriangulationConfig
) -> TriangulationConfig:
    """Settle ``robust_px`` where it is 0: three times the median error in a held-out camera.

    That error is taken of all people together and without soft weights; the scale is at least
    12 px. A scale below what the calibration is off by would switch cameras on and off from frame
    to frame.
    """
    if config.method != "robust" or config.robust_px > 0:
        return config
    plain = msgspec.structs.replace(config, robust_px=_NO_SCALE_PX)
    errors_px = [held_out_px(one, plain).ravel() for one in recordings]
    error_px = np.concatenate([np.empty(0), *errors_px])
    error_px = error_px[np.isfinite(error_px)]
    typical_px = float(np.median(error_px)) if len(error_px) else 0.0
    scale_px = round(max(_LEAST_SCALE_PX, _SCALE_FACTOR * typical_px), 1)
    return msgspec.structs.replace(config, robust_px=scale_px)


def triangulate_all(recording: Recording, config: TriangulationConfig) -> Reconstruction:
    """Triangulate every keypoint of every frame on its own, by the method of ``config``.

    Raises:
        ConfigError: more cameras than the method can take.
    """
    config = with_scale(recording, config)
    if config.method == "pose2sim":
        return _by_search(recording, config)
    return _softly(recording, config)


def _by_search(recording: Recording, config: TriangulationConfig) -> Reconstruction:
    try:
        found = triangulate_pose2sim.search(
            recording.points_px,
            recording.likelihood,
            recording.rig.image_from_world,
            min_likelihood=config.min_likelihood,
            max_error_px=config.max_error_px,
            min_cameras=config.min_cameras,
        )
    except ValueError as error:
        raise ConfigError(f"triangulation.method=pose2sim: {error}") from error
    there = np.isfinite(found.points_m[..., 0])
    n_cameras = np.where(there, found.used.sum(axis=1), 0)
    return Reconstruction(found.points_m, np.where(there, found.error_px, np.nan), n_cameras)


def _softly(recording: Recording, config: TriangulationConfig) -> Reconstruction:
    weight = _usable(recording, config.min_likelihood)  # (T, C, J)
    n_frames, n_cameras, n_keypoints = weight.shape
    weight = np.where((weight > 0).sum(axis=1, keepdims=True) < config.min_cameras, 0.0, weight)
    found = triangulate.robust(
        recording.rig.image_from_world,
        _ideal(recording).swapaxes(0, 1).reshape(n_cameras, -1, 2),
        weight.swapaxes(0, 1).reshape(n_cameras, -1),
        config.robust_px / triangulate.TUNING,
    )
    there = np.isfinite(found.points_m[:, 0])
    total = np.where(np.isfinite(found.error_px), found.error_px, 0.0).sum(axis=0)
    error_px = np.where(there, total / np.maximum(found.n_views, 1), np.nan)
    shape = n_frames, n_keypoints
    return Reconstruction(
        found.points_m.reshape(*shape, 3),
        error_px.reshape(shape),
        np.where(there, found.n_views, 0).reshape(shape),
    )


def held_out_px(recording: Recording, config: TriangulationConfig) -> F64:
    """Distance of each keypoint to where the other cameras put it by the same method, (T, C, J).

    NaN where the camera did not see it, the others give no point, or the keypoint is derived.
    ``core.quality`` says why this is the honest number; there the others are triangulated linearly,
    here by the method that is judged.
    """
    usable = _usable(recording, config.min_likelihood) > 0
    error_px = np.full(usable.shape, np.nan)
    for camera in range(usable.shape[1]):
        others = recording.likelihood.copy()
        others[:, camera] = 0.0
        points_m = triangulate_all(replace(recording, likelihood=others), config).points_m
        expected_px = _seen_by(recording.rig, camera, points_m, config)
        distance = np.linalg.norm(expected_px - recording.points_px[:, camera], axis=-1)
        error_px[:, camera] = np.where(usable[:, camera], distance, np.nan)
    error_px[:, :, list(recording.derived)] = np.nan
    return error_px


def _seen_by(rig: Rig, camera: int, points_m: F64, config: TriangulationConfig) -> F64:
    """Points (T, J, 3) in one camera, (T, J, 2) px, with the lens where the method corrects it."""
    if config.method == "robust":
        return cameras.project(rig, points_m)[camera]
    flat = triangulate.reproject(rig.image_from_world[[camera]], points_m.reshape(-1, 3))[0]
    return flat.reshape(*points_m.shape[:-1], 2)


def _usable(recording: Recording, min_likelihood: float) -> F64:
    """Likelihood (T, C, J) where it is enough, else 0."""
    seen = np.isfinite(recording.points_px).all(axis=-1)
    enough = seen & (recording.likelihood >= min_likelihood)
    return np.where(enough, recording.likelihood, 0.0)


def _ideal(recording: Recording) -> F64:
    """Pixels of ideal lenses, (T, C, J, 2)."""
    n_frames, n_cameras, n_keypoints, _ = recording.points_px.shape
    by_camera = recording.points_px.swapaxes(0, 1).reshape(n_cameras, -1, 2)
    rig = recording.rig
    ideal_px = cameras.undistort(rig.image_from_cam, rig.distortion, by_camera)
    return ideal_px.reshape(n_cameras, n_frames, n_keypoints, 2).swapaxes(0, 1)
