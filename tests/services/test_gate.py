"""The gate, on real sockets: who is let in, what is passed on, and what hostile bytes do."""

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq

from capture.clock import wall_clock
from core import config
from core.config import BusConfig, CameraConfig, RunConfig
from core.errors import ConfigError
from core.messages import Event, Header, Health, Packet
from core.wire import encode_header
from services import gate, host_words, join, prepare, processes, run_folder
from services.bus import Publisher, Received, Subscriber
from services.bus_hosts import Asking
from services.child import Context
from services.host_words import Answer, Question
from tools.join import hub_address

WHERE = "127.0.0.2"
PORTS = itertools.count(23_500, 3)  # of its own for each: a closed socket keeps its port a while
CAMERAS = (
    CameraConfig(name="cam1"),
    CameraConfig(name="cam2", host="lab2", path="here.mp4"),
    CameraConfig(name="cam3", host="lab3", path="there.mp4"),
)


@dataclass
class Open:
    """A gate in a thread, one who asks, and one who hears what is passed on."""

    folder: Path
    context: Context
    asking: Asking
    source: Subscriber
    serial: int = 0

    @property
    def packets(self) -> str:
        return processes.gate_for_packets(self.context.run)

    @property
    def questions(self) -> str:
        return processes.gate_for_questions(self.context.run)

    def ask(self, host: str = "lab2", life: int = 1, **more: object) -> Answer:
        """Ask until there is an answer."""
        for _ in range(100):
            self.serial += 1
            words = Question(host=host, life=life, serial=self.serial, **more)  # pyright: ignore[reportArgumentType]
            self.asking.ask(host_words.encode(words))
            if raw := self.asking.hear(100):
                answer = host_words.decode(raw, Answer)
                assert answer is not None
                if answer.serial == self.serial:
                    return answer
        raise AssertionError("no answer")

    def health_of_the_gate(self, condition) -> Health:
        for _ in range(200):
            for one in self.source.drain(50):
                said = one.message
                if isinstance(said, Health) and said.process == "gate" and condition(said):
                    return said
        raise AssertionError("the gate did not say so")


@contextmanager
def opened(folder: Path) -> Iterator[Open]:
    bus = BusConfig(host=WHERE, base_port=next(PORTS))
    run = RunConfig(cameras=CAMERAS, calibration="c.toml", bus=bus)
    instance = next(one for one in processes.instances(run) if one.name == "gate")
    clock = wall_clock()
    context = Context(run, folder, instance, clock, clock.now_ns(), threading.Event())
    thread = threading.Thread(target=gate.main, args=(context,))
    thread.start()
    asking = Asking(processes.gate_for_questions(run))
    heard_at = processes.endpoint(run, str(folder), instance)
    with Subscriber([heard_at], ["packet/cam1", "packet/cam2", "event", "health"]) as source:
        try:
            yield Open(folder, context, asking, source)
        finally:
            context.stop.set()
            thread.join(10)
            asking.close()
            assert not thread.is_alive()


@pytest.fixture
def here(short_folder) -> Iterator[Open]:
    with opened(short_folder) as found:
        yield found


def packet(camera: str, number: int = 0) -> Packet:
    return Packet(
        t_ns=5, camera=camera, frame=number, packet=number, payload=b"xyz", keyframe=True, pts=0,
        dts=0,
    )  # fmt: skip


def said_until(source: Subscriber, speak, found, rounds: int = 200) -> list[Received]:
    heard: list[Received] = []
    for _ in range(rounds):
        speak()
        heard += source.drain(50)
        if found(heard):
            return heard
    raise AssertionError(f"not passed on: {[one.key for one in heard]}")


def test_a_host_gets_its_cameras_the_time_and_the_start(here):
    before_ns = here.context.clock.now_ns()
    answer = here.ask(wants_run=True)
    assert before_ns <= answer.there_ns <= here.context.clock.now_ns()
    assert answer.state == "waiting"
    run = config.parse(answer.run)
    assert [one.name for one in run.cameras] == ["cam2"]  # not what the others' are called
    assert here.ask().run == b""
    run_folder.begin(here.folder, 77)
    answer = here.ask()
    assert (answer.state, answer.start_ns) == ("running", 77)


def test_the_supervisor_learns_who_is_there_and_what_is_finished(here):
    here.ask()
    assert not host_words.is_here(here.folder, "lab2")
    here.ask(ready=True, finished=("cam2", "cam3"))
    assert host_words.is_here(here.folder, "lab2")
    assert host_words.has_finished(here.folder, "cam2")
    assert not host_words.has_finished(here.folder, "cam3")  # is not its own
    here.ask(ready=True, leaving=True)
    assert not host_words.is_here(here.folder, "lab2")


