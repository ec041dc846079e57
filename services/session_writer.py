"""The session folder while it is recorded: series of segments, rotation, full disks, the manifest.

A disk that takes no more costs messages, counted by reason, and never the recorder: the segment is
left after its last good interval and another one is tried a second later.
"""

import contextlib
import errno
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from core.config import RecorderConfig
from core.messages import Packet
from services.bus import Received
from services.session_format import (
    RESERVE,
    STREAM,
    Manifest,
    Segment,
    SegmentName,
    write_manifest,
)
from services.session_segment import SegmentWriter

RETRY_NS = 1_000_000_000
MAX_PENDING_BYTES = 4 * 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(slots=True)
class _Series:
    """The segments of one name: the one being written, and when to try again after a failure."""

    name: str
    next_number: int = 0
    segment: SegmentWriter | None = None
    failed_ns: int | None = None
    reason: str = ""
    """Counter that the last failure belongs to."""

    def fail(self, error: OSError, now_ns: int) -> SegmentWriter | None:
        """Give up the segment; the next one may be tried a while later."""
        cause = "disk_full" if error.errno in _FULL else "disk_error"
        self.reason = cause if self.name == STREAM else f"{cause}_video"
        self.failed_ns = now_ns
        given_up, self.segment = self.segment, None
        return given_up

    def may_begin(self, now_ns: int) -> bool:
        """Whether a segment is missing and may be tried."""
        rested = self.failed_ns is None or not 0 <= now_ns - self.failed_ns < RETRY_NS
        return self.segment is None and rested


class SessionWriter:
    """Writes what a recorder heard; never raises for a disk that takes no more. Use it in ``with``.

    Without ``close`` the session looks as after a crash. ``drops`` and ``counts`` are the
    recorder's counters; ``free_bytes`` tells the space left.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        free_bytes: Callable[[], int],
        drops: Counter[str],
        counts: Counter[str],
    ) -> None:
        self._folder, self._manifest = folder, manifest
        self._config: RecorderConfig = manifest.run.recorder
        self._life = manifest.lives[-1]
        self._head = msgspec.structs.replace(manifest, segments=())
        self._free_bytes, self._drops, self._counts = free_bytes, drops, counts
        self._series: dict[str, _Series] = {}
        self._refuses_video, self._refuses_all = False, False
        self._look_at_the_disk()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for series in self._series.values():
            if series.segment is not None:
                series.segment.abandon()

    def write(self, received: Received, now_ns: int) -> None:
        """Take one message; it is safe after the next ``flush``."""
        message = received.message
        is_video = isinstance(message, Packet)
        if self._refuses_all or (is_video and self._refuses_video):
            self._drops["disk_full_video" if is_video else "disk_full"] += 1
            return
        name = message.camera if is_video else STREAM
        series = self._series.setdefault(name, _Series(name))
        segment = self._segment(series, now_ns)
        if segment is None:
            self._drops[series.reason] += 1
            return
        segment.add(received.key, received.header, message, received.raw, now_ns)
        self._counts["messages"] += 1
        if segment.pending_bytes > MAX_PENDING_BYTES:
            self._attempt(series, lambda segment: segment.flush(now_ns), now_ns)

    def flush(self, now_ns: int) -> None:
        """Put all that was taken on the disk, and look how much space is left."""
        for series in self._series.values():
            self._attempt(series, lambda segment: segment.flush(now_ns), now_ns)
        for series in self._series.values():
            self._attempt(series, SegmentWriter.sync, now_ns)
        self._look_at_the_disk()

    def close(self, now_ns: int, clock_offset_ns: int, heard: Mapping[str, int]) -> None:
        """End all segments and write the manifest; ``heard``: losses on the way to the recorder."""
        for series in self._series.values():
            self._end(series, now_ns)
        life = msgspec.structs.replace(self._life, closed=True, drops={**self._drops, **heard})
        lives = (*self._manifest.lives[:-1], life)
        with contextlib.suppress(OSError):
            (self._folder / RESERVE).unlink(missing_ok=True)
        self._save(
            msgspec.structs.replace(
                self._manifest, lives=lives, clock_offset_ns=clock_offset_ns, closed=True
            )
        )

    def _segment(self, series: _Series, now_ns: int) -> SegmentWriter | None:
        """The segment to write in, a new one where needed; None while the disk takes none."""
        if series.segment is not None and self._is_full(series.segment, now_ns):
            self._end(series, now_ns)
        if series.may_begin(now_ns):
            name = SegmentName(series.name, self._life.number, series.next_number)
            try:
                series.segment = SegmentWriter(self._folder, name, self._head, now_ns)
            except OSError as error:
                logging.warning("%s cannot be begun: %s", name, error)
                series.fail(error, now_ns)
                return None
            series.next_number += 1
            self._counts["segments"] += 1
        return series.segment

    def _is_full(self, segment: SegmentWriter, now_ns: int) -> bool:
        """Whether to begin the next one; also where a replay has set the clock back."""
        age_s = (now_ns - segment.started_ns) / 1e9
        size_mb = segment.size_bytes / 1e6
        return not 0 <= age_s < self._config.segment_s or size_mb >= self._config.segment_mb

    def _end(self, series: _Series, now_ns: int) -> None:
        def end(segment: SegmentWriter) -> None:
            self._list(segment.close(now_ns))
            series.segment = None

        self._attempt(series, end, now_ns)

    def _attempt(
        self, series: _Series, action: Callable[[SegmentWriter], None], now_ns: int
    ) -> None:
        """Do it; where the disk fails, leave the segment and count what waited in it as lost."""
        if series.segment is None:
            return
        try:
            action(series.segment)
        except OSError as error:
            segment = series.fail(error, now_ns)
            if segment is not None:
                logging.warning("%s cannot be written: %s", segment.name, error)
                self._drops[series.reason] += segment.pending_messages
                self._list(segment.abandon())

    def _list(self, segment: Segment) -> None:
        segments = (*self._manifest.segments, segment)
        self._save(msgspec.structs.replace(self._manifest, segments=segments))

    def _save(self, manifest: Manifest) -> None:
        self._manifest = manifest
        try:
            write_manifest(self._folder, manifest)
        except OSError as error:
            logging.warning("%s: the manifest cannot be written: %s", self._folder, error)

    def _look_at_the_disk(self) -> None:
        floor_bytes = self._config.min_free_gb * 1e9
        try:
            free_bytes = self._free_bytes()
        except OSError as error:
            logging.warning("%s: %s; nothing is written", self._folder, error)
            floor_bytes, free_bytes = 1.0, 0
        self._refuses_video = free_bytes < floor_bytes
        self._refuses_all = free_bytes < 0.5 * floor_bytes
