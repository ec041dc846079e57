"""What a browser says is hostile until proven otherwise; pins reach the processes."""

import json

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from core import config
from core.config import MonitorConfig
from core.errors import ConfigError
from core.messages import (
    MAX_DECISIONS,
    MAX_SUBJECTS,
    Decisions,
    JointAngles,
    PlaceDecision,
    SizeRequest,
    Subjects,
)
from services.monitor.ears import FULL, MALFORMED, TOO_MANY_MARKS, UNKNOWN, Ears, NotSaid, Wanted
from services.monitor.listen import MAX_BYTES_FROM_PAGE
from tests.services import synthetic_run as play
from tests.services.test_monitor import reading


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        "pin",
        '{"pin": 0}',
        '{"pin": -1}',
        '{"pin": 2147483648}',
        '{"pin": 1e99}',
        '{"pin": 1.5}',
        '{"pin": "1"}',
        '{"pin": [1]}',
        '{"unpin": true}',
        '{"ack": -1}',
        '{"ack": 99999999999999999999}',
        '{"screen_latency": {"p50_ms": 1e300, "p95_ms": 1}}',
        '{"screen_latency": {"p50_ms": -1, "p95_ms": 1}}',
        '{"pin": 1} {"pin": 2}',
        '{"keep_place": ""}',
        '{"former_place": 3}',
        "[" * MAX_BYTES_FROM_PAGE,
        '{"x":' * 800,
    ],
)
def test_what_is_no_word_is_refused_and_counted(text):
    ears = Ears()
    with pytest.raises(NotSaid):
        ears.hear(text)
    assert ears.drops[MALFORMED] == 1
    assert ears.wanted.pinned == ()


def test_unknown_words_are_counted_under_one_name_and_passed_over():
    ears = Ears()
    for i in range(100):
        said = ears.hear(json.dumps({f"word{i}": {"a": [1, 2]}, "pin": 3, "exec": "x"}))
        assert said.pin == 3
    assert ears.drops[UNKNOWN] == 200
    assert set(ears.drops) == {UNKNOWN, MALFORMED, FULL, TOO_MANY_MARKS}
    assert ears.wanted.pinned == (3,)


def test_random_bytes_raise_nothing_else():
    rng = np.random.default_rng(0)
    good = b'{"pin": 12, "ack": 3, "ping": 1.5, "screen_latency": {"p50_ms": 1, "p95_ms": 2}}'
    for _ in range(3000):
        mutated = np.frombuffer(good, np.uint8).copy()
        mutated[rng.integers(0, len(good), 3)] = rng.integers(32, 127, 3)
        ears = Ears()
        try:
            ears.hear(mutated.tobytes().decode("ascii"))
        except NotSaid:
            assert ears.drops[MALFORMED] == 1


def test_no_more_than_so_many_are_pinned():
    ears = Ears()
    for number in range(1, MAX_SUBJECTS + 11):
        ears.hear(json.dumps({"pin": number}))
    assert ears.wanted.pinned == tuple(range(1, MAX_SUBJECTS + 1))
    assert ears.drops[FULL] == 10
    ears.hear('{"unpin": 1}')
    ears.hear('{"pin": 99}')
    assert ears.wanted.pinned[-1] == 99


def test_what_is_asked_of_a_body_is_the_last_word_for_each_person():
    ears = Ears(life_ns=100)
    for text in ('{"freeze_size": 1}', '{"freeze_size": 2}', '{"measure_size": 1}'):
        ears.hear(text)
    ears.hear('{"ack": 1}')
    assert ears.wanted.size_requests == (
        SizeRequest(2, "freeze", 102),
        SizeRequest(1, "measure", 103),
    )
    for text in ('{"freeze_size": 0}', '{"measure_size": "1"}'):
        with pytest.raises(NotSaid):
            ears.hear(text)
    for person in range(1, 3 * MAX_SUBJECTS):
        ears.hear(json.dumps({"freeze_size": person}))
    assert len(ears.wanted.size_requests) == MAX_SUBJECTS
    assert ears.wanted.size_requests[-1].person == 3 * MAX_SUBJECTS - 1


def test_what_was_wanted_before_is_taken_up_unless_a_page_was_sooner():
    told = JointAngles(
        t_ns=0,
        instant=0,
        coordinates=(),
        subjects=(1, 7),
        size_requests=(SizeRequest(7, "freeze", 3),),
    )
    ears = Ears((5,), life_ns=100)
    ears.hear('{"ack": 1}')
    ears.take_up(told)
    assert ears.wanted == Wanted((1, 7), told.size_requests)
    ears.hear('{"pin": 2}')
    ears.take_up(told)
    assert ears.wanted == Wanted((1, 2, 7), told.size_requests)


