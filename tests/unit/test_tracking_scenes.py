"""People who come, go, hide and cross at random: what must hold whatever they do."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from core.pose import tracking
from core.pose.tracking import Absorbed, Expected, Tracks
from tests.unit.tracking_scene import CONFIG, SECOND, at, frame, fused, numbers, seen

N_FRAMES = 60
APART_PX = 110
"""Farther than a region reaches for somebody else."""
OFF_PX = 20.0
"""A tenth of the made-up person: farther off it is somebody else."""


class Walker(NamedTuple):
    """Somebody who walks through the picture."""

    x: float
    speed: float
    comes: int
    goes: int
    hidden: tuple[int, int]

    def at(self, step: int) -> float:
        return self.x + self.speed * step

    def is_there(self, step: int) -> bool:
        return self.comes <= step < self.goes

    def is_seen(self, step: int) -> bool:
        return self.is_there(step) and not self.hidden[0] <= step < self.hidden[1]


STEPS = st.integers(0, N_FRAMES)
WALKERS = st.builds(
    Walker,
    st.floats(0, 900),
    st.floats(-8, 8),
    st.integers(0, 20),
    st.integers(30, N_FRAMES),
    st.tuples(STEPS, STEPS),
)
SCENES = st.lists(WALKERS, min_size=1, max_size=4)


class Frame(NamedTuple):
    """What a camera made of an instant."""

    came: Absorbed
    before: Tracks
    places: dict[int, float]
    """Of the people who can be seen, by their number in the world."""
    there: dict[int, float]
    """The same with those who are hidden."""


def walk(scene: list[Walker], *, guided: bool) -> list[Frame]:
    """Follow a scene at 15 frames a second, the detector and the fusion seeing all of it."""
    state, frames = Tracks(looked_ns=0), []
    for step in range(N_FRAMES):
        t_ns = step * SECOND // 15
        there = {n: one.at(step) for n, one in enumerate(scene, 1) if one.is_there(step)}
        places = {n: x for n, x in there.items() if scene[n - 1].is_seen(step)}
        expected: list[Expected] = [fused(n, x) for n, x in there.items()] if guided else []
        how = tracking.look(state, expected, t_ns, CONFIG)
        found = [] if how == "no" else [seen(x) for x in places.values()]
        before = tracking.looked(state, how, t_ns)
        came = frame(before, {x: at(x) for x in places.values()}, t_ns, found, expected)
        frames.append(Frame(came, before, places, there))
        state = came.state
    return frames


@settings(max_examples=60, deadline=None)
@given(SCENES, st.booleans())
def test_numbers_are_consecutive_and_each_has_one_life(scene, guided):
    alive: set[int] = set()
    for one in walk(scene, guided=guided):
        now = set(numbers(one.came))
        new = sorted(now - alive)
        ended = one.before.last_id
        assert new == [number for number in new if number > ended]
        assert set(new) <= set(range(ended + 1, one.came.state.last_id + 1))
        assert now == {track.id for track in one.came.state.tracks}
        alive = now


@settings(max_examples=60, deadline=None)
@given(SCENES, st.booleans())
def test_nobody_is_there_twice_and_everybody_is_somebody(scene, guided):
    for one in walk(scene, guided=guided):
        places = list(numbers(one.came).values())
        assert len(set(places)) == len(places) <= CONFIG.max_people
        assert set(places) <= set(one.places.values())
        people = [track.person for track in one.came.state.tracks if track.person]
        assert len(set(people)) == len(people)


@settings(max_examples=60, deadline=None)
@given(SCENES)
def test_who_is_named_is_where_the_other_cameras_see_that_person(scene):
    for step, one in enumerate(walk(scene, guided=True)):
        for track in one.came.state.tracks:
            if track.person:
                assert abs(track.roi.x_px - scene[track.person - 1].at(step)) <= OFF_PX + 2


@settings(max_examples=60, deadline=None)
@given(SCENES)
def test_who_stands_alone_and_is_seen_is_followed_at_once(scene):
    """Guided: within two frames of coming, of coming out from behind, of parting."""
    frames, alone = walk(scene, guided=True), dict[int, int]()
    for one in frames:
        for person, x in one.places.items():
            others = [other for n, other in one.there.items() if n != person]
            apart = all(abs(x - other) > APART_PX for other in others)
            alone[person] = alone.get(person, 0) + 1 if apart else 0
        alone = {person: n for person, n in alone.items() if person in one.places}
        named = {track.person for track in one.came.state.tracks}
        assert {person for person, n in alone.items() if n > 2} <= named
