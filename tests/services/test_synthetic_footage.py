"""From a folder with videos and networks of one's own to keypoints, against the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from capture import footage
from core.config import PoseConfig, RunConfig
from core.pose.backend import Backend, Estimate
from core.skeletons import HALPE_26
from services import prepare, rig, synthetic_footage
from services.pose_backends import open_backend
from services.synthetic_footage import Footage

F64 = NDArray[np.float64]
N_FRAMES = 20


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    folder = tmp_path_factory.mktemp("footage")
    return synthetic_footage.write(folder, n_frames=N_FRAMES, rate_hz=15, raw_detector=True)


@pytest.fixture(scope="module")
def run(scene: Footage) -> RunConfig:
    return prepare.read_run(scene.run_file)


def test_the_calibration_is_that_of_the_pictures(scene: Footage, run: RunConfig) -> None:
    found = rig.models_of(run)
    for model in scene.models:
        mine = found[model.name]
        assert (mine.width_px, mine.height_px) == (model.width_px, model.height_px)
        np.testing.assert_allclose(mine.image_from_cam, model.image_from_cam)
        np.testing.assert_allclose(mine.cam_from_world, model.cam_from_world, atol=1e-9)


def test_somebody_is_hidden_now_and_then(scene: Footage) -> None:
    seen = scene.visible.mean(axis=-1)  # (C, T, P)
    assert scene.visible.any(axis=(0, 1)).all()
    assert seen.min() < 0.5 < np.median(seen)


def test_two_walkers_in_four_cameras_are_measured_within_a_pixel(
    scene: Footage, run: RunConfig
) -> None:
    """Found anew in each frame, so that no error is carried on."""
    backend = open_backend(run.pose)
    assert backend.skeleton is HALPE_26
    index = [footage.index(one) for one in scene.videos]
    pictures = [
        footage.Pictures(path, frames, 1, 0)
        for path, frames in zip(scene.videos, index, strict=True)
    ]
    errors, found = [], 0
    for t in range(N_FRAMES):
        now = [one.get(t) for one in pictures]
        jobs = [
            (camera, (now[camera], one.roi))
            for camera, people in enumerate(backend.detect(now))
            for one in people
        ]
        estimates = backend.estimate([job for _, job in jobs])
        for (camera, _), estimate in zip(jobs, estimates, strict=True):
            found += estimate.presence >= run.pose.min_presence
            errors.append(errors_px(estimate, scene, camera, t))
    for one in pictures:
        one.close()
    every = np.concatenate(errors)
    assert found >= 0.95 * 4 * 2 * N_FRAMES
    assert np.median(every) < 1
    assert np.quantile(every, 0.9) < 3


def errors_px(estimate: Estimate, scene: Footage, camera: int, t: int) -> F64:
    """Of what is seen and found, against the person that fits best."""
    truth, seen = scene.points_px[camera, t] + 0.5, scene.visible[camera, t]
    away = np.linalg.norm(truth - estimate.points_px, axis=-1)
    who = int(np.nanmedian(away, axis=1).argmin())
    return away[who][seen[who] & (estimate.confidence >= 0.3)]


def test_names_of_ones_own_do_as_well(scene: Footage) -> None:
    folder = scene.run_file.parent
    names = (*HALPE_26.names[:-1], "RSpur")
    mine = PoseConfig(
        model="custom",
        detector_path=str(folder / "detector.onnx"),
        pose_path=str(folder / "pose.onnx"),
        keypoints=names,
        provider="cpu",
    )
    backend: Backend = open_backend(mine)
    assert backend.skeleton.names == names
