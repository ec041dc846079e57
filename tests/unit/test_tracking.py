"""Who is followed in one camera: looks, regions, who is who. People are given; no network."""

import numpy as np
import pytest

from core.config import PoseConfig
from core.pose import tracking
from core.pose.backend import Estimate
from core.pose.tracking import Tracks
from tests.unit.tracking_scene import (
    BODY,
    CONFIG,
    PARTNER,
    SECOND,
    at,
    frame,
    fused,
    numbers,
    people,
    roi,
    seen,
)


def test_two_people_found_are_followed_by_number():
    came = frame(Tracks(), people(100, 400), found=[seen(400), seen(100, 0.8)])
    assert numbers(came) == {1: 400, 2: 100}
    for step in range(1, 30):
        came = frame(came.state, people(100 + 5 * step, 400 - 2 * step), step)
        assert numbers(came) == {1: 400 - 2 * step, 2: 100 + 5 * step}


def test_who_leaves_is_gone_and_who_comes_has_a_new_number():
    came = frame(Tracks(), people(100, 400), found=[seen(100), seen(400)])
    came = frame(came.state, people(400), 1)
    assert numbers(came) == {2: 400}
    came = frame(came.state, people(100, 400), 2, found=[seen(100), seen(400)])
    assert numbers(came) == {2: 400, 3: 100}


def test_a_person_found_again_is_not_a_second_one():
    came = frame(Tracks(), people(100), found=[seen(100)])
    came = frame(came.state, people(100), 1, found=[seen(112)])
    assert numbers(came) == {1: 100}
    assert came.state.last_id == 1


@pytest.mark.parametrize("off", [5, 35, 70])
def test_a_region_on_somebody_followed_takes_no_number(off):
    came = frame(Tracks(), people(100), found=[seen(100)])
    came = frame(came.state, people(100), 1, found=[seen(100 + off)])
    came = frame(came.state, people(100, 400), 2, found=[seen(400)])
    assert numbers(came) == {1: 100, 2: 400}


