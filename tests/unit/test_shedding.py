"""What is given up when the disk is too slow: the least important first, and all kept decodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.shedding import WaitingPacket, giving_order, kept, may_resume

ORDER = ("cam03", "cam02", "cam01")

GROUPS = st.lists(st.builds(WaitingPacket, st.integers(1, 1000), st.booleans()), max_size=30).map(
    tuple
)


def packets(text: str) -> list[WaitingPacket]:
    """K and p of ten bytes each: a keyframe, and one that needs it."""
    return [WaitingPacket(10, letter == "K") for letter in text]


def test_the_last_listed_goes_first_unless_others_are_named() -> None:
    cameras = ("cam01", "cam02", "cam03")
    assert giving_order(cameras, ()) == ORDER
    assert giving_order(cameras, ("cam01",)) == ("cam01", "cam03", "cam02")


@pytest.mark.parametrize(
    ("waiting", "excess_bytes", "stay"),
    [
        ({"cam03": "KppKpp", "cam01": "Kpp"}, 1, {"cam03": 3}),
        ({"cam03": "KppKpp", "cam01": "Kpp"}, 31, {"cam03": 0}),
        ({"cam03": "ppKpp"}, 35, {"cam03": 0}),
        ({"cam03": "Kp", "cam02": "KpKp"}, 21, {"cam03": 0, "cam02": 2}),
        ({"cam02": "Kp"}, 0, {}),
        ({"cam03": "", "cam01": "KK"}, 5, {"cam01": 1}),
    ],
)
def test_whole_groups_of_the_least_important_camera(
    waiting: dict[str, str], excess_bytes: int, stay: dict[str, int]
) -> None:
    assert kept({name: packets(one) for name, one in waiting.items()}, ORDER, excess_bytes) == stay


@given(st.dictionaries(st.sampled_from(ORDER), GROUPS), st.integers(0, 40_000))
def test_enough_goes_and_no_group_is_cut(
    waiting: dict[str, tuple[WaitingPacket, ...]], excess_bytes: int
) -> None:
    stay = kept(waiting, ORDER, excess_bytes)
    gone = [one for name, n in stay.items() for one in waiting[name][n:]]
    all_bytes = sum(one.n_bytes for packets in waiting.values() for one in packets)
    assert sum(one.n_bytes for one in gone) >= min(excess_bytes, all_bytes)
    assert all(n == 0 or waiting[name][n].keyframe for name, n in stay.items())
    spared = [name for name in ORDER if waiting.get(name) and stay.get(name, 1) > 0]
    touched = [name for name in ORDER if name in stay]
    assert all(ORDER.index(one) >= ORDER.index(touched[-1]) for one in spared if touched)


def test_video_comes_back_with_a_keyframe_and_the_important_first() -> None:
    assert may_resume("cam01", ORDER, {"cam01", "cam03"}, 0.4, keyframe=True)
    assert not may_resume("cam01", ORDER, {"cam01"}, 0.4, keyframe=False)
    assert not may_resume("cam01", ORDER, {"cam01"}, 0.6, keyframe=True)
    assert not may_resume("cam03", ORDER, {"cam01", "cam03"}, 0.4, keyframe=True)
