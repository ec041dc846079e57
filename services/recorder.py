"""The recorder: everything on the bus, in order, on the disk within ``flush_ms``.

The main thread empties the bus into a backlog, the disk thread writes it (``recorder_disk``). It
says its health and what happens to its disks. What it could not write is counted by reason, and at
the end in the manifest.
"""

import math
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from capture.clock import wall_clock_offset_ns
from core import shedding
from core.config import RecorderConfig, RunConfig
from core.recorder_config import folder_name
from services.backlog import Backlog
from services.bus import Received, Subscriber
from services.child import Context, Pulse
from services.recorder_disk import Clock, Disk, DiskThread
from services.recorder_news import News
from services.session_format import Manifest
from services.session_life import begin_life, describe
from services.session_places import free_bytes
from services.session_writer import SessionWriter

GATHER_S = 0.05
"""Messages are taken in handfuls: waking up for each one costs half as much again."""
QUIET_MS = 100
DRAIN_NS = 1_000_000_000
FINISH_S = 3.0
"""What waits for a slow disk at the end has so long; keypoints come first."""


class Source(Protocol):
    """What brings the messages: a subscriber, or a list in a test."""

    def drain(self, timeout_ms: int) -> list[Received]:
        """Return all that waits; wait so long for the first."""
        ...


class Stop(Protocol):
    """What tells the end: an event."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds, or until it is time to stop; whether it is."""
        ...


def loop(
    source: Source,
    backlog: Backlog,
    clock: Clock,
    stop: Stop,
    gather_s: float,
    beat: Callable[[], None],
) -> None:
    """Hand on what comes until told to stop; ``beat`` each round."""
    while not stop.wait(gather_s):
        backlog.put(source.drain(0), clock.now_ns())
        beat()


def drain(source: Source, backlog: Backlog, clock: Clock, end_ns: int) -> None:
    """Hand on what still comes until nothing does for 100 ms, or until ``end_ns``."""
    while batch := source.drain(QUIET_MS):
        now_ns = clock.now_ns()
        backlog.put(batch, now_ns)
        if now_ns >= end_ns:
            return


def backlog_of(run: RunConfig) -> Backlog:
    """An empty backlog as the settings want it."""
    cameras = tuple(camera.name for camera in run.cameras)
    order = shedding.giving_order(cameras, run.recorder.give_up_first)
    return Backlog(cameras, order, run.recorder.backlog_mb * 2**20)


def session_folder(config: RecorderConfig, wall_ns: int) -> Path:
    """Folder of the session: the one named, or a new one called by the time (UTC) and names."""
    if config.session:
        return Path(config.session)
    moment = datetime.fromtimestamp(wall_ns // 10**9, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return Path(config.directory) / folder_name(config, moment)


def losses(subscriber: Subscriber) -> dict[str, int]:
    """What did not reach the recorder, by reason, as in its health."""
    return {**subscriber.drops, **{f"lost {key}": n for key, n in subscriber.lost.items()}}


def second_folder(config: RecorderConfig, first: Path) -> Path | None:
    """Where the recording goes on when the first folder takes no more; None: nowhere."""
    return Path(config.second_directory) / first.name if config.second_directory else None


def main(context: Context) -> None:
    """Record until told to stop, then what the others still said, then the end of the files."""
    run, clock = context.run, context.clock
    wall_ns = clock.now_ns() - clock.offset_ns + wall_clock_offset_ns()
    folder = session_folder(run.recorder, wall_ns)
    second = second_folder(run.recorder, folder)
    fresh = describe(run, context.run_folder.name, Path(run.calibration), clock.offset_ns, wall_ns)
    manifest = begin_life(folder, fresh, context.life_ns, second)
    with ExitStack() as open_things:
        publisher = open_things.enter_context(context.publisher())
        subscriber = open_things.enter_context(context.subscriber())
        news = News(publisher, clock)
        backlog = backlog_of(run)
        disk = open_things.enter_context(_disk(folder, second, manifest, backlog, clock, news))
        context.ready()
        _record(context, Pulse(context, publisher), subscriber, backlog, disk, news)


def _disk(
    folder: Path,
    second: Path | None,
    manifest: Manifest,
    backlog: Backlog,
    clock: Clock,
    news: News,
) -> DiskThread:
    """The thread that writes, begun."""
    drops, counts = Counter[str](), Counter[str]()
    writer = SessionWriter(
        folder,
        manifest,
        free_bytes,
        drops,
        counts,
        second=second,
        say=news.say,
        returns=True,
    )
    _, period_s = paces(manifest.run.recorder.flush_ms)
    return DiskThread(Disk(backlog, writer, clock, drops, counts), period_s)


def paces(flush_ms: float) -> tuple[float, float]:
    """How often to empty the bus and how often to write, in seconds: together ``flush_ms``."""
    gather_s = min(GATHER_S, flush_ms * 1e-3 / 2)
    return gather_s, flush_ms * 1e-3 - gather_s


def _record(
    context: Context,
    pulse: Pulse,
    subscriber: Subscriber,
    backlog: Backlog,
    disk: DiskThread,
    news: News,
) -> None:
    clock = context.clock

    def beat(*, last: bool = False) -> None:
        if subscriber.joined_ns is None and context.has_started():
            subscriber.joined_ns = clock.now_ns()
        disk.check()
        news.watch(backlog.given_up, clock.now_ns())
        news.publish()
        _tell(pulse, backlog, disk)
        pulse.beat(subscriber, last=last)

    gather_s, _ = paces(context.run.recorder.flush_ms)
    loop(subscriber, backlog, clock, context.stop, gather_s, beat)
    end_ns = clock.now_ns() + DRAIN_NS
    drain(subscriber, backlog, clock, end_ns)
    beat(last=True)
    drain(subscriber, backlog, clock, end_ns)  # its own last word belongs into the session
    disk.finish(clock.offset_ns, Counter(losses(subscriber)), FINISH_S)


def _tell(pulse: Pulse, backlog: Backlog, disk: DiskThread) -> None:
    """Put into the health how it stands with the disk."""
    written = disk.written
    pulse.counts = written.counts
    pulse.drops = written.drops + backlog.drops
    pulse.gauges["backlog_mb"] = round(backlog.waiting_bytes / 2**20, 1)
    pulse.gauges["video_given_up"] = len(backlog.given_up)
    pulse.gauges.pop("disk_full_in_minutes", None)
    if math.isfinite(written.minutes_left):
        pulse.gauges["disk_full_in_minutes"] = round(written.minutes_left, 1)
