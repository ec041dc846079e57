"""What a calibration is worth: limits, the worst decides, and what to do is said."""

import numpy as np
import pytest

from core import synthetic
from core.calibration import bands, coverage, plausible
from core.calibration.sighting import Sighting
from tests.services.calibration_reports import models_of


@pytest.mark.parametrize("band", bands.BANDS, ids=lambda band: band.name)
def test_a_limit_belongs_to_the_better_side(band):
    worse = -0.01 if band.more_is_better else 0.01
    assert band.word(band.good) == "good"
    assert band.word(band.good + worse) == "acceptable"
    assert band.word(band.acceptable) == "acceptable"
    assert band.word(band.acceptable + worse) == "redo"
    assert band.word(float("nan")) == "redo"
    assert band.means
    assert band.remedy


def test_the_worst_figure_of_the_worst_camera_decides_and_is_said():
    said = bands.headline(
        [
            bands.CORNERS.judge(0.01, "cam01", "0.19 px"),
            bands.VIEWS.judge(7, "cam01"),
            bands.VIEWS.judge(3, "cam02"),
            bands.FOCAL.judge(1.0, "cam01"),
        ]
    )
    assert said.word == "redo"
    assert said.reasons == (
        "Pictures used: cam02 3, cam01 7; good is at least 10.",
        "Focal length known to: cam01 1.00 %; good is at most 0.5 %.",
    )
    assert said.remedies == (bands.VIEWS.remedy, bands.FOCAL.remedy)


def test_good_asks_for_nothing():
    said = bands.headline([bands.CORNERS.judge(0.01, "cam01"), bands.VIEWS.judge(12, "cam01")])
    assert (said.word, said.remedies) == ("good", ())
    assert said.reasons == ("Error of the corners: cam01 0.010 %.", "Also good: pictures used.")
    assert bands.headline([]).word == "redo"


def test_the_lens_is_guessed_where_nothing_was_seen():
    left = np.random.default_rng(0).uniform([0, 0], [959, 1079], (5000, 2))
    cells = coverage.counts(np.concatenate([left, [[np.nan, 3.0], [-5.0, 3.0]]]), (1920, 1080))
    assert cells.shape == (6, 8)
    assert cells.sum() == 5000
    assert (cells[:, 4:] == 0).all()
    assert coverage.share(cells) == 0.5
    assert coverage.counts(left, (1080, 1920)).shape == (8, 6)


def test_a_sighting_knows_how_far_it_is_off():
    seen = np.array([[0.0, 0.0], [np.nan, np.nan], [10.0, 0.0]])
    one = Sighting("cam01", "a", seen, seen + [3.0, 4.0])
    np.testing.assert_allclose(one.error_px, [5, np.nan, 5])
    assert one.rms_px == 5
    assert np.isnan(Sighting("cam01", "b", seen[:0], seen[:0]).rms_px)


def words(rig_models):
    judged = plausible.judge(rig_models)
    return {(one.by, one.camera): one.word for one in judged if one.word != "good"}


def test_cameras_in_a_room_are_plausible():
    assert words(models_of(synthetic.ring(4))) == {}
    lens_only = models_of(synthetic.ring(4))[:1] * 2
    assert not any(one.by is plausible.AIM for one in plausible.judge(lens_only))


def test_what_is_no_camera_of_a_room_is_named():
    from dataclasses import replace

    models = models_of(synthetic.ring(4))
    turn = np.diag([1.0, -1.0, -1.0])  # what was up is down, what was ahead is behind
    behind = [replace(models[0], cam_from_world=turn @ models[0].cam_from_world), *models[1:]]
    assert words(behind)[plausible.AIM, "cam01"] == "redo"
    sunk = np.eye(4)
    sunk[2, 3] = 10.0  # the origin is 10 m up
    below = [replace(one, cam_from_world=one.cam_from_world @ sunk) for one in models]
    assert {by for by, _ in words(below)} == {plausible.FLOOR}
    twice = [*models, replace(models[0], name="cam09")]
    assert words(twice)[plausible.APART, ""] == "redo"
    half = [replace(models[0], width_px=600, height_px=300), *models[1:]]
    assert words(half)[plausible.CENTRE, "cam01"] == "acceptable"
