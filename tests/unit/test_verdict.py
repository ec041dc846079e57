import math

import pytest

from core.verdict import judge


@pytest.mark.parametrize(
    ("held_out_px", "missing", "word"),
    [
        (2.0, 0, "good"),
        (12.0, 20, "good"),
        (12.1, 0, "usable"),
        (24.0, 100, "usable"),
        (24.1, 0, "doubtful"),
        (2.0, 21, "usable"),
        (2.0, 101, "doubtful"),
        (math.nan, 0, "doubtful"),
    ],
)
def test_the_worse_of_error_and_gaps_counts(held_out_px, missing, word):
    assert judge(held_out_px, 1000 - missing, missing).word == word


def test_the_decisive_reason_comes_first():
    assert "missing" in judge(2.0, 500, 500).reasons[0]
    assert "disagree" in judge(60.0, 1000, 0).reasons[0]
    assert "third camera" in judge(math.nan, 1000, 0).reasons[0]


def test_small_pictures_have_small_limits():
    assert judge(10.0, 1000, 0, picture_px=1920).word == "good"
    assert judge(10.0, 1000, 0, picture_px=640).word == "doubtful"


def test_a_camera_that_stands_out_is_named():
    verdict = judge(5.0, 1000, 0, per_camera_px={"cam01": 4.0, "cam02": 30.0, "cam03": math.nan})
    assert [one for one in verdict.reasons if "look at it first" in one] == [
        "cam02 is off by 30.0 px: look at it first."
    ]


def test_nothing_found_is_doubtful():
    assert judge(math.nan, 0, 0).word == "doubtful"
