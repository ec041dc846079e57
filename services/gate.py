"""Gate process: lets the cameras of other hosts into the run.

It passes on what their processes say, untouched, and answers their questions: what the run is, when
it starts, when it is over, and what time it is. It is the only process that listens to other
machines, and passes on nothing that is not theirs to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core import wire
from core.errors import WireError
from core.messages import SCHEMA_VERSION
from services import host_words, processes, run_folder
from services.bus import Publisher
from services.bus_hosts import Answering, Gathering
from services.child import Context, Pulse
from services.host_words import Answer, Question, State
from services.processes import Instance

TURN_MS = 20
MOST_A_TURN = 32
"""Messages passed on between two looks for questions: those are waiting for the time."""
GONE_AFTER_NS = 3_000_000_000
LEAVE_WITHIN_NS = 1_200_000_000
LAST_WORDS_NS = 150_000_000


@dataclass
class Guest:
    """A host that asked lately."""

    life: int
    heard_ns: int
    leaving: bool = False


@dataclass
class Gate:
    """Answers and passes on."""

    context: Context
    publisher: Publisher
    pulse: Pulse
    questions: Answering
    packets: Gathering
    guests: dict[str, Guest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._may_say = {
            one.name: frozenset(processes.keys_of(one)) for one in _theirs(self.context)
        }

    def turn(self) -> None:
        """Wait a little for what comes, and deal with it."""
        self.questions.wait(TURN_MS, self.packets)
        for _ in range(MOST_A_TURN):
            asked = self.questions.take()
            if asked is None:
                break
            self._answer(*asked)
        for _ in range(MOST_A_TURN):
            frames = self.packets.take()
            if frames is None:
                break
            self._pass_on(frames)
        self._forget_the_silent()
        self.pulse.gauges["hosts"] = len(self.guests)
        self.pulse.beat()

    @property
    def all_left(self) -> bool:
        """Whether every host that is there has said its last word."""
        return all(guest.leaving for guest in self.guests.values())

    def _answer(self, who: bytes, words: bytes) -> None:
        now_ns = self.context.clock.now_ns()
        question = host_words.decode(words, Question)
        if question is None:
            self.pulse.drops["malformed question"] += 1
            return
        state = self._state(question, now_ns)
        is_guest = state in ("waiting", "running", "over")
        if is_guest:
            self._note(question, now_ns)
        run = self.context.run
        start_ns = run_folder.start_ns(self.context.run_folder)
        answer = Answer(
            serial=question.serial,
            there_ns=now_ns,
            state=state,
            run_id=self.context.run_folder.name,
            start_ns=start_ns or 0,
            run=host_words.run_for(run, question.host) if is_guest and question.wants_run else b"",
            hosts=run.hosts if state == "unknown host" else (),
        )
        self.questions.answer(who, host_words.encode(answer))
        self.pulse.counts["answers"] += 1

    def _state(self, question: Question, now_ns: int) -> State:
        if question.version != SCHEMA_VERSION:
            return "other version"
        if question.host not in self.context.run.hosts:
            return "unknown host"
        guest = self.guests.get(question.host)
        if guest and guest.life != question.life and not guest.leaving:
            return "taken"
        if host_words.is_over(self.context.run_folder):
            return "over"
        started = run_folder.start_ns(self.context.run_folder) is not None
        return "running" if started else "waiting"

    def _note(self, question: Question, now_ns: int) -> None:
        host, folder = question.host, self.context.run_folder
        self.guests[host] = Guest(question.life, now_ns, question.leaving)
        host_words.tell_here(folder, host, here=question.ready and not question.leaving)
        for camera in question.finished:
            if any(one.name == camera and one.host == host for one in self.context.run.cameras):
                host_words.tell_finished(folder, camera)

    def _forget_the_silent(self) -> None:
        now_ns = self.context.clock.now_ns()
        for host, guest in list(self.guests.items()):
            if now_ns - guest.heard_ns > GONE_AFTER_NS:
                del self.guests[host]
                host_words.tell_here(self.context.run_folder, host, here=False)

    def _pass_on(self, frames: list[bytes]) -> None:
        try:
            if len(frames) != 3:
                raise WireError("malformed", f"{len(frames)} frames instead of 3")
            source = wire.decode_header(frames[1]).source
        except WireError as error:
            self.pulse.drops[error.reason] += 1
            return
        if frames[0].decode(errors="replace") not in self._may_say.get(source, ()):
            self.pulse.drops["refused"] += 1
            return
        self.publisher.pass_on(frames)
        self.pulse.counts["passed on"] += 1


def _theirs(context: Context) -> Iterable[Instance]:
    return (one for one in processes.instances(context.run) if one.host)


def main(context: Context) -> None:
    """Entry point of the process: until the hosts have left, once it is to stop."""
    run, clock = context.run, context.clock
    questions = Answering(processes.gate_for_questions(run))
    keys = {key for one in _theirs(context) for key in processes.keys_of(one)}
    packets = Gathering(processes.gate_for_packets(run), keys)
    with context.publisher() as publisher:
        gate = Gate(context, publisher, Pulse(context, publisher), questions, packets)
        context.ready()
        while not context.stop.is_set():
            gate.turn()
        _say_goodbye(gate, clock.now_ns() + LEAVE_WITHIN_NS)
        gate.pulse.beat(last=True)
    questions.close()
    packets.close()


def _say_goodbye(gate: Gate, latest_ns: int) -> None:
    """Let the hosts end and hand on their last words; at once if it is our supervisor that died."""
    clock = gate.context.clock
    while host_words.is_over(gate.context.run_folder) and clock.now_ns() < latest_ns:
        if gate.all_left:
            latest_ns = min(latest_ns, clock.now_ns() + LAST_WORDS_NS)
        gate.turn()
