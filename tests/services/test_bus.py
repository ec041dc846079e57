"""Real sockets: topics, numbering, hostile input."""

import random
from pathlib import Path

import pytest
import zmq

from core.messages import Event, Header, Health, Message
from services.bus import Publisher, Received, Subscriber, newest_by_key


def event(text: str = "x") -> Event:
    return Event(t_ns=1, name="n", text=text)


def health(process: str) -> Health:
    return Health(t_ns=1, process=process, state="running", pid=1)


def address(folder: Path, name: str = "a") -> str:
    return f"ipc://{folder}/{name}.ipc"


def until(source: Subscriber, condition, send=lambda: None, rounds: int = 200) -> list[Received]:
    """Send and receive until the condition holds; sockets join at their own pace."""
    found: list[Received] = []
    for _ in range(rounds):
        send()
        found += source.drain(50)
        if condition(found):
            return found
    raise AssertionError(f"not within {rounds} rounds: {found}")


def joined(publisher: Publisher, source: Subscriber, topic: str, message: Message) -> None:
    until(source, bool, lambda: publisher.send(topic, message))
    while source.drain(50):
        pass


def test_a_message_arrives_with_its_header(short_folder):
    with (
        Publisher(address(short_folder), "supervisor", 77, ["event"]) as sender,
        Subscriber([address(short_folder)], ["event"]) as source,
    ):
        joined(sender, source, "event", event())
        sender.send("event", event("hello"))
        (one,) = until(source, bool)
        assert one.message == event("hello")
        assert (one.header.source, one.header.life_ns) == ("supervisor", 77)


def test_only_wanted_keys_come_even_where_one_is_a_prefix(short_folder):
    with (
        Publisher(address(short_folder), "p", 1, ["event", "health"]) as sender,
        Subscriber([address(short_folder)], ["event"]) as source,
    ):
        joined(sender, source, "event", event())
        sender.send("health", health("p"))
        sender.send("event", event())
        assert [one.key for one in until(source, bool)] == ["event"]


def test_a_process_may_not_write_what_is_not_its_own(short_folder):
    with (
        Publisher(address(short_folder), "p", 1, ["event"]) as sender,
        pytest.raises(KeyError, match="p may not write health"),
    ):
        sender.send("health", health("p"))


def test_a_hole_in_the_numbering_is_counted_and_a_new_life_is_none(short_folder):
    place = address(short_folder)
    with Subscriber([place], ["event"]) as source:
        with Publisher(place, "p", 1, ["event"]) as sender:
            joined(sender, source, "event", event())
            sender._next_seq["event"] += 5  # pyright: ignore[reportPrivateUsage]
            sender.send("event", event())
            until(source, bool)
        assert source.lost == {"event": 5}
        with Publisher(place, "p", 2, ["event"]) as sender:
            joined(sender, source, "event", event())
        assert source.lost == {"event": 5}


def test_a_reader_finds_a_writer_that_came_back(short_folder):
    place = address(short_folder)
    with Subscriber([place], ["event"]) as source:
        for life_ns in (1, 2, 3):
            with Publisher(place, "p", life_ns, ["event"]) as sender:
                found = until(source, bool, lambda s=sender: s.send("event", event()))
                assert found[-1].header.life_ns == life_ns
            while source.drain(20):
                pass


def test_the_newest_of_each_key_and_what_was_passed_over():
    def one(key: str, text: str) -> Received:
        return Received(key, None, event(text), b"")  # pyright: ignore[reportArgumentType]

    newest, passed = newest_by_key([one("a", "1"), one("b", "2"), one("a", "3")])
    assert {key: r.message for key, r in newest.items()} == {"a": event("3"), "b": event("2")}
    assert passed == {"a": 1}


def test_hostile_frames_are_dropped_and_counted(short_folder):
    """Random bytes in random numbers of frames on a real socket: counted, never a crash."""
    rng = random.Random(5)
    raw: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
    raw.set(zmq.LINGER, 0)
    raw.bind(address(short_folder))
    with Subscriber([address(short_folder)], ["event", "health", "pose3d"]) as source:

        def throw() -> None:
            name = rng.choice([b"event", b"health", b"pose3d", b"event\xff", b"eventual"])
            rest = [rng.randbytes(rng.randint(0, 60)) for _ in range(rng.choice([0, 1, 2, 2, 3]))]
            raw.send_multipart([name, *rest])

        until(source, lambda _: source.drops["malformed"] > 100, throw, rounds=2000)
        assert set(source.drops) <= {"malformed", "version", "not_finite", "unknown_topic"}
    raw.close()


def test_the_first_messages_of_a_writer_that_began_later_count_as_lost():
    """A process that was started again speaks before a reader has found it."""
    late = Received("health", Header(1, "fusion", 200, 3), health("fusion"), b"")
    for joined_ns, lost in ((None, 0), (300, 0), (100, 3)):
        with Subscriber([], ["health"]) as reader:
            reader.joined_ns = joined_ns
            reader._count_lost(late)  # pyright: ignore[reportPrivateUsage]
            assert reader.lost["health"] == lost


def test_who_waits_for_a_reader_says_nothing_to_nobody(short_folder):
    place = address(short_folder)
    with Publisher(place, "p", 1, ["event", "health"]) as sender:
        assert not sender.wait_for_reader("event", within_ms=50)
        with Subscriber([place], ["event", "health"]) as source:
            assert sender.wait_for_reader("health", within_ms=5000)
            assert sender.wait_for_reader("health", within_ms=50) is False  # once for a key
            sender.send("health", health("p"))
            (first,) = until(source, bool)
            assert first.header.seq == 0
