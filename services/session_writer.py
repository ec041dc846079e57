"""The session folder while it is recorded: series of segments, rotation, full disks, the manifest.

A disk that takes no more costs messages, counted by reason, and never the recorder: the segment is
left after its last good interval and another one is tried a second later.
"""

import errno
import hashlib
import logging
import platform
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import msgspec

from core.config import RecorderConfig, RunConfig
from core.errors import SessionError
from core.messages import Packet
from services.bus import Received
from services.session_format import (
    MANIFEST,
    STREAM,
    Life,
    Manifest,
    Segment,
    SegmentName,
    segment_names,
    unseal,
    write_manifest,
)
from services.session_segment import SegmentWriter

RETRY_NS = 1_000_000_000
MAX_PENDING_BYTES = 4 * 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PACKAGES = (
    "av",
    "mcap",
    "msgspec",
    "numba",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python",
    "pyzmq",
    "scipy",
)


def describe(
    run: RunConfig, run_id: str, calibration: Path, clock_offset_ns: int, started_wall_ns: int
) -> Manifest:
    """Build the manifest of a new session; ``run_id`` tells this run from any other.

    Raises:
        SessionError: the calibration cannot be read, or a camera's name is taken.
    """
    cameras = tuple(camera.name for camera in run.cameras)
    if STREAM in cameras:
        raise SessionError(f"a camera may not be called {STREAM!r}: its files have that name")
    try:
        raw = calibration.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"calibration {calibration} cannot be recorded: {error}") from error
    return Manifest(
        session=uuid.uuid4().hex,
        run_id=run_id,
        kinelive=_version("kinelive") or "unknown",
        python=sys.version,
        platform=platform.platform(),
        packages={name: found for name in _PACKAGES if (found := _version(name))},
        started_wall_ns=started_wall_ns,
        clock_offset_ns=clock_offset_ns,
        cameras=cameras,
        run=run,
        calibration_name=calibration.name,
        calibration_text=text,
        calibration_sha256=hashlib.sha256(raw).hexdigest(),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def begin_life(folder: Path, fresh: Manifest, life_ns: int) -> Manifest:
    """Make the folder, or go on in it as the recorder's next life; writes the manifest.

    Raises:
        SessionError: the folder cannot be written, or holds another run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _earlier(folder, fresh) or fresh
        number = 1 + max(
            [life.number for life in manifest.lives]
            + [name.life for name in segment_names(folder)],
            default=0,
        )
        lives = (*manifest.lives, Life(number=number, life_ns=life_ns))
        manifest = msgspec.structs.replace(manifest, lives=lives, closed=False)
        write_manifest(folder, manifest)
    except OSError as error:
        raise SessionError(f"{folder} cannot be written: {error}; name another folder") from error
    return manifest


def _earlier(folder: Path, fresh: Manifest) -> Manifest | None:
    """The manifest to go on with; a damaged one is replaced, the segments still hold it."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        found = unseal((folder / MANIFEST).read_bytes())
    except SessionError as error:
        logging.warning("%s: %s; written anew", folder, error)
        return None
    if not found.same_run(fresh):
        raise SessionError(f"{folder} holds the recording of another run; name a new folder")
    return found


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
    """Writes what a recorder heard; never raises for a disk that takes no more.

    ``drops`` and ``counts`` are the recorder's counters; ``free_bytes`` tells the space left.
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
        floor_bytes, free_bytes = self._config.min_free_gb * 1e9, self._free_bytes()
        self._refuses_video = free_bytes < floor_bytes
        self._refuses_all = free_bytes < 0.5 * floor_bytes
