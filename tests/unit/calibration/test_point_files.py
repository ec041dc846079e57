"""Files of points, bright spots, and the choice of instants."""

import cv2
import numpy as np
import pytest

from core.calibration import choice, markers, point_files
from core.calibration.markers import Spots
from core.errors import CalibrationError

WAND = np.array([0.0, 0.2, 0.5])
TOML = """
[points]
a = [0, 0, 0]
b = [1, 0, 0.0]
c = [0, 1, 0]
d = [0, 0, 1]
[cam01]
a = [1, 2]
b = [3, 4]
c = [5, 6]
d = [7, 8.5]
"""
ROWS = ["a,0,0,0,cam01,1,2", "b,1,0,0,cam01,3,4", "c,0,1,0,cam01,5,6", "d,0,0,1,cam01,7,8.5"]
CSV = "\n".join(["point, x_m, y_m, z_m, camera, x_px, y_px", *ROWS])


def test_a_scene_is_the_same_as_toml_and_csv():
    for text, is_csv in ((TOML, False), (CSV, True)):
        found = point_files.scene(text, is_csv=is_csv)
        assert [one.picture for one in found] == ["a", "b", "c", "d"]
        assert {one.camera for one in found} == {"cam01"}
        np.testing.assert_array_equal(found[3].local_m, [[0, 0, 1]])
        np.testing.assert_array_equal(found[3].seen_px, [[7, 8.5]])


@pytest.mark.parametrize(
    ("text", "is_csv", "says"),
    [
        ("[points", False, "not TOML"),
        ("[cam01]\na = [1, 2]", False, r"no table \[points\]"),
        ("[points]\na = [1, 2, 3]", False, "no table of a camera"),
        (TOML.replace("d = [7, 8.5]", "e = [7, 8.5]"), False, "no metres are given of e"),
        (TOML.replace("[7, 8.5]", "[7]"), False, "cam01.d: 2 numbers"),
        (TOML.replace("[7, 8.5]", "[7, nan]"), False, "cam01.d: 2 numbers"),
        (TOML.replace("d = [7, 8.5]", ""), False, "cam01: 3 points; 4 are the least"),
        (TOML.replace("[0, 0, 1]", "[0, 0, 1000]"), False, "in mm or cm"),
        (CSV.replace("z_m", "z"), True, "no column z_m"),
        (CSV.replace("8.5", "x"), True, "line 5: y_px is 'x', no number"),
        (CSV + "\na,0,0,1,cam02,1,2", True, "line 6: a has other metres above"),
        (CSV + "\na,0", True, "line 6: too short"),
    ],
)
def test_a_scene_that_is_none(text, is_csv, says):
    with pytest.raises(CalibrationError, match=says):
        point_files.scene(text, is_csv=is_csv)


def test_points_on_a_line_tell_no_place():
    rows = [f"p{n},{n},0,0,cam01,{n},0" for n in range(5)]
    with pytest.raises(CalibrationError, match="on one line"):
        point_files.scene("\n".join([CSV.split("\n")[0], *rows]), is_csv=True)


def test_balls_of_a_file():
    text = "frame,camera,marker,x_px,y_px\n7,cam01,0,1,2\n7,cam01,2,3,4\n7,cam02,1,5,6\n"
    found = point_files.balls(text, WAND)
    assert [(one.camera, one.body, len(one.seen_px)) for one in found] == [
        ("cam01", "7", 2),
        ("cam02", "7", 1),
    ]
    np.testing.assert_array_equal(found[0].local_m[:, 0], [0, 0.5])
    with pytest.raises(CalibrationError, match="marker 3, but the wand has 0 to 2"):
        point_files.balls(text + "8,cam01,3,1,1\n", WAND)


def drawn(points_px, radii_px, ground=20):
    picture = np.full((400, 600), ground, dtype=np.uint8)
    for (x, y), radius in zip(points_px, radii_px, strict=True):
        centre = (round(16 * x), round(16 * y))
        cv2.circle(picture, centre, round(16 * radius), 230, -1, cv2.LINE_AA, 4)
    return picture


def test_bright_spots_are_found_to_a_tenth_of_a_pixel():
    points_px = np.array([[100.3, 50.6], [300.8, 200.2], [510.5, 350.9]])
    found = markers.spots(drawn(points_px, [6, 5, 4]))
    np.testing.assert_allclose(found.centres_px, points_px, atol=0.1)
    assert len(markers.spots(drawn([], [])).areas_px) == 0
    line = drawn([], [])
    line[100:104, 50:400] = 250
    assert len(markers.spots(line).areas_px) == 0


@pytest.mark.parametrize("backwards", [False, True])
def test_the_ends_of_a_wand_are_told(backwards):
    points_px = np.array([50.0, 80.0]) + np.array([0.0, 0.4, 1.0])[:, None] * [300.0, 120.0]
    shuffled = points_px[[1, 2, 0]] if backwards else points_px[[2, 0, 1]]
    found = markers.identified(Spots(shuffled, np.ones(3)), WAND)
    assert not isinstance(found, str)
    np.testing.assert_allclose(found, points_px)


@pytest.mark.parametrize(
    ("points_px", "areas", "places", "says"),
    [
        ([[0, 0], [9, 9]], [5, 5], WAND, "2 bright round spots, not 3"),
        ([[0, 0], [50, 0], [100, 0]], [5, 5, 5], WAND, "cannot be told"),
        ([[0, 0], [40, 30], [100, 0]], [5, 5, 5], WAND, "do not lie on a line"),
        ([[0, 0], [50, 0]], [10, 9], WAND[:2], "same size"),
    ],
)
def test_a_wand_that_cannot_be_read(points_px, areas, places, says):
    seen = Spots(np.array(points_px, dtype=float), np.array(areas, dtype=float))
    found = markers.identified(seen, places)
    assert isinstance(found, str)
    assert says in found


def test_instants_that_several_cameras_see_are_chosen():
    rng = np.random.default_rng(0)
    square = np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])

    def at(number, sharp=1.0):
        return choice.Candidate(number, square + rng.uniform(0, 500, 2), sharp)

    seen = {
        "a": [at(number) for number in range(60)],
        "b": [at(number) for number in range(40, 90)],
        "c": [*(at(number) for number in range(88, 95)), at(50, 0.1)],
    }
    chosen = choice.choose_together(seen, dict.fromkeys(seen, (800, 600)))
    assert set(chosen) <= set(range(40, 60)) | {88, 89}
    assert {88, 89} <= set(chosen)
    assert len(chosen) > 10
    assert choice.choose_together({"a": []}, {"a": (800, 600)}) == []
