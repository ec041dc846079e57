import numpy as np
import pytest

from core import segments, synthetic
from core.skeletons import HALPE_26, SKELETONS

N_FRAMES = 60


def standing(n_frames: int = N_FRAMES) -> np.ndarray:
    return np.repeat(synthetic.standing_m()[None], n_frames, axis=0)


def test_a_rigid_body_does_not_vary():
    walking = standing() + np.linspace(0, 3, N_FRAMES)[:, None, None]
    lengths = segments.lengths_m(walking, HALPE_26)
    assert len(lengths) == len(segments.SEGMENTS) == 12
    assert segments.variation(walking, HALPE_26) == pytest.approx(0, abs=1e-12)


def test_variation_is_relative_and_leaves_missing_points_out():
    stretched = standing() * np.linspace(0.9, 1.1, N_FRAMES)[:, None, None]
    stretched[::3, HALPE_26.index("RWrist")] = np.nan
    expected = np.linspace(0.9, 1.1, N_FRAMES).std()
    assert segments.variation(stretched, HALPE_26) == pytest.approx(expected, rel=0.01)


def test_height_is_scaled_with_the_body_and_does_not_mind_outliers():
    truth = segments.height_m(standing(), HALPE_26)
    assert 1.4 < truth < 2.1
    assert segments.height_m(1.1 * standing(), HALPE_26) == pytest.approx(1.1 * truth)
    spoilt = standing()
    spoilt[::5] *= 3
    assert segments.height_m(spoilt, HALPE_26) == pytest.approx(truth)


def test_frames_with_bent_legs_are_left_out():
    truth = segments.height_m(standing(), HALPE_26)
    points_m = standing(200)
    for side in "RL":  # sitting on the heels, with bones that the network makes shorter
        points_m[60:, HALPE_26.index(side + "Ankle")] = points_m[60:, HALPE_26.index(side + "Hip")]
    assert segments.height_m(points_m, HALPE_26) == pytest.approx(truth)


def test_without_head_and_heels_it_still_answers():
    truth = segments.height_m(standing(), HALPE_26)
    headless = standing()
    headless[:, [HALPE_26.index("Head"), HALPE_26.index("Nose")]] = np.nan
    assert segments.height_m(headless, HALPE_26) == pytest.approx(truth, rel=0.15)
    coco = SKELETONS["COCO_17"]
    assert segments.height_m(standing()[:, :17], coco) == pytest.approx(truth, rel=0.2)


def test_what_is_never_seen_gives_nan():
    hand = SKELETONS["HAND_21"]
    assert np.isnan(segments.height_m(np.zeros((3, 21, 3)), hand))
    assert np.isnan(segments.variation(np.zeros((3, 21, 3)), hand))
    assert np.isnan(segments.height_m(np.full((3, 26, 3), np.nan), HALPE_26))
