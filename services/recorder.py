"""The recorder: everything on the bus, in order, on the disk within ``flush_ms``.

It writes nothing to the bus but health. What it could not write is counted there by reason, and at
the end in the manifest.
"""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from capture.clock import wall_clock_offset_ns
from core.config import RecorderConfig
from services.bus import Received, Subscriber
from services.child import Context, Pulse
from services.session_life import begin_life, describe
from services.session_writer import SessionWriter

GATHER_S = 0.05
"""Messages are taken in handfuls: waking up for each one costs half as much again."""
QUIET_MS = 100
DRAIN_NS = 1_000_000_000


class Source(Protocol):
    """What brings the messages: a subscriber, or a list in a test."""

    def drain(self, timeout_ms: int) -> list[Received]:
        """Return all that waits; wait so long for the first."""
        ...


class Clock(Protocol):
    """What tells the time."""

    def now_ns(self) -> int:
        """Time on the rig clock."""
        ...


class Stop(Protocol):
    """What tells the end: an event."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds, or until it is time to stop; whether it is."""
        ...


def loop(
    source: Source,
    writer: SessionWriter,
    clock: Clock,
    stop: Stop,
    flush_ms: float,
    beat: Callable[[], None],
) -> None:
    """Write what comes until told to stop; flush each ``flush_ms``, ``beat`` each round."""
    flush_ns = round(flush_ms * 1e6)
    flushed_ns = clock.now_ns()
    while not stop.wait(GATHER_S):
        now_ns = _write(source.drain(0), writer, clock)
        if not 0 <= now_ns - flushed_ns < flush_ns:  # a replay sets the clock back at its start
            writer.flush(now_ns)
            flushed_ns = now_ns
        beat()
    writer.flush(clock.now_ns())


def drain(source: Source, writer: SessionWriter, clock: Clock, end_ns: int) -> None:
    """Write what still comes until nothing does for 100 ms, or until ``end_ns``."""
    while (batch := source.drain(QUIET_MS)) and _write(batch, writer, clock) < end_ns:
        pass


def _write(batch: list[Received], writer: SessionWriter, clock: Clock) -> int:
    """Hand a batch to the writer; returns the time it was received."""
    now_ns = clock.now_ns()
    for received in batch:
        writer.write(received, now_ns)
    return now_ns


def session_folder(config: RecorderConfig, wall_ns: int) -> Path:
    """Folder of the session: the one named, or a new one called by the time (UTC)."""
    if config.session:
        return Path(config.session)
    moment = datetime.fromtimestamp(wall_ns // 10**9, UTC)
    return Path(config.directory) / moment.strftime("%Y-%m-%dT%H-%M-%SZ")


def losses(subscriber: Subscriber) -> dict[str, int]:
    """What did not reach the recorder, by reason, as in its health."""
    return {**subscriber.drops, **{f"lost {key}": n for key, n in subscriber.lost.items()}}


def main(context: Context) -> None:
    """Record until told to stop, then what the others still said, then the end of the files."""
    run, clock = context.run, context.clock
    wall_ns = clock.now_ns() - clock.offset_ns + wall_clock_offset_ns()
    folder = session_folder(run.recorder, wall_ns)
    fresh = describe(run, context.run_folder.name, Path(run.calibration), clock.offset_ns, wall_ns)
    manifest = begin_life(folder, fresh, context.life_ns)
    with ExitStack() as open_things:
        publisher = open_things.enter_context(context.publisher())
        subscriber = open_things.enter_context(context.subscriber())
        pulse = Pulse(context, publisher)
        writer = open_things.enter_context(
            SessionWriter(folder, manifest, partial(_free_bytes, folder), pulse.drops, pulse.counts)
        )
        context.ready()

        def beat() -> None:
            if subscriber.joined_ns is None and context.has_started():
                subscriber.joined_ns = clock.now_ns()
            pulse.beat(subscriber)

        loop(subscriber, writer, clock, context.stop, run.recorder.flush_ms, beat)
        end_ns = clock.now_ns() + DRAIN_NS
        drain(subscriber, writer, clock, end_ns)
        pulse.beat(subscriber, last=True)
        drain(subscriber, writer, clock, end_ns)  # its own last word belongs into the session
        writer.close(clock.now_ns(), clock.offset_ns, losses(subscriber))


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
