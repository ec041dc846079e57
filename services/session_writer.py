"""The session folder while it is recorded: series of segments, rotation, bad disks, the manifest.

A disk that takes no more never costs the recorder: the segment is left after its last good
interval, and what was not safe in it goes into a second folder where there is one. Where nothing
takes it, it is handed back (``returns``), or counted as lost by its cause. The place that failed is
tried again a while later.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from core.recorder_config import RecorderConfig
from services.bus import Received
from services.session_format import (
    Manifest,
    Segment,
    SegmentName,
    cause_of,
    write_manifest,
)
from services.session_heard import Heard
from services.session_places import Place, is_session, remedy
from services.session_segment import SegmentWriter
from services.session_series import Action, Entry, Open, Series, entry_of
from services.session_space import Say, Space

MAX_PENDING_BYTES = 4 * 2**20


class SessionWriter:
    """Writes what a recorder heard; never raises for a disk that takes no more. Use it in ``with``.

    Without ``close`` the session looks as after a crash. ``drops`` and ``counts`` are the
    recorder's counters; ``free_bytes`` tells the space left in a folder; ``say`` is told what
    happens to the disk (name, text).
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        free_bytes: Callable[[Path], int],
        drops: Counter[str],
        counts: Counter[str],
        *,
        second: Path | None = None,
        say: Say = lambda _name, _text: None,
        returns: bool = False,
    ) -> None:
        self._config: RecorderConfig = manifest.run.recorder
        self._manifest, self._life = manifest, manifest.lives[-1]
        self._head = msgspec.structs.replace(manifest, segments=())
        folders = [folder] if second is None else [folder, second]
        self._places = [Place(one, free_bytes, prepared=is_session(one)) for one in folders]
        self._drops, self._counts, self._say = drops, counts, say
        self._series: dict[str, Series] = {}
        self._returned: list[Entry] | None = [] if returns else None
        self._bytes, self._heard = 0, Heard()
        self.space = Space(self._places, self._config, say)
        self.space.look(manifest.started_wall_ns, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for series in self._series.values():
            if series.open is not None:
                series.open.segment.abandon()

    def write(self, received: Received, now_ns: int) -> None:
        """Take one message; it is safe after the next ``flush``."""
        self._bytes += len(received.raw)
        self.offer(entry_of(received, now_ns), now_ns)

    def takes(self, name: str, now_ns: int) -> bool:
        """Whether there is a place for a series at the time."""
        return self._ready(self._of(name), now_ns) is not None

    def is_blocked(self, name: str) -> bool:
        """Whether a series has no place, or none that has taken anything since it failed."""
        series = self._of(name)
        usable = self.space.usable(is_video=series.is_video)
        return series.open is None and all(number in series.rests for number in usable)

    def try_again(self) -> None:
        """Try the places that failed at once: there is no later."""
        for series in self._series.values():
            series.rests.clear()

    def cause(self, name: str) -> str:
        """Counter of what is lost of a series that is not taken at the time."""
        series = self._of(name)
        blocked = self.space.cause(is_video=series.is_video)
        return cause_of(blocked or series.cause or "disk_error", name)

    def offer(self, entry: Entry, now_ns: int) -> None:
        """Take one message, or hand it back, or count it as lost."""
        self._heard.at(now_ns)
        series = self._of(entry.series)
        ready = self._ready(series, now_ns)
        if ready is None:
            self._refuse([entry])
            return
        ready.segment.add(entry.key, entry.header, entry.t_ns, entry.raw, entry.now_ns)
        ready.unsaved.append(entry)
        if ready.segment.pending_bytes > MAX_PENDING_BYTES:
            self._attempt(series, lambda segment: segment.flush(now_ns), now_ns)

    def take_back(self) -> list[Entry]:
        """What could not be written, in order of each series; it is the caller's again."""
        returned, self._returned = self._returned or [], []
        return returned

    def flush(self, now_ns: int, received_bytes: int | None = None) -> None:
        """Put all that was taken on the disk, and look how much space is left.

        ``received_bytes``: all that came in so far, where some of it waits elsewhere.
        """
        for series in self._series.values():
            self._attempt(series, lambda segment: segment.flush(now_ns), now_ns)
        for series in self._series.values():
            if self._attempt(series, SegmentWriter.sync, now_ns) and series.open is not None:
                self._count_safe(series, series.open, now_ns)
        self._bytes = self._bytes if received_bytes is None else received_bytes
        self.space.look(now_ns, self._bytes)
        for series in self._series.values():
            self._leave_what_is_full(series, now_ns)
        self.space.tell_where({one.open.place for one in self._series.values() if one.open})

    def close(self, now_ns: int, clock_offset_ns: int, heard: Mapping[str, int]) -> None:
        """End all segments and write the manifest; ``heard``: losses on the way to the recorder."""
        self.flush(now_ns)
        for series in self._series.values():
            self._end(series, now_ns)
        for entry in self.take_back():
            self._drops[self.cause(entry.series)] += 1
        drops = Counter(self._drops) + Counter(heard)
        life = msgspec.structs.replace(self._life, closed=True, drops=dict(drops))
        lives = (*self._manifest.lives[:-1], life)
        for place in self._places:
            place.drop_reserve()
        self._save(
            msgspec.structs.replace(
                self._manifest, lives=lives, clock_offset_ns=clock_offset_ns, closed=True
            )
        )

    def _of(self, name: str) -> Series:
        return self._series.setdefault(name, Series(name))

    def _refuse(self, entries: list[Entry]) -> None:
        if self._returned is not None:
            self._returned += entries
            return
        for entry in entries:
            self._drops[self.cause(entry.series)] += 1

    def _ready(self, series: Series, now_ns: int) -> Open | None:
        """The segment to write in, a new one where needed; None while no place takes one."""
        if series.open is not None:
            if self._is_full(series.open.segment, now_ns):
                self._end(series, now_ns)
            elif [series.open.place] == self.space.usable(is_video=series.is_video)[:1]:
                return series.open
        for _ in self._places:
            best = self._best(series, now_ns)
            if best is None or (series.open is not None and series.open.place == best):
                break
            if self._begin(series, best, now_ns):
                break
        self._leave_what_is_full(series, now_ns)
        return series.open

    def _best(self, series: Series, now_ns: int) -> int | None:
        """The first place with room that has not failed just now."""
        mine = series.open.place if series.open is not None else None
        return next(
            (
                number
                for number in self.space.usable(is_video=series.is_video)
                if number == mine or series.may_try(number, now_ns)
            ),
            None,
        )

    def _begin(self, series: Series, number: int, now_ns: int) -> bool:
        """Begin a segment in a place, then end the one before; whether that went well."""
        name = SegmentName(series.name, self._life.number, series.next_number)
        place, others = self._places[number], self._others(number)
        try:
            place.prepare(self._manifest, others)
            head = place.describe(self._head, others)
            fresh = Open(SegmentWriter(place.folder, name, head, now_ns), number)
        except OSError as error:
            self._note(series, number, error, now_ns)
            return False
        series.next_number += 1
        self._counts["segments"] += 1
        before, series.open = series.open, fresh
        if before is not None:
            self._close(series, before, now_ns)
        return True

    def _is_full(self, segment: SegmentWriter, now_ns: int) -> bool:
        """Whether to begin the next one; also where a replay has set the clock back."""
        age_s = (now_ns - segment.started_ns) / 1e9
        size_mb = segment.size_bytes / 1e6
        return not 0 <= age_s < self._config.segment_s or size_mb >= self._config.segment_mb

    def _leave_what_is_full(self, series: Series, now_ns: int) -> None:
        usable = self.space.usable(is_video=series.is_video)
        if series.open is not None and series.open.place not in usable:
            self._end(series, now_ns)

    def _end(self, series: Series, now_ns: int) -> None:
        before, series.open = series.open, None
        if before is not None:
            self._close(series, before, now_ns)

    def _close(self, series: Series, before: Open, now_ns: int) -> None:
        try:
            listed = before.segment.close(now_ns)
        except OSError as error:
            self._give_up(series, before, error, now_ns)
            return
        self._list(listed)
        self._count_safe(series, before, now_ns)

    def _count_safe(self, series: Series, done: Open, now_ns: int) -> None:
        self._heard.safe(done.unsaved)
        if n_messages := series.is_safe(done):
            self._counts["messages"] += n_messages
            self.space.works(done.place, now_ns)

    def _attempt(self, series: Series, action: Action, now_ns: int) -> bool:
        """Do it, and whether that went well; where the disk fails, leave the segment."""
        before = series.open
        if before is None:
            return False
        try:
            action(before.segment)
        except OSError as error:
            series.open = None
            self._give_up(series, before, error, now_ns)
            return False
        return True

    def _give_up(self, series: Series, before: Open, error: OSError, now_ns: int) -> None:
        """Leave a segment; what was not safe in it is written elsewhere, or handed back."""
        self._note(series, before.place, error, now_ns)
        self._list(before.segment.abandon())
        if not before.segment.is_cut:  # it may be there: written again it would be there twice
            self._drops[cause_of(series.cause, series.name)] += len(before.unsaved)
            return
        for entry in before.unsaved:
            self.offer(entry, now_ns)

    def _note(self, series: Series, number: int, error: OSError, now_ns: int) -> None:
        place = self._places[number]
        logging.warning("%s in %s: %s", series.name, place.folder, error)
        series.fail(number, error, now_ns, alone=len(self._places) == 1)
        self.space.fails(number, remedy(error), now_ns)

    def _others(self, number: int) -> list[Path]:
        return [one.folder for i, one in enumerate(self._places) if i != number]

    def _list(self, segment: Segment) -> None:
        segments = (*self._manifest.segments, segment)
        self._save(msgspec.structs.replace(self._manifest, segments=segments))

    def _save(self, manifest: Manifest) -> None:
        lives = (*manifest.lives[:-1], self._heard.in_life(manifest.lives[-1]))
        self._manifest = manifest = msgspec.structs.replace(manifest, lives=lives)
        for number, place in enumerate(self._places):
            if not place.prepared:
                continue
            try:
                write_manifest(place.folder, place.describe(manifest, self._others(number)))
            except OSError as error:
                logging.warning("%s: the manifest cannot be written: %s", place.folder, error)
