"""Freezing and measuring anew: granted once, refused in figures, of one person only."""

import msgspec
import numpy as np
import pytest

from core.kinematics import live, size
from core.kinematics.live import LiveState
from core.kinematics.settings import KinematicsConfig
from core.kinematics.size import Size
from core.messages import BodySize, JointAngles, PersonAngles, SizeRequest, SizeWish
from tests.unit.kinematics.test_live import body, poses, prepared_config, told

FIRST, ALL = 8, 32
BEFORE_LENGTHS = FIRST // 4 - 1
"""Upright frames in which only the height is measured."""
CONFIG = KinematicsConfig(scale_after_frames=FIRST, scale_frames=ALL)
FACTORS = np.full((22, 3), 1.1)


def asks(wish: SizeWish, person: int = 1, number: int = 1) -> SizeRequest:
    return SizeRequest(person, wish, number)


@pytest.fixture(scope="module")
def config() -> KinematicsConfig:
    return msgspec.structs.replace(prepared_config(), scale_after_frames=FIRST, scale_frames=ALL)


def follow(
    config: KinematicsConfig,
    requests: dict[int, tuple[SizeRequest, ...]],
    n: int = 48,
    people: int = 1,
    state: LiveState | None = None,
    first: int = 0,
) -> tuple[LiveState, list[JointAngles]]:
    """A walk in which something is asked from these frames on."""
    state, found, asked = state or LiveState(), [], ()
    for number, pose in enumerate(poses(n, people)[first:], start=first):
        asked = requests.get(number, asked)
        state, one = live.step(state, pose, body(), config, (), asked)
        found.append(one)
    return state, found


def of(found: list[JointAngles], person: int = 1) -> list[PersonAngles]:
    return [next(one for one in said.persons if one.id == person) for said in found]


def test_a_model_is_frozen_as_it_is():
    scaled = Size(height_m=1.7, seen=12, scaled_at=8, factors=FACTORS)
    frozen = size.hear(scaled, asks("freeze"))
    assert size.told(scaled, CONFIG) == BodySize("measuring", 12, ALL, 8)
    assert size.told(frozen, CONFIG) == BodySize("frozen on request", 12, ALL, 8)
    assert frozen.factors is FACTORS


def test_nothing_to_freeze_is_refused_and_not_made_up_for():
    refused = size.hear(Size(height_m=1.7, seen=3), asks("freeze"))
    assert size.told(refused, CONFIG) == BodySize("measuring", 3, ALL, 0, lacking_frames=5)
    assert not refused.held
    without_height = size.hear(Size(), asks("freeze"))
    assert size.told(without_height, CONFIG).lacking_frames == BEFORE_LENGTHS + FIRST
    given = msgspec.structs.replace(CONFIG, height_m=1.8)
    assert size.told(without_height, given).lacking_frames == FIRST


def test_a_request_is_answered_once():
    frozen = size.hear(Size(seen=12, scaled_at=8), asks("freeze", number=5))
    assert size.hear(frozen, asks("freeze", number=5)) is frozen
    anew = size.hear(frozen, asks("measure", number=6))
    assert size.told(anew, CONFIG) == BodySize("measuring", 0, ALL, 0)
    assert size.hear(anew, asks("measure", number=6)) is anew
    assert size.hear(anew, asks("measure", number=7)) is not anew


def test_whoever_is_measured_to_the_end_stays_frozen():
    complete = size.hear(Size(seen=ALL, scaled_at=ALL), asks("freeze"))
    assert size.told(complete, CONFIG).state == "frozen"
    assert size.told(size.hear(complete, asks("measure", number=2)), CONFIG).state == "measuring"


def test_by_itself_it_is_measured_to_the_end(config):
    _, found = follow(config, {})
    sizes = [one.size for one in of(found)]
    assert [one.frames for one in sizes[:4]] == [0, 1, 2, 3]
    assert {one.model_frames for one in sizes} == {0, 8, 16, 32}
    assert sizes[-1] == BodySize("frozen", ALL, ALL, ALL)
    assert {one.lacking_frames for one in sizes} == {0}


def test_a_frozen_model_and_height_do_not_change(config):
    asked = (asks("freeze"),)
    state, found = follow(config, {12: asked})
    mover = state.people[1]
    at_once = follow(config, {12: asked}, n=13)[0].people[1]
    assert np.array_equal(mover.size.factors, at_once.size.factors)
    assert {one.size.state for one in of(found[:12])} == {"measuring"}
    assert {one.size for one in of(found[12:])} == {BodySize("frozen on request", 11, ALL, 8)}
    assert len({one.height_m for one in of(found[12:])}) == 1
    assert found[-1].size_requests == asked
    assert {one.status for one in of(found[12:])} == {"tracked"}


def test_a_refusal_counts_down_until_there_is_a_model(config):
    _, found = follow(config, {2: (asks("freeze"),)}, n=20)
    sizes = [one.size for one in of(found)]
    assert [one.lacking_frames for one in sizes] == [0, 0, *range(6, -1, -1), *11 * [0]]
    assert {one.state for one in sizes} == {"measuring"}
    assert sizes[-1].model_frames == 16


def test_whoever_is_measured_again_is_measured_like_somebody_new(config):
    _, again = follow(config, {20: (asks("measure"),)})
    _, fresh = follow(config, {}, first=20)
    assert told(map(without_walk, again[20:])) == told(map(without_walk, fresh))
    assert again[20].persons[0].status == "measuring"
    known = [[one.walking is not None for one in of(found)] for found in (again[20:], fresh)]
    first = known[0].index(True)  # who walks is known on, the model is not
    assert not any(known[1][: first + 1])


def without_walk(said: JointAngles) -> JointAngles:
    persons = (msgspec.structs.replace(one, walking=None, events=()) for one in said.persons)
    return msgspec.structs.replace(said, size_requests=(), persons=tuple(persons))


def test_others_do_not_notice(config):
    asked = (asks("freeze", person=2),)
    _, found = follow(config, {12: asked}, people=2, n=30)
    _, alone = follow(config, {}, people=2, n=30)
    assert [one.size.state for one in of(found, 2)][-1] == "frozen on request"
    assert [msgspec.json.encode(one) for one in of(found, 1)] == [
        msgspec.json.encode(one) for one in of(alone, 1)
    ]


def test_what_was_asked_of_somebody_before_is_not_asked_of_the_next_one(config):
    _, found = follow(config, {0: (asks("freeze"),)}, n=20)
    assert {one.size.state for one in of(found)} == {"measuring"}
    assert {one.size.lacking_frames for one in of(found)} == {0}


@pytest.mark.parametrize("cut", [5, 15, 25])
def test_a_state_with_requests_goes_on_with_the_same_bits(config, cut):
    requests = {3: (asks("freeze"),), 12: (asks("freeze", number=2),), 20: (asks("measure"),)}
    _, whole = follow(config, requests, n=40)
    asked = next(requests[at] for at in sorted(requests, reverse=True) if at <= cut)
    state, _ = follow(config, requests, n=cut)
    thawed = live.thaw(live.freeze(state))
    _, rest = follow(config, {cut: asked, **requests}, n=40, first=cut, state=thawed)
    assert told(rest) == told(whole[cut:])