def test_who_does_not_belong_is_told_so(here):
    stranger = here.ask("lab9", wants_run=True)
    assert (stranger.state, stranger.hosts, stranger.run) == ("unknown host", ("lab2", "lab3"), b"")
    assert here.ask(version=0).state == "other version"
    assert here.ask(life=1).state == "waiting"
    assert here.ask(life=2, wants_run=True).state == "taken"
    here.ask(life=1, leaving=True)
    assert here.ask(life=2).state == "waiting"


def test_what_hosts_say_is_passed_on_untouched_and_nothing_else(here):
    with (
        Publisher(here.packets, "camera.cam2", 9, ["packet", "health"], connect=True) as theirs,
        Publisher(here.packets, "camera.cam1", 9, ["packet", "event"], connect=True) as false,
    ):

        def speak() -> None:
            false.send("packet", packet("cam1"))  # a camera of the hub's
            false.send("packet", packet("cam2"))
            false.send("event", Event(t_ns=1, name="n", text="x"))
            theirs.send("packet", packet("cam1"))
            theirs.send("packet", packet("cam2", 3))

        heard = said_until(
            here.source, speak, lambda all_: any(o.key[:6] == "packet" for o in all_)
        )
        heard += said_until(here.source, speak, bool)
        passed = [one for one in heard if one.header.source != "gate"]
        assert {(one.key, one.header.source) for one in passed} == {("packet/cam2", "camera.cam2")}
        assert passed[0].message == packet("cam2", 3)
        assert passed[0].header.life_ns == 9
        assert here.health_of_the_gate(lambda said: said.drops.get("refused", 0) >= 2)


def test_hostile_bytes_change_nothing(here):
    rng = random.Random(7)
    good = host_words.encode(Question(host="lab2", life=1, serial=1))
    header = encode_header(Header(1, "camera.cam2", 1, 0))
    context = zmq.Context.instance()
    dealer, pub = context.socket(zmq.DEALER), context.socket(zmq.PUB)
    for socket, address in ((dealer, here.questions), (pub, here.packets)):
        socket.set(zmq.LINGER, 0)
        socket.connect(address)

    def mutated(raw: bytes) -> bytes:
        out = bytearray(raw)
        for _ in range(rng.randint(1, 4)):
            out[rng.randrange(len(out))] = rng.randrange(256)
        return bytes(out[: rng.randint(0, len(out))])

    for _ in range(3000):
        dealer.send_multipart([mutated(good) for _ in range(rng.choice((1, 1, 1, 2)))])
        rest = [rng.choice((mutated(header), header, b"")) for _ in range(rng.randint(0, 3))]
        pub.send_multipart([rng.choice((b"packet/cam2", b"event\xff", b"health")), *rest])
    assert here.ask().state == "waiting"
    with Publisher(here.packets, "camera.cam2", 9, ["packet"], connect=True) as theirs:
        said_until(
            here.source,
            lambda: theirs.send("packet", packet("cam2")),
            lambda heard: any(one.message == packet("cam2") for one in heard),
        )
    health = here.health_of_the_gate(lambda said: said.drops.get("malformed question", 0) > 100)
    print(health.drops)
    dealer.close()
    pub.close()


def test_hosts_are_told_of_the_end_and_waited_for(short_folder):
    with opened(short_folder) as here:
        here.ask(ready=True)
        host_words.end(here.folder)
        here.context.stop.set()
        assert here.ask().state == "over"
        assert here.ask(leaving=True).state == "over"


def test_a_gate_whose_supervisor_died_ends_at_once(short_folder):
    with opened(short_folder) as here:
        here.ask(ready=True)


def test_a_name_that_the_rig_has_not_ends_join_with_those_it_has(here):
    base_port = here.context.run.bus.base_port
    with pytest.raises(ConfigError, match="no camera of the rig is on 'lab9', but on: lab2, lab3"):
        join.join(WHERE, base_port, "lab9", stay=False, cancelled=lambda: False, tell=print)


def test_the_hub_is_named_with_or_without_its_port():
    assert hub_address("10.0.0.1") == ("10.0.0.1", 5600)
    assert hub_address("lab.local:7000") == ("lab.local", 7000)
    for wrong in ("", ":7000", "10.0.0.1:x"):
        with pytest.raises(ConfigError, match="ADDRESS"):
            hub_address(wrong)


def test_a_path_of_another_host_is_left_to_that_host(tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text(
        'calibration = "c.toml"\nbus = { host = "10.0.0.1" }\n'
        '[[cameras]]\nname = "cam1"\npath = "a.mp4"\n'
        '[[cameras]]\nname = "cam2"\npath = "b.mp4"\nhost = "lab2"\n'
        '[[cameras]]\nname = "cam3"\npath = "asset:footage/c.mp4"\nhost = "lab2"\n'
    )
    assert [one.path for one in prepare.read_run(rig).cameras] == [
        str(tmp_path / "a.mp4"), "b.mp4", "asset:footage/c.mp4",
    ]  # fmt: skip
    assert prepare.asset_groups(rig) == []
