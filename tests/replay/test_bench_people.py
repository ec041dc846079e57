"""The published footage of one and of two people through pose estimation, fusion and guidance."""

import pytest

from services import rig
from tools import bench_people

MODEL = "blazepose_full"
pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(400)]


def test_one_person_is_followed_and_the_held_out_error_is_that_of_the_networks():
    run, seen = bench_people.watched("demo", MODEL)
    cameras, least = rig.rig_of(run), run.fusion.min_confidence
    (published, refined), by_keypoint = bench_people.one_person(MODEL, seen, cameras, least)
    print(published, refined, *by_keypoint, sep="\n")
    assert float(published["tracked, %"]) >= 99
    assert float(published["median px"]) <= 21.5
    assert float(refined["median px"]) <= 13.1
    assert len(by_keypoint) == 17


@pytest.mark.parametrize("every", [1, 4])  # all frames, and the live demo's 15 a second
def test_two_people_keep_their_numbers_and_nobody_else_is_fused(every):
    run, seen = bench_people.watched("demo_two", MODEL, every)
    rows = bench_people.people(MODEL, seen, rig.rig_of(run), run.fusion.min_confidence)
    print(*rows, sep="\n")
    assert [row["person"] for row in rows] == ["1", "2"]
    for row in rows:
        assert row["instants"] == row["of"] == len(range(0, 100, every))
        assert float(row["cameras a frame"]) >= 3.6
        assert float(row["median px"]) < 13
