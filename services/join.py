"""Another host of a rig: its cameras run here, the run itself on the hub.

The host asks the hub ten times a second. The answers say what to run and when it starts and ends,
and each is a round trip that relates this host's clock to the rig's. The cameras' packets go to the
hub's gate; no other process runs here. A link that is down changes nothing here. A hub that was
restarted is another run: the cameras are started anew for it.
"""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from capture.clock import RigClock
from core import host_clock, rig_time
from core.config import RunConfig
from core.errors import ConfigError
from core.host_clock import Relation
from core.messages import SCHEMA_VERSION, Event, HostClockSample
from core.rig_time import Mapping
from services import host_words, prepare, processes, run_folder
from services.child import Context, Pulse
from services.children import Children
from services.host_link import Link
from services.host_words import Answer

EACH_S = 0.1
FIRST_TRIPS, FIRST_EACH_S = 20, 0.02
"""So many round trips come before the cameras."""
SAY_EACH_NS = 1_000_000_000
TORN_NS = 100_000_000
"""A relation further off than this is none that drifted: this machine slept."""

Cancelled = Callable[[], bool]
Tell = Callable[[str], None]


class Host:
    """The cameras of this host in one run. Use it in ``with``."""

    def __init__(self, run: RunConfig, host: str, run_id: str, link: Link) -> None:
        self._run, self._host, self._run_id, self._link = run, host, run_id, link
        self._said_ns = time.monotonic_ns()
        self._stop = threading.Event()
        self._stood = False

    def __enter__(self) -> Self:
        mapping = mapping_of(host_clock.relation(self._link.clock))
        self.folder, self.clock = run_folder.create(self._run, mapping)
        *cameras, mine = processes.on_host(self._run, self._host)
        life_ns = self.clock.now_ns()
        context = Context(self._run, self.folder, mine, self.clock, life_ns, self._stop)
        self._publisher = context.publisher()
        self._pulse = Pulse(context, self._publisher)
        self.children = Children(cameras, self.folder, self.clock, self._publish, self._publish)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Stop the cameras, and tell the hub that this was all."""
        self._stop.set()
        self.children.stop()
        self._pulse.beat(last=True)
        self._link.ask(leaving=True)
        self._publisher.__exit__(kind, value, tb)
        shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self, cancelled: Cancelled) -> Answer | None:
        """Run the cameras until the run is over or is another one.

        Returns:
            The answer that said so; None when ``cancelled``, or when the clocks no longer have to
            do with each other, so that the cameras must begin anew.
        """
        self.children.start()
        while not cancelled():
            self._stood = self._stood or not self.children.waited_for
            answer = self._link.ask(ready=self._stood, finished=self._finished)
            if answer is not None and self._is_at_its_end(answer):
                return answer
            self.children.reconcile()
            if not self._keep_time():
                return None
            self._pulse.beat()
            time.sleep(EACH_S)
        return None

    def _is_at_its_end(self, answer: Answer) -> bool:
        if answer.run_id != self._run_id or answer.state not in ("waiting", "running"):
            return True
        if answer.state == "running" and not self._has_begun:
            run_folder.begin(self.folder, answer.start_ns)
        return False

    @property
    def _has_begun(self) -> bool:
        return run_folder.start_ns(self.folder) is not None

    @property
    def _finished(self) -> tuple[str, ...]:
        children = self.children.by_name.values()
        return tuple(one.instance.cameras[0] for one in children if one.finished)

    def _keep_time(self) -> bool:
        """Once a second put the relation in force that is known by now, and say it; False where
        that is another clock altogether."""
        now_ns = time.monotonic_ns()
        self._pulse.gauges["clock_uncertainty_ms"] = self.clock.uncertainty_ns * 1e-6
        if now_ns - self._said_ns < SAY_EACH_NS or not self._link.trips:
            return True
        self._said_ns = now_ns
        relation = host_clock.relation(self._link.clock)
        if self._has_begun and abs(relation.hub_ns(now_ns) - self.clock.at_ns(now_ns)) > TORN_NS:
            return False
        relate(self.clock, relation, gently=self._has_begun)
        self._publisher.send("host_clock", self._sample(relation))
        self._pulse.counts["round trips"] += len(self._link.trips)
        self._link.trips.clear()
        return True

    def _sample(self, relation: Relation) -> HostClockSample:
        trips, at_ns = self._link.trips, relation.at_ns
        return HostClockSample(
            t_ns=self.clock.now_ns(),
            host=self._host,
            sent_ns=np.array([one.sent_ns for one in trips], "<i8").tobytes(),
            there_ns=np.array([one.there_ns for one in trips], "<i8").tobytes(),
            back_ns=np.array([one.back_ns for one in trips], "<i8").tobytes(),
            at_ns=at_ns,
            offset_ns=relation.offset_ns,
            drift_ppm=relation.drift_ppm,
            uncertainty_ns=relation.uncertainty_ns,
            shown_offset_ns=self.clock.at_ns(at_ns) - at_ns,
        )

    def _publish(self, event: Event) -> None:
        self._publisher.send("event", event)


def mapping_of(relation: Relation) -> Mapping:
    """The relation as a mapping that is in force at once."""
    return Mapping(
        at_ns=relation.at_ns,
        offset_ns=relation.offset_ns,
        drift=relation.drift_ppm * 1e-6,
        uncertainty_ns=max(1, relation.uncertainty_ns),
    )


def relate(clock: RigClock, relation: Relation, *, gently: bool) -> None:
    """Put a relation in force: gently once frames have times, for these must not go back."""
    target = mapping_of(relation)
    now_ns = time.monotonic_ns()
    clock.relate(rig_time.corrected(clock.mapping, target, now_ns) if gently else target)


def join(
    hub: str, base_port: int, host: str, *, stay: bool, cancelled: Cancelled, tell: Tell
) -> None:
    """Take part in the runs of a hub until one is over; with ``stay`` in the next ones, too.

    Raises:
        ConfigError: the rig has no such host, or the hub is of another version.
        AssetError: a camera's footage is not in the cache of this machine.
    """
    link = Link(f"tcp://{hub}:{base_port - 1}", host)
    try:
        while not cancelled():
            link.forget_clock()
            welcome = _welcome(link, host, hub, cancelled, tell)
            run = host_words.read_run(welcome.run) if welcome is not None else None
            if welcome is None or run is None:
                continue
            run = _seen_from_here(run, hub, base_port)
            with Host(run, host, welcome.run_id, link) as mine:
                tell(f"{host}: {len(run.cameras)} cameras for the run on {hub}")
                answer = mine.serve(cancelled)
            if answer is not None and answer.run_id == welcome.run_id and not stay:
                tell("the run is over")
                return
    finally:
        link.close()


def _welcome(link: Link, host: str, hub: str, cancelled: Cancelled, tell: Tell) -> Answer | None:
    """Wait until the hub takes us; then look at its clock often enough to begin."""
    waits_for = ""
    while not cancelled():
        answer = link.ask(wants_run=True)
        _refuse(answer, host)
        if answer is not None and answer.state in ("waiting", "running"):
            for _ in range(FIRST_TRIPS):
                time.sleep(FIRST_EACH_S)
                link.ask()
            return answer
        said = (
            f"{host} is taken on {hub}"
            if answer and answer.state == "taken"
            else f"waiting for {hub}"
        )
        if said != waits_for:
            tell(said)
        waits_for = said
        time.sleep(EACH_S)
    return None


def _refuse(answer: Answer | None, host: str) -> None:
    if answer is not None and answer.state == "unknown host":
        known = ", ".join(answer.hosts) or "none"
        raise ConfigError(
            f"no camera of the rig is on {host!r}, but on: {known}; name one with --host, or give "
            f'a camera of the rig file host = "{host}"'
        )
    if answer is not None and answer.state == "other version":
        raise ConfigError(
            f"the hub is of another version, this one of schema {SCHEMA_VERSION}: install the same"
        )


def _seen_from_here(run: RunConfig, hub: str, base_port: int) -> RunConfig:
    """The run with the hub where we reach it, and with the files of this machine."""
    bus = msgspec.structs.replace(run.bus, host=hub, base_port=base_port)
    cameras = tuple(
        msgspec.structs.replace(one, path=prepare.found(one.path, Path.cwd()))
        for one in run.cameras
    )
    return msgspec.structs.replace(run, bus=bus, cameras=cameras)
