"""Cameras from people: a truth comes back, a size is held or given, and no harm is done."""

from dataclasses import replace

import numpy as np
import pytest

from core import segments, synthetic
from core.calibration import people, place, scale, scratch
from core.cameras import project
from core.errors import CalibrationError, ConfigError
from core.skeletons import HALPE_26
from core.synthetic_scenes import miscalibrated
from tests.unit.calibration.scenes import walk

HEIGHT_M = segments.height_m(synthetic.walk_m(1000)[::5], HALPE_26)


@pytest.mark.parametrize("n_cameras", [4, 8])
@pytest.mark.parametrize("is_given", [True, False])
def test_the_truth_comes_back(n_cameras, is_given):
    true = synthetic.ring(n_cameras)
    knocked = miscalibrated(true, 1.5, 0.03, seed=2)
    recording, known = walk(true, knocked), scale.Scale(HEIGHT_M)
    if is_given:
        done = people.refine(knocked, [recording], known, focal=False)
        assert done.before_px is not None
        assert done.before_px[people.ALL] > 3 * done.after_px[people.ALL]
    else:
        done = people.from_nothing(knocked, recording, known, 1920, focal=False)
        assert done.before_px is None
    assert done.is_better
    assert (done.n_fitted, done.n_scored) == (100, 100)
    same = place.put_like(done.rig, true, scaled=False)
    assert place.moved_m(true, same).max() < 0.005
    assert place.turned_deg(true, same).max() < 0.1


def test_from_nothing_stands_on_the_floor():
    true = synthetic.ring(4)
    recording = walk(true, true, noise_px=1.0)
    done = people.from_nothing(true, recording, scale.Scale(HEIGHT_M), 1920, focal=False)
    heights = place.centre_m(done.rig.cam_from_world)[:, 2]
    np.testing.assert_allclose(heights, place.centre_m(true.cam_from_world)[:, 2], atol=0.08)


def test_a_baseline_gives_the_size():
    true = synthetic.ring(4)
    done = people.refine(
        true, [walk(true, true)], scale.parse("baseline=cam01-cam03=5"), focal=False
    )
    places_m = place.centre_m(done.rig.cam_from_world)
    assert np.linalg.norm(places_m[0] - places_m[2]) == pytest.approx(5)


def test_what_is_worse_elsewhere_is_not_better():
    """At the fitted instants the cameras stood elsewhere than at those that count."""
    true = synthetic.ring(4)
    there = walk(miscalibrated(true, 1.0, 0.05, seed=3), true, noise_px=0.5)
    here = walk(true, true, noise_px=0.5)
    even = (np.arange(len(here.frames)) % 2 == 0)[:, None, None, None]
    mixed = replace(here, points_px=np.where(even, there.points_px, here.points_px))
    assert not people.refine(true, [mixed], scale.Scale(), focal=False).is_better


def test_derived_and_unsure_keypoints_do_not_count():
    true = synthetic.ring(4)
    recording = walk(true, true)
    wrong = recording.points_px.copy()
    wrong[:, 0, [18, 19]] += 300
    wrong[:, 1, 3] += 300
    unsure = recording.likelihood.copy()
    unsure[:, 1, 3] = 0.2
    spoilt = replace(recording, points_px=wrong, likelihood=unsure, derived=(18, 19))
    done = people.refine(true, [spoilt], scale.Scale(), focal=False)
    assert done.after_px[people.ALL] < 4
    assert done.moved_m.max() < 0.01


def test_several_people_count_together():
    true = synthetic.ring(4)
    knocked = miscalibrated(true, 1.5, 0.03, seed=2)
    both = [walk(true, knocked, 60, seed=1), walk(true, knocked, 60, seed=2)]
    done = people.refine(knocked, both, scale.Scale(), focal=False)
    assert (done.n_fitted, done.n_scored) == (60, 60)
    assert done.after_px[people.ALL] < 4


def test_too_little_is_explained():
    true = synthetic.ring(4)
    with pytest.raises(CalibrationError, match="4 instants at which two cameras"):
        people.refine(true, [walk(true, true, 8)], scale.Scale(), focal=False)
    blind = walk(true, true, 60)
    unseen = blind.likelihood.copy()
    unseen[:, 2] = 0
    with pytest.raises(CalibrationError, match="too little in common"):
        people.from_nothing(
            true, replace(blind, likelihood=unseen), scale.Scale(1.7), 1920, focal=False
        )


def test_people_who_do_not_agree_are_refused():
    true = synthetic.ring(4)
    one = walk(true, true, 60)
    shuffled = one.points_px.copy()
    shuffled[:, 1] = np.random.default_rng(0).uniform(0, 1000, shuffled[:, 1].shape)
    try:
        done = people.from_nothing(
            true, replace(one, points_px=shuffled), scale.Scale(1.7), 1920, focal=False
        )
    except CalibrationError:
        return
    assert not done.is_better


@pytest.mark.parametrize(
    "text", ["", "3", "height", "height=x", "height=0", "height=175", "height=nan",
             "baseline=3", "baseline=a-b=", "baseline=a-b=-1", "keep=1"]
)  # fmt: skip
def test_a_scale_that_is_none(text):
    with pytest.raises(ConfigError, match="--scale"):
        scale.parse(text)


def test_cameras_with_hyphens_and_without():
    rig = replace(synthetic.ring(3), names=("a-b", "c", "a"))
    assert scale._pair("a-b-c", rig.names) == (0, 1)
    with pytest.raises(CalibrationError, match="two of a-b, c, a"):
        scale._pair("a-x", rig.names)
    assert str(scale.parse("height=1.75")) == "height=1.75"
    assert str(scale.parse("baseline=a-b-c=2")) == "baseline=a-b-c=2"
    assert str(scale.parse("keep")) == "keep"


def test_nobody_upright_is_explained():
    true = synthetic.ring(4)
    points_m = np.full((10, 26, 3), np.nan)
    with pytest.raises(CalibrationError, match="no up and down"):
        scratch.upright(true, points_m, HALPE_26)
    with pytest.raises(CalibrationError, match="no height"):
        scale.put_on(true, scale.Scale(1.7), points_m, HALPE_26)


def test_points_are_where_they_are():
    true = synthetic.ring(4)
    truth_m = synthetic.walk_m(5)
    seen = project(true, truth_m).swapaxes(0, 1)
    found_m = scratch.triangulated(true, seen, np.ones(seen.shape[:3]))
    np.testing.assert_allclose(found_m, truth_m, atol=1e-6)
