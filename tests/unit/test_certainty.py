"""Scores to expected errors: the curve is found again, whatever else lies about."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pose import certainty
from core.pose.backend import Estimate
from core.pose.certainty import Certainty
from core.pose.certainty_table import CERTAINTIES
from core.pose.crops import Roi
from core.whitening import matrices

TRUE = Certainty(np.array([20.0, 60.0]), np.array([0.03, 0.005]))


def seen(n: int, gross_share: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    score = rng.uniform(15.0, 65.0, n)
    error = np.linalg.norm(rng.normal(0.0, 1.0, (n, 2)), axis=1) * TRUE.at(score)
    return score, np.where(rng.random(n) < gross_share, 0.5, error)


@pytest.mark.parametrize(("gross_share", "tolerance"), [(0.0, 0.1), (0.08, 0.25)])
def test_the_curve_is_found_again(gross_share, tolerance):
    known = certainty.fit(*seen(8000, gross_share))
    scores = np.linspace(18.0, 62.0, 30)
    np.testing.assert_allclose(known.at(scores), TRUE.at(scores), rtol=tolerance)


@settings(deadline=None)
@given(st.integers(3, 400), st.integers(0, 1000))
def test_it_never_rises_whatever_was_measured(n, seed):
    rng = np.random.default_rng(seed)
    known = certainty.fit(rng.normal(0.0, 1.0, n), rng.uniform(0.001, 1.0, n))
    assert (np.diff(known.score) >= 0).all()
    assert (np.diff(known.sd) <= 1e-12).all()
    assert (known.sd > 0).all()


def test_plateaus_keep_their_ends_alone():
    score = np.arange(400.0)
    known = certainty.fit(score, np.where(score < 200, 0.02, 0.01))
    assert len(known.score) == 4


def test_a_covariance_grows_with_the_region_and_has_the_heat_maps_shape():
    spread = np.array([[40.0, 10.0, 5.0], [np.nan] * 3])
    small, large = (
        certainty.covariance(TRUE, np.array([60.0, np.nan]), height, spread)
        for height in (400.0, 800.0)
    )
    np.testing.assert_allclose(large, 4 * small)
    np.testing.assert_allclose(small[0] / spread[0], small[0, 0] / 40.0)
    assert np.linalg.det(matrices(small))[0] == pytest.approx((0.005 * 400) ** 4)
    np.testing.assert_allclose(small[1], [12.0**2, 12.0**2, 0.0])  # nothing known: the worst


def test_the_message_speaks_of_the_picture_as_captured():
    covariance = np.array([[4.0, 9.0, 1.0]])
    nowhere = Roi(0.0, 0.0, 1.0, 0.0)
    found = Estimate(1.0, np.zeros((1, 2)), np.ones(1), nowhere, covariance)
    told = np.frombuffer(found.covariance_at(np.array([2.0, 3.0])), "<f4")
    np.testing.assert_allclose(told, [16.0, 81.0, 6.0])
    silent = Estimate(1.0, np.zeros((1, 2)), np.ones(1), nowhere)
    assert silent.covariance_at(np.ones(2)) == b""


@pytest.mark.parametrize("model", CERTAINTIES)
def test_the_tables_are_curves(model):
    known = CERTAINTIES[model]
    assert len(known.score) == len(known.sd)
    assert (np.diff(known.score) > 0).all()
    assert (np.diff(known.sd) <= 0).all()
