import numpy as np
import pytest

from core.errors import ModelError
from core.kinematics import scaling
from core.kinematics.scaling import Measurement

FOOT = Measurement(
    "foot",
    (("r_calc_study", "r_toe_study"), ("L_calc_study", "L_toe_study")),
    (("calcn_r", "XYZ"), ("calcn_l", "XYZ")),
)
THIGH_R = Measurement("femur_r", (("RHip", "RKnee"),), (("femur_r", "XYZ"),))
THIGH_L = Measurement("femur_l", (("LHip", "LKnee"),), (("femur_l", "XYZ"),))
PELVIS = (
    Measurement("pelvisXY", (("r.ASIS", "r.PSIS"),), (("pelvis", "XY"),)),
    Measurement("pelvisZ", (("RHip", "LHip"),), (("pelvis", "Z"),)),
)
ALL = (FOOT, THIGH_R, THIGH_L, *PELVIS)
MODEL_M = dict.fromkeys(scaling.all_pairs(ALL), 0.5)


def person_m(**right: float) -> dict[tuple[str, str], float]:
    return MODEL_M | {pair: right[name] for pair in MODEL_M for name in right if name in pair}


def test_distances_and_their_middle_half():
    rng = np.random.default_rng(0)
    points_m = np.zeros((100, 2, 3))
    points_m[:, 1, 0] = 0.4 + rng.normal(0, 0.01, 100)
    points_m[::10, 1] = 9.0  # lost now and then
    points_m[5, 0] = np.nan
    pairs = (("A", "B"), ("A", "C"))
    found = scaling.distances_m(points_m, ("A", "B"), pairs)
    assert found.shape == (100, 2)
    assert scaling.typical_m(found)[0] == pytest.approx(0.4, abs=0.005)
    assert np.isnan(scaling.typical_m(found)[1])


def test_axes_are_scaled_by_their_own_measurement():
    factors = scaling.body_factors(
        ALL, person_m(**{"r.ASIS": 0.6, "LHip": 0.4}), MODEL_M, symmetric=True
    )
    np.testing.assert_allclose(factors["pelvis"], [1.2, 1.2, 0.8])


def test_both_sides_get_the_mean_or_their_own():
    person = person_m(RKnee=0.55, L_toe_study=0.4)
    both = scaling.body_factors(ALL, person, MODEL_M, symmetric=True)
    own = scaling.body_factors(ALL, person, MODEL_M, symmetric=False)
    np.testing.assert_allclose([both["femur_r"][0], both["femur_l"][0]], [1.05, 1.05])
    np.testing.assert_allclose([own["femur_r"][0], own["femur_l"][0]], [1.1, 1.0])
    np.testing.assert_allclose([both["calcn_r"][0], both["calcn_l"][0]], [0.9, 0.9])
    np.testing.assert_allclose([own["calcn_r"][0], own["calcn_l"][0]], [1.0, 0.8])


def test_what_is_not_known_is_left_out_and_nonsense_is_refused():
    person = person_m(RKnee=float("nan"), LKnee=float("nan"))
    assert "femur_r" not in scaling.body_factors(ALL, person, MODEL_M, symmetric=True)
    with pytest.raises(ModelError, match="metres"):
        scaling.body_factors(ALL, person_m(LHip=500.0), MODEL_M, symmetric=True)


def test_live_lengths_keep_the_last_ones():
    lengths = scaling.no_lengths(2)
    for number in range(10):
        lengths = scaling.measured(lengths, np.full(2, float(number)), keep=4)
    assert lengths.count == 4
    np.testing.assert_array_equal(lengths.seen_m[:, 0], [6, 7, 8, 9])
