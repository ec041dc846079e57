from hypothesis import given, strategies

from core.thinning import LEVELS, Thinning, step, takes

SECOND = 1_000_000_000


@given(strategies.integers(1, LEVELS - 1), strategies.integers(0, 10**12))
def test_a_higher_level_takes_all_that_a_lower_one_takes(level, cell):
    assert takes(level + 1, cell) or not takes(level, cell)


def test_the_highest_level_takes_all():
    assert all(takes(LEVELS, cell) for cell in range(20))


def seconds(state: Thinning, n: int, load: float, passed: int, starved: int = 0) -> Thinning:
    for _ in range(n):
        begin_ns = state.since_ns or SECOND
        state = state._replace(passed=passed, starved=starved)
        for part in range(10):
            t_ns = begin_ns + (part + 1) * SECOND // 10
            state = step(state, t_ns, round(load * SECOND / 10))
    return state


def test_overload_goes_down_level_by_level_but_never_to_nothing():
    state = Thinning(LEVELS, SECOND)
    levels = [seconds(state, n, 1.0, 8).level for n in range(6)]
    assert levels == [4, 3, 2, 1, 1, 1]


def test_it_comes_up_again_only_when_there_is_room():
    state = Thinning(2, SECOND)
    assert seconds(state, 3, 0.7, 0).level == 2
    assert seconds(state, 1, 0.4, 0).level == 3
    assert seconds(Thinning(3, SECOND), 1, 0.55, 0).level == 4


def test_a_hiccup_without_load_changes_nothing():
    assert seconds(Thinning(LEVELS, SECOND), 3, 0.6, 5).level == LEVELS


def test_starved_cameras_are_given_room_whatever_the_own_load():
    assert seconds(Thinning(LEVELS, SECOND), 1, 0.4, 0, starved=5).level == LEVELS - 1


def test_after_going_down_it_stays_there_for_a_while():
    down = seconds(Thinning(LEVELS, SECOND), 1, 1.0, 8)
    assert seconds(down, 8, 0.3, 0).level == LEVELS - 1
    assert seconds(down, 12, 0.3, 0).level == LEVELS


def test_the_first_seconds_do_not_count():
    state = step(Thinning(), SECOND, 0)
    for part in range(30):
        state = step(state._replace(starved=9, passed=9), SECOND + part * SECOND // 10, SECOND)
    assert state.level == LEVELS