def test_numbers_are_consecutive_and_never_used_again():
    """People come and go at random, alone in the world of one camera."""
    rng = np.random.default_rng(3)
    state, first_seen = Tracks(), list[int]()
    before: set[int] = set()
    for step in range(400):
        there = {float(x) for x in (100, 300, 500, 700) if rng.random() < 0.8}
        found = [seen(x + rng.uniform(-20, 20)) for x in there] if step % 5 == 0 else []
        came = frame(state, people(*there), step * SECOND // 30, found)
        now = {number for number, _ in came.people}
        assert len({round(x) for x in numbers(came).values()}) == len(now)
        new = sorted(now - before - set(first_seen))
        first_seen += new
        assert now <= before | set(new), "a number came back"
        state, before = came.state, now
    assert first_seen == list(range(1, state.last_id + 1))
    assert len(first_seen) > 50


def test_two_regions_that_end_on_one_person_are_one():
    came = frame(Tracks(), people(100, 180), found=[seen(100), seen(180)])
    assert len(came.people) == 2
    came = frame(came.state, people(140), 1)
    assert numbers(came) == {1: 140}


def test_a_region_taken_over_is_of_somebody_else_and_counted():
    came = frame(Tracks(), people(100), found=[seen(100)], expected=[fused(7, 100)])
    assert came.state.tracks[0].person == 7
    came = frame(came.state, people(160), 1, expected=[fused(7, 100)])  # a neighbour took it
    assert numbers(came) == {2: 160}
    assert came.state.tracks[0].person == 0
    assert came.strayed == 1
    came = frame(came.state, people(100, 165), 2, expected=[fused(7, 100)])
    assert numbers(came) == {2: 165, 3: 100}
    assert {track.id: track.person for track in came.state.tracks} == {2: 0, 3: 7}


def test_a_neighbour_who_is_followed_is_not_there_twice():
    there = [fused(7, 100), fused(8, 160)]
    came = frame(Tracks(), people(100, 160), found=[seen(100), seen(160)], expected=there)
    came = frame(came.state, people(160), 1, expected=there)
    assert numbers(came) == {2: 160}
    assert came.strayed == 0


def test_nothing_is_taken_from_where_only_the_others_see_somebody():
    state = Tracks(looked_ns=0, looks=1)
    came = frame(state, people(140), expected=[fused(7, 100)])
    assert not came.people
    assert came.strayed == 1


def test_who_jumps_in_all_cameras_is_followed_on():
    """The footage begins again, say: the others' word is of where the person was."""
    came = frame(Tracks(), people(100), found=[seen(100)], expected=[fused(7, 100)])
    for step in range(1, 9):
        came = frame(came.state, people(150), step, expected=[fused(7, 100)])
        assert numbers(came) == {2: 150}
    came = frame(came.state, people(150), 9, expected=[fused(7, 150)])
    assert numbers(came) == {2: 150}
    assert came.state.tracks[0].person == 7


def test_a_person_hidden_and_seen_by_the_others_is_found_without_the_detector():
    came = frame(
        Tracks(looked_ns=0, looks=1), people(100), found=[seen(100)], expected=[fused(7, 100)]
    )
    came = frame(came.state, {}, 1, expected=[fused(7, 110)])
    assert not came.people
    assert tracking.look(came.state, [fused(7, 120)], 2, CONFIG) == "no"
    came = frame(came.state, people(130), 3, expected=[fused(7, 128)])
    assert numbers(came) == {2: 130}
    assert came.state.tracks[0].person == 7


def test_a_crossing_leaves_the_numbers_with_their_people():
    came = frame(
        Tracks(), people(100, 300), found=[seen(100), seen(300)],
        expected=[fused(1, 100), fused(2, 300)],
    )  # fmt: skip
    for step in range(1, 41):
        left, right = 100 + 5.0 * step, 300 - 5.0 * step
        there = {left: at(left)}  # the one in front hides the other while they are close
        if abs(left - right) > 60:
            there[right] = at(right)
        came = frame(came.state, there, step, expected=[fused(1, left), fused(2, right)])
        for track in came.state.tracks:
            assert track.roi.x_px == pytest.approx(left if track.person == 1 else right)
    assert {track.person for track in came.state.tracks} == {1, 2}


def test_swapped_sides_are_counted_and_not_undone():
    came = frame(Tracks(), people(100), found=[seen(100)], expected=[fused(7, 100)])
    turned = Estimate(0.9, (BODY + [100, 200])[list(PARTNER)], np.full(26, 0.9), roi(100))
    again = frame(came.state, {100: turned}, 1, expected=[fused(7, 100)])
    assert again.swaps_seen == 1
    np.testing.assert_array_equal(again.people[0][1].points_px, turned.points_px)
    assert came.swaps_seen == 0


def test_whom_no_other_camera_sees_is_given_up_for_a_while():
    expected = [fused(7, 100)]
    came = frame(Tracks(), people(100, 400), 0, [seen(100), seen(400)], expected)
    for step in range(1, 30):
        came = frame(came.state, people(100, 400), step * SECOND // 10, expected=expected)
    assert numbers(came) == {1: 100}
    later = frame(came.state, people(100, 400), 3 * SECOND, [seen(400)], expected)
    assert numbers(later) == {1: 100}
    much_later = frame(came.state, people(100, 400), 40 * SECOND, [seen(400)], expected)
    assert numbers(much_later) == {1: 100, 3: 400}


def test_without_fused_people_nobody_is_given_up():
    came = frame(Tracks(), people(100, 400), 0, [seen(100), seen(400)])
    for step in range(1, 60):
        came = frame(came.state, people(100, 400), step * SECOND // 10)
    assert numbers(came) == {1: 100, 2: 400}


def test_no_more_people_than_configured():
    few = PoseConfig(max_people=2)
    found = [seen(x) for x in (100, 300, 500)]
    assert numbers(frame(Tracks(), people(100, 300, 500), found=found, config=few)).keys() == {1, 2}


def test_the_detector_rests_while_everybody_is_followed():
    state = tracking.looked(Tracks(looked_ns=0), "thorough", 0)
    came = frame(state, people(100), found=[seen(100)])
    looks, state = [], came.state
    for step in range(1, 300):
        t_ns = step * SECOND // 10
        how = tracking.look(state, [], t_ns, CONFIG)
        state = tracking.looked(state, how, t_ns)
        looks += [(step, how)] if how != "no" else []
    assert [step for step, _ in looks] == list(range(20, 300, 20))
    assert [how for _, how in looks].count("thorough") == 3


def test_with_nobody_there_each_frame_is_looked_at():
    state = tracking.staggered(1, 4, 0, CONFIG)
    hows = []
    for step in range(100):
        how = tracking.look(state, [], step * SECOND // 10, CONFIG)
        state = tracking.looked(state, how, step * SECOND // 10)
        hows.append(how)
    assert hows[0] == "thorough"
    assert "no" not in hows
    assert 4 <= hows.count("thorough") <= 6


def test_cameras_do_not_all_look_out_at_once():
    begin_ns = 100 * SECOND

    def first_look(place: int) -> int:
        state = tracking.looked(
            tracking.staggered(place, 4, begin_ns, CONFIG), "thorough", begin_ns
        )
        state = frame(state, people(100), begin_ns, found=[seen(100)]).state
        times = (begin_ns + step * SECOND // 10 for step in range(1, 100))
        return next(t_ns for t_ns in times if tracking.look(state, [], t_ns, CONFIG) != "no")

    assert len({first_look(place) for place in range(4)}) == 4
