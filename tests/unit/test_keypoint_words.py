"""Keypoints are told in words that people use."""

from core.keypoint_words import in_words


def test_both_sides_make_one_and_one_side_is_named():
    names = ("RSmallToe", "Neck", "LSmallToe", "LWrist", "Rib", "RBigToe")
    assert in_words(names) == ["small toes", "neck", "left wrist", "rib", "right big toe"]
    assert in_words(()) == []
