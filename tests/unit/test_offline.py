from dataclasses import replace

import numpy as np
import pytest

from core import offline, process_config, synthetic
from core.cameras import project
from core.errors import ConfigError
from core.offline import Recording
from core.process_config import TriangulationConfig
from core.skeletons import HALPE_26, SKELETONS, Skeleton

RIG = synthetic.ring(4)
N_FRAMES = 40
ROBUST, PEER = TriangulationConfig(), TriangulationConfig(method="pose2sim")


def truth_m(n_frames: int = N_FRAMES) -> np.ndarray:
    shift = 0.2 * np.sin(np.arange(n_frames) / 10)
    return synthetic.standing_m()[None] + shift[:, None, None] * np.array([1.0, 0.5, 0.0])


def recording(points_m: np.ndarray, skeleton: Skeleton = HALPE_26) -> Recording:
    points_px = project(RIG, points_m).swapaxes(0, 1)
    frames = np.arange(len(points_m))
    return Recording(RIG, skeleton, 60.0, frames, points_px, np.full(points_px.shape[:3], 0.9))


def with_swaps(clean: Recording) -> Recording:
    points_px = clean.points_px.copy()
    points_px[5:20, 1] = points_px[5:20, 1][:, list(clean.skeleton.partner)]
    points_px[30:, 3] = points_px[30:, 3][:, list(clean.skeleton.partner)]
    return replace(clean, points_px=points_px)


def test_robust_finds_the_truth_through_the_lens():
    found = offline.triangulate_all(recording(truth_m()), ROBUST)
    np.testing.assert_allclose(found.points_m, truth_m(), atol=1e-6)
    assert (found.n_cameras == 4).all()
    assert found.error_px.max() < 1e-3


def test_the_search_finds_the_truth_without_a_lens():
    plain = replace(RIG, distortion=np.zeros_like(RIG.distortion))
    seen = recording(truth_m())
    points_px = project(plain, truth_m()).swapaxes(0, 1)
    seen = replace(seen, rig=plain, points_px=points_px)
    found = offline.triangulate_all(seen, PEER)
    np.testing.assert_allclose(found.points_m, truth_m(), atol=1e-8)
    assert (found.n_cameras == 4).all()


def test_the_search_leaves_a_bad_camera_out_and_says_so():
    seen = recording(truth_m())
    points_px = seen.points_px.copy()
    points_px[:, 2, 0] += 200.0
    found = offline.triangulate_all(replace(seen, points_px=points_px), PEER)
    assert (found.n_cameras[:, 0] == 3).all()


@pytest.mark.parametrize("config", [ROBUST, PEER])
def test_too_few_cameras_give_nan(config):
    seen = recording(truth_m())
    likelihood = seen.likelihood.copy()
    likelihood[10, 1:] = 0.1
    found = offline.triangulate_all(replace(seen, likelihood=likelihood), config)
    assert np.isnan(found.points_m[10]).all()
    assert (found.n_cameras[10] == 0).all()
    assert np.isfinite(np.delete(found.points_m, 10, axis=0)).all()
    strict = process_config.build({"triangulation.min_cameras": 3})
    likelihood[11, 2:] = 0.0
    found = offline.triangulate_all(replace(seen, likelihood=likelihood), strict.triangulation)
    assert np.isnan(found.points_m[11]).all()


@pytest.mark.parametrize("name", ["HALPE_26", "COCO_17"])
def test_swapped_bodies_are_put_right(name):
    skeleton = SKELETONS[name]
    clean = recording(truth_m()[:, : len(skeleton.names)], skeleton)
    mended = offline.put_right(with_swaps(clean), ROBUST)
    np.testing.assert_array_equal(mended.points_px, clean.points_px)


def test_a_skeleton_without_limbs_stays_as_it_is():
    hand = recording(truth_m()[:, :21], SKELETONS["HAND_21"])
    assert offline.put_right(hand, ROBUST) is hand


def test_the_held_out_error_is_what_a_camera_is_off_by():
    seen = recording(truth_m())
    points_px = seen.points_px.copy()
    points_px[:, 2] += np.array([30.0, 40.0])
    error_px = offline.held_out_px(replace(seen, points_px=points_px), ROBUST)
    assert error_px.shape == (N_FRAMES, 4, 26)
    assert np.median(error_px[:, 2]) == pytest.approx(50.0, abs=0.01)
    derived = replace(seen, derived=(3, 4))
    error_px = offline.held_out_px(derived, ROBUST)
    assert np.isnan(error_px[:, :, [3, 4]]).all()
    assert np.nanmax(error_px) < 1e-3


def test_the_scale_of_the_weights_follows_the_recording():
    assert offline.with_scale(recording(truth_m()), ROBUST).robust_px == 12.0
    noise_px = np.random.default_rng(4).normal(0, 20, (N_FRAMES, 4, 26, 2))
    seen = recording(truth_m())
    noisy = replace(seen, points_px=seen.points_px + noise_px)
    assert 60 < offline.with_scale(noisy, ROBUST).robust_px < 150
    given = process_config.build({}, ["triangulation.robust_px=30"]).triangulation
    assert offline.with_scale(noisy, given) is given


def test_the_surest_person_of_each_picture_is_taken():
    weak, sure = np.full((2, 3), 0.4), np.full((2, 3), 0.8)
    points_px, likelihood = offline.surest({(0, 1): [weak, sure], (1, 0): []}, (2, 2, 2))
    np.testing.assert_array_equal(points_px[0, 1], sure[:, :2])
    np.testing.assert_array_equal(likelihood, [[[0, 0], [0.8, 0.8]], [[0, 0], [0, 0]]])
    assert np.isnan(points_px[1]).all()


def test_settings_of_the_command_win_over_the_project():
    project = {"triangulation.min_likelihood": 0.5, "filtering.enabled": True}
    config = process_config.build(
        project, ["filtering.enabled = false", "triangulation.method=pose2sim"]
    )
    assert config.triangulation.min_likelihood == 0.5
    assert config.triangulation.method == "pose2sim"
    assert config.filtering.enabled is False


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("filtering.enable=false", r"no such setting; known:.*filtering\.enabled"),
        ("filtering.enabled", "key=value"),
        ("filtering.enabled=maybe", "filtering.enabled"),
        ("triangulation.method=best", "triangulation.method"),
        ("kinematics.model=best", "kinematics.model"),
        ("sync.enabled=true", "not part of process yet"),
    ],
)
def test_a_setting_that_cannot_be_honoured_is_refused(assignment, says):
    with pytest.raises(ConfigError, match=says):
        process_config.build({}, [assignment])
    process_config.build({}, ["kinematics.enabled=false", "sync.enabled=false"])
