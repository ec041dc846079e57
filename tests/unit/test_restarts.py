from services import restarts

SECOND = 1_000_000_000


def test_the_wait_doubles_and_has_an_end():
    waits = [restarts.wait_ns(tuple(range(n))) for n in range(1, 12)]
    assert waits[0] == restarts.FIRST_WAIT_NS
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == restarts.LONGEST_WAIT_NS


def test_the_first_restarts_are_well_within_two_seconds():
    assert sum(restarts.wait_ns(tuple(range(n))) for n in (1, 2, 3)) < SECOND


def test_old_deaths_are_forgotten():
    deaths = (0, 10 * SECOND, 25 * SECOND)
    assert restarts.recent(deaths, 26 * SECOND) == (10 * SECOND, 25 * SECOND)


def test_a_crash_loop_is_given_up_but_a_device_may_come_back():
    many = tuple(range(restarts.LOOP_DEATHS))
    assert restarts.verdict(many, keep_trying=False) == "give up"
    assert restarts.verdict(many, keep_trying=True) == "restart"
    assert restarts.verdict(many[:-1], keep_trying=False) == "restart"
