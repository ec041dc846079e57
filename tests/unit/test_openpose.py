import json

import numpy as np
import pytest

from core import openpose
from core.errors import WireError


def frame(*people: list[float] | None) -> str:
    return json.dumps(
        {
            "version": 1.3,
            "people": [
                {"person_id": [-1]} if one is None else {"pose_keypoints_2d": one} for one in people
            ],
        }
    )


def test_people_come_as_rows_of_x_y_likelihood():
    people = openpose.parse(frame([1.5, 2.0, 0.5, 3.0, 4.0, 0.25], [5.0, 6.0, 1.0, 7.0, 8.0, 0.5]))
    np.testing.assert_array_equal(people[0], [[1.5, 2.0, 0.5], [3.0, 4.0, 0.25]])
    np.testing.assert_array_equal(people[1], [[5.0, 6.0, 1.0], [7.0, 8.0, 0.5]])


def test_likelihood_0_is_not_detected():
    (person,) = openpose.parse(frame([0.0, 0.0, 0.0, 3.0, 4.0, 0.25]))
    np.testing.assert_array_equal(person, [[np.nan, np.nan, 0.0], [3.0, 4.0, 0.25]])


def test_nobody_is_an_answer():
    assert openpose.parse(frame()) == []
    assert openpose.parse(frame(None)) == []
    assert openpose.parse(frame([])) == []


def test_nan_as_null_is_not_detected_and_likelihood_is_at_most_1():
    (person,) = openpose.parse(
        '{"people": [{"pose_keypoints_2d": [null, 1, 0.5, 2, 3, 1.02], "face_keypoints_2d": []}]}'
    )
    np.testing.assert_array_equal(person, [[np.nan, np.nan, 0.0], [2.0, 3.0, 1.0]])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"people": 3}', '{"people": [{"pose_keypoints_2d": [1, 2]}]}']
)
def test_what_is_no_frame_is_refused(text):
    with pytest.raises(WireError) as caught:
        openpose.parse(text)
    assert caught.value.reason == "malformed"
