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


def test_what_is_written_is_read_back_to_the_last_digit():
    rng = np.random.default_rng(0)
    people = {
        number: np.column_stack([rng.uniform(-50, 2000, (26, 2)), rng.uniform(0.01, 1, 26)])
        for number in (1, 4)
    }
    again = openpose.parse(openpose.write(people))
    assert len(again) == 2
    for written, read in zip(people.values(), again, strict=True):
        np.testing.assert_array_equal(read, written)


def test_what_is_not_known_is_written_as_not_detected():
    person = np.array([[np.nan, np.nan, 0.0], [5.0, np.nan, 0.5], [1.0, 2.0, 0.0], [3.0, 4.0, 1.0]])
    text = openpose.write({7: person})
    written = json.loads(text)["people"][0]["pose_keypoints_2d"]
    assert written == [0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 1]
    (again,) = openpose.parse(text)
    np.testing.assert_array_equal(again[:3], [[np.nan, np.nan, 0.0]] * 3)


def test_the_text_is_openposes():
    nobody, one = json.loads(openpose.write({})), json.loads(openpose.write({3: np.ones((1, 3))}))
    assert nobody == {"version": 1.3, "people": []}
    assert one["people"] == [{"person_id": [3], "pose_keypoints_2d": [1, 1, 1]}]
