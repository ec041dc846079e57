"""Each camera's noise is learnt, and the people's uncertainty with it."""

import numpy as np
import pytest

from core import fusion, noise, synthetic, triangulate
from core.cameras import project, undistort
from core.config import FusionConfig
from core.messages import Keypoints2D
from core.noise import Noise
from core.triangulate import Triangulated

RIG = synthetic.ring(4)
TRUE_SD_PX = np.array([2.0, 2.0, 6.0, 2.0])


def seen(n_frames: int, outliers: float = 0.0) -> list[Keypoints2D]:
    """A walker; the third camera three times as noisy as the others."""
    rng = np.random.default_rng(0)
    messages = []
    for frame, points_m in enumerate(synthetic.walk_m(n_frames)):
        pixels = project(RIG, points_m)
        pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * TRUE_SD_PX[:, None, None]
        pixels[rng.random(pixels.shape[:2]) < outliers] += 100.0
        for name, points_px in zip(RIG.names, pixels, strict=True):
            messages.append(synthetic.keypoints(name, frame, frame * 16_666_667, points_px))
    return messages


@pytest.mark.parametrize("outliers", [0.0, 0.05])
def test_a_camera_three_times_as_noisy_is_found_out(outliers):
    """From a guess of 6 px for all: within 30 % after 7 s, within 15 % after 13 s."""
    state, learnt = fusion.FusionState(), []
    for message in seen(800, outliers):
        state, poses = fusion.step(state, message, RIG, FusionConfig())
        if poses and poses[0].instant in (398, 798):
            assert state.noise
            learnt.append(state.noise.sd_px / 0.9)  # of a keypoint of confidence 0.9
    print(np.round(learnt, 2))
    np.testing.assert_allclose(learnt[0], TRUE_SD_PX, rtol=0.3)
    np.testing.assert_allclose(learnt[1], TRUE_SD_PX, rtol=0.15)


def test_it_can_be_switched_off():
    state, config = fusion.FusionState(), FusionConfig(learn_noise=False, keypoint_sd_px=5.0)
    for message in seen(20):
        state, _ = fusion.step(state, message, RIG, config)
    assert state.noise
    assert state.noise.sd_px.tolist() == [5.0] * 4


def test_two_cameras_teach_nothing():
    """They agree by construction but for one direction."""
    sd_px = np.full(4, 6.0)
    weight = np.ones((2, 26))
    pixels = undistort(RIG.image_from_cam, RIG.distortion, project(RIG, synthetic.standing_m()))[:2]
    found = triangulate.robust(RIG.image_from_world[:2], pixels, weight, sd_px[:2])
    learnt = noise.learn(
        Noise(sd_px, np.zeros(4)), np.array([0, 1]), weight, found, RIG.image_from_world[:2], 10**9
    )
    np.testing.assert_array_equal(learnt.sd_px, sd_px)


def test_a_glimpse_of_few_keypoints_teaches_nothing():
    found = Triangulated(
        np.zeros((26, 3)), np.zeros((26, 3, 3)), np.full(26, 3), np.full((3, 26), np.nan)
    )
    sd_px = np.full(4, 6.0)
    cameras = RIG.image_from_world[:3]
    learnt = noise.learn(
        Noise(sd_px, np.zeros(4)), np.arange(3), np.ones((3, 26)), found, cameras, 10**9
    )
    np.testing.assert_array_equal(learnt.sd_px, sd_px)