def test_pins_come_from_the_settings_and_are_bounded_there_too():
    base = 'calibration = "c.toml"\n[[cameras]]\nname = "cam01"\n[monitor]\n'
    assert config.read(base + "subjects = [1, 2]", "x").monitor.subjects == (1, 2)
    assert Ears(MonitorConfig(subjects=(2, 1, 2)).subjects).wanted.pinned == (1, 2)
    for wrong in ("[0]", "[-3]", str(list(range(1, MAX_SUBJECTS + 2)))):
        with pytest.raises(ConfigError, match="subjects"):
            config.read(base + f"subjects = {wrong}", "x")


@pytest.fixture
def run():
    with play.run_folder() as folder:
        yield play.SyntheticRun(folder, play.settings(monitor=MonitorConfig(port=0, subjects=(5,))))


def test_a_pin_reaches_the_processes_and_all_pages_and_is_said_again(run):
    with play.monitor(run) as url, run.context("kinematics").subscriber() as bus:
        with reading(url) as page, reading(url) as other:
            assert page.read_until("subjects")["ids"] == [5]
            page.say(pin=2)
            page.say(unpin=5)
            heard = play.until(lambda: [m for m in said_on(bus) if m.ids == (2,)] or None)
            assert heard[0].t_ns >= run.life_ns
            later = play.until(lambda: [m for m in said_on(bus) if m.t_ns > heard[0].t_ns] or None)
            assert later[0].ids == (2,)
            other.read_until("subjects")
            play.until(lambda: reads_pins(other, [2]))
        with reading(url) as late:
            assert late.read_until("subjects")["ids"] == [2]


def said_on(bus) -> list[Subjects]:
    return [one.message for one in bus.drain(100) if isinstance(one.message, Subjects)]


def reads_pins(page, ids: list[int]) -> bool:
    page.read()
    return page.letters["subjects"]["ids"] == ids


def test_a_flood_of_nonsense_is_counted_and_the_next_page_is_served(run):
    with play.monitor(run) as url:
        with reading(url) as hostile:
            hostile.read()
            for _ in range(50):
                hostile.say(shutdown=True)
            hostile.socket.send(b"\x00\xff")
            with pytest.raises(ConnectionClosed):
                listen_for_ever(hostile)
        with reading(url) as big:
            big.read()
            big.socket.send(json.dumps({"pin": 1, "x": "y" * MAX_BYTES_FROM_PAGE}))
            with pytest.raises(ConnectionClosed):
                listen_for_ever(big)
        with reading(url) as page:
            play.until(lambda: counted(page) == {UNKNOWN: 50, MALFORMED: 1})
            assert page.letters["subjects"]["ids"] == [5]


def listen_for_ever(page) -> None:
    while True:
        page.batch()


def counted(page) -> dict[str, int]:
    page.read()
    drops = page.letters.get("health/monitor", {}).get("drops", {})
    return {reason: n for reason, n in drops.items() if reason.startswith("page:")}


def test_decisions_on_cameras_are_kept_the_last_of_each_and_bounded():
    ears = Ears(life_ns=100)
    for words in ({"keep_place": "cam03"}, {"former_place": "cam01"}, {"former_place": "cam03"}):
        ears.hear(json.dumps(words))
    assert ears.wanted.decisions == (
        PlaceDecision("cam01", "back", 102),
        PlaceDecision("cam03", "back", 103),
    )
    for i in range(200):
        ears.hear(json.dumps({"keep_place": f"camera {i}"}))
    assert len(ears.wanted.decisions) == MAX_DECISIONS
    assert ears.wanted.decisions[-1].camera == "camera 199"


def test_a_decision_reaches_the_fusion(run):
    with (
        play.monitor(run) as url,
        run.context("fusion").subscriber() as fusion,
        reading(url) as page,
    ):
        page.say(former_place="cam02")
        said = play.until(lambda: next(iter(decided(fusion)), None))
    assert [(one.camera, one.wish) for one in said.places] == [("cam02", "back")]


def decided(subscriber) -> list[Decisions]:
    heard = [one.message for one in subscriber.drain(timeout_ms=50)]
    return [one for one in heard if isinstance(one, Decisions) and one.places]
