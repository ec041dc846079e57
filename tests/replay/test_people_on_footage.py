"""The pose model on real footage of two people: both are followed, nobody else is."""

from collections import Counter

import numpy as np
import pytest

from services import models
from tools import bench_people
from tools.bench_people import Trial


@pytest.fixture(scope="module")
def two() -> Trial:
    return bench_people.run(models.ensure("demo_two"), "blazepose_full", every=4)


def test_both_people_are_there_in_all_instants_and_nobody_else(two):
    kept = Counter(person.id for pose in two.poses for person in pose.persons)
    assert kept == {1: 25, 2: 25}


def test_people_keep_their_place(two):
    """The two stay a metre apart: a number that changed hands would jump."""
    places = {
        number: np.array(
            [
                np.nanmean(np.frombuffer(person.keypoints_m, "<f4").reshape(-1, 3), axis=0)
                for pose in two.poses
                for person in pose.persons
                if person.id == number
            ]
        )
        for number in (1, 2)
    }
    for place in places.values():
        assert np.linalg.norm(np.diff(place, axis=0), axis=1).max() < 0.2


def test_most_cameras_see_both(two):
    views = [sum(d >= 0 for d in p.detections) for pose in two.poses for p in pose.persons]
    assert np.mean(views) > 3.6


def test_the_detector_rests(two):
    assert two.looks <= 12  # of 100 pictures
