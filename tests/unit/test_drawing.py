import numpy as np

from core.pose.backend import Estimate
from core.pose.crops import Roi
from core.pose.drawing import draw, of_confidence
from core.skeletons import HALPE_26

GREY = np.full((400, 300, 3), 128, np.uint8)
HIP, KNEE = HALPE_26.index("LHip"), HALPE_26.index("LKnee")


def person(places: dict[int, tuple[float, float]], confidence: float = 0.9) -> Estimate:
    points, sure = np.full((26, 2), np.nan), np.zeros(26)
    for j, place in places.items():
        points[j], sure[j] = place, confidence
    return Estimate(0.9, points, sure, Roi(0.0, 0.0, 1.0, 0.0))


def changed(drawn: np.ndarray) -> np.ndarray:
    return (drawn != GREY).any(axis=-1)


def test_red_is_unsure_and_green_is_sure():
    assert of_confidence(0.0) == (40, 40, 230)
    assert of_confidence(0.5) == (40, 210, 240)
    assert of_confidence(1.0) == (60, 200, 40)
    reds = [of_confidence(c)[2] for c in (0.5, 0.7, 0.9, 1.0)]
    assert reds == sorted(reds, reverse=True)


def test_a_bone_joins_its_ends_in_the_colour_of_the_less_certain():
    tall = np.full((2000, 300, 3), 128, np.uint8)  # where lines are wide
    one = person({HIP: (150, 500), KNEE: (150, 1500)})
    one.confidence[KNEE] = 0.25
    drawn = draw(tall, ((1, one),), HALPE_26)
    np.testing.assert_array_equal(drawn[1000, 150], of_confidence(0.25))
    np.testing.assert_array_equal(drawn[500, 150], of_confidence(0.9))


def test_the_picture_that_was_given_stays_as_it_is():
    draw(GREY, ((1, person({HIP: (150, 100)})),), HALPE_26)
    assert (GREY == 128).all()


def test_nobody_and_nothing_known_draw_nothing():
    assert not changed(draw(GREY, (), HALPE_26)).any()
    assert not changed(draw(GREY, ((1, person({})),), HALPE_26)).any()


def test_points_outside_and_very_far_away_do_no_harm():
    one = person({HIP: (-4e9, 1e300), KNEE: (150.5, 1e12)})
    assert draw(GREY, ((12, one),), HALPE_26).shape == GREY.shape


def test_people_have_their_numbers_above_them():
    left, right = person({HIP: (60, 200)}), person({HIP: (240, 200)})
    drawn = draw(GREY, ((1, left), (2, right)), HALPE_26)
    plates = changed(drawn)[150:192]
    assert plates[:, 50:100].any()
    assert plates[:, 230:280].any()
    assert tuple(drawn[190, 61].tolist()) != tuple(drawn[190, 241].tolist())
