"""One segment read back: only bytes whose checksum holds, and a report of those that do not.

The library's reader trusts a file's framing and its CRC at the very end; a file that a crash cut
has neither. So the intervals are checked first, from checksum record to checksum record, and the
library sees the good ones alone. Where the framing itself is broken, the next checksum record is
found by the bytes it begins with: it knows its own place.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import msgspec
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Attachment, Channel, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader

from services.session_format import (
    CHECKSUM_BYTES,
    CHECKSUM_START,
    CHECKSUM_TOPIC,
    MAGIC,
    MAX_RECORD_BYTES,
    Checksum,
    Segment,
    parse_checksum,
)

DamageKind = Literal["cut", "checksum", "end", "missing", "manifest", "message", "unreadable"]

_RECORD_HEAD = struct.Struct("<BQ")
_DATA_END = struct.Struct("<BQI")
_FOOTER = struct.Struct("<BQQQI8s")
_OP_FOOTER, _OP_DATA_END = 2, 15
_BLOCK_BYTES = 2**20
_FRAMING_ERRORS = (McapError, struct.error, UnicodeDecodeError)


class Damage(msgspec.Struct, frozen=True):
    """Something in a session that cannot be used.

    Kinds: ``cut``: the open end of a segment that a crash left, ordinary; ``checksum``: bytes are
    not those written; ``end``: a closed segment has lost its end; ``missing``: so has a whole
    file; ``manifest``: the manifest was damaged; ``message``: whole, but not one that can be read;
    ``unreadable``: the disk did not give the file.
    """

    file: str
    kind: DamageKind
    start: int = 0
    """First byte concerned."""
    end: int = 0
    """Byte after the last."""
    from_ns: int | None = None
    """Rig clock: nothing is lost before; None where it is not known."""
    to_ns: int | None = None
    """Rig clock: nothing is lost after; None where it is not known."""
    says: str = ""


Report = Callable[[Damage], None]


@dataclass(frozen=True, slots=True)
class _Closing:
    """The end of a closed segment, whose own checksum holds."""

    at: int
    data_crc32: int
    summary: bytes


def verified(file: IO[bytes], name: str, listed: Segment | None, report: Report) -> Iterator[bytes]:
    """Yield the records of each interval whose checksum holds; report the bytes between.

    ``listed`` is what the manifest says of the segment, None where it says nothing yet.
    """
    start, since_ns, whole, sound = 0, None, 0, True
    while (found := _follow(file, start) or _search(file, start)) is not None:
        raw = _read(file, found.start, found.at)
        good = zlib.crc32(raw) == found.crc32
        lost_to = found.start if good else found.at
        if lost_to > start:
            sound = False
            report(Damage(name, "checksum", start, lost_to, since_ns, found.t_ns))
        if good:
            whole = zlib.crc32(raw, whole)
            yield raw if found.start else raw.removeprefix(MAGIC)
        start, since_ns = found.at, found.t_ns
    damage = _check_end(file, name, listed, start, whole if sound else None)
    if damage is not None:
        report(msgspec.structs.replace(damage, from_ns=since_ns))


def _follow(file: IO[bytes], start: int) -> Checksum | None:
    """Go from record to record to the checksum of the interval at ``start``."""
    at = start + CHECKSUM_BYTES if start else len(MAGIC)
    while True:
        file.seek(at)
        raw = file.read(CHECKSUM_BYTES)
        if raw.startswith(CHECKSUM_START):
            found = parse_checksum(raw, at)
            return found if found is not None and found.start == start else None
        if len(raw) < _RECORD_HEAD.size:
            return None
        opcode, length = _RECORD_HEAD.unpack_from(raw)
        if not 0 < opcode < _OP_DATA_END or length > MAX_RECORD_BYTES:
            return None
        at += _RECORD_HEAD.size + length


def _search(file: IO[bytes], start: int) -> Checksum | None:
    """Find the first checksum record behind ``start``, whatever lies between."""
    at, kept = start + 1, b""
    file.seek(at)
    while block := file.read(_BLOCK_BYTES):
        window, first = kept + block, at - len(kept)
        place = window.find(CHECKSUM_START)
        while 0 <= place <= len(window) - CHECKSUM_BYTES:
            found = parse_checksum(window[place : place + CHECKSUM_BYTES], first + place)
            if found is not None and found.start >= start:
                return found
            place = window.find(CHECKSUM_START, place + 1)
        kept, at = window[-(CHECKSUM_BYTES - 1) :], at + len(block)
    return None


def _read(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _check_end(
    file: IO[bytes], name: str, listed: Segment | None, start: int, whole: int | None
) -> Damage | None:
    """What is wrong behind ``start``, the last checksum record; None where nothing is.

    ``whole``: crc32 of the file up to there, None where an interval is damaged already.
    """
    covered = start + CHECKSUM_BYTES if start else 0
    size = file.seek(0, io.SEEK_END)
    closing = _closing(file)
    if closing is not None and closing.at == covered:
        last = _read(file, start, covered)
        if whole is None or zlib.crc32(last, whole) == closing.data_crc32:
            return None
        return Damage(name, "checksum", start, size)
    if listed is not None and listed.closed:
        return Damage(name, "end", covered, max(size, listed.bytes))
    if size > covered:
        return Damage(name, "checksum" if closing else "cut", covered, size)
    return None


def _closing(file: IO[bytes]) -> _Closing | None:
    size = file.seek(0, io.SEEK_END)
    footer_at = size - _FOOTER.size
    if footer_at < 0:
        return None
    footer = _read(file, footer_at, size)
    opcode, length, summary_start, _, crc32, magic = _FOOTER.unpack(footer)
    at = summary_start - _DATA_END.size
    if (opcode, length, magic) != (_OP_FOOTER, 20, MAGIC) or not 0 <= at <= footer_at:
        return None
    summary = _read(file, summary_start, footer_at)
    if zlib.crc32(footer[:-12], zlib.crc32(summary)) != crc32:  # without the crc and the magic
        return None
    opcode, length, data_crc32 = _DATA_END.unpack(_read(file, at, summary_start))
    return _Closing(at, data_crc32, summary) if (opcode, length) == (_OP_DATA_END, 4) else None


class _Joined(io.RawIOBase):
    """The verified intervals as one file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        n = min(len(buffer), len(self._rest))
        buffer[:n], self._rest = self._rest[:n], self._rest[n:]
        return n


def _records(parts: Iterator[bytes]) -> Iterator[McapRecord]:
    """MCAP records of verified bytes, to their end."""
    reader = StreamReader(_Joined(parts), skip_magic=True, record_size_limit=MAX_RECORD_BYTES)
    try:
        yield from reader.records
    except EndOfFile:
        return


def check_segment(path: Path, listed: Segment | None, report: Report) -> None:
    """Read a segment for its damage alone."""
    try:
        with path.open("rb") as file:
            for _ in verified(file, path.name, listed, report):
                pass
    except OSError as error:
        report(Damage(path.name, "unreadable", says=str(error)))


def read_segment(
    path: Path, listed: Segment | None, report: Report
) -> Iterator[tuple[Channel, Message]]:
    """Yield the messages of the good intervals in recorded order, each with its channel."""
    try:
        with path.open("rb") as file:
            yield from _messages(file, path.name, listed, report)
    except OSError as error:
        report(Damage(path.name, "unreadable", says=str(error)))


def read_records(path: Path, listed: Segment | None, report: Report) -> Iterator[McapRecord]:
    """Yield every record of the good intervals, as it was written.

    Before them come the schemas and channels that a closed segment repeats at its end.
    """
    try:
        with path.open("rb") as file:
            yield from _repeated(file)
            yield from _records(verified(file, path.name, listed, report))
    except OSError as error:
        report(Damage(path.name, "unreadable", says=str(error)))
    except _FRAMING_ERRORS as error:
        report(Damage(path.name, "message", says=f"checksum holds, MCAP does not: {error}"))


def _messages(
    file: IO[bytes], name: str, listed: Segment | None, report: Report
) -> Iterator[tuple[Channel, Message]]:
    channels, nameless = _repeated_channels(file), 0
    try:
        for record in _records(verified(file, name, listed, report)):
            if isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                channel = channels.get(record.channel_id)
                if channel is None:
                    nameless += 1
                elif channel.topic != CHECKSUM_TOPIC:
                    yield channel, record
    except _FRAMING_ERRORS as error:
        report(Damage(name, "message", says=f"checksum holds, MCAP does not: {error}"))
    if nameless:
        says = f"{nameless} messages whose channel lies in a damaged part"
        report(Damage(name, "message", says=says))


def _repeated_channels(file: IO[bytes]) -> dict[int, Channel]:
    return {record.id: record for record in _repeated(file) if isinstance(record, Channel)}


def _repeated(file: IO[bytes]) -> Iterator[McapRecord]:
    """Schemas and channels as a closed segment repeats them at its end: their first place may be
    damaged."""
    closing = _closing(file)
    if closing is not None and closing.summary:
        for record in _records(iter([closing.summary])):
            if isinstance(record, Schema | Channel):
                yield record


def read_attachment(path: Path, name: str) -> bytes | None:
    """Return a file that the head of a segment carries; None where it is not there, or damaged."""
    try:
        with path.open("rb") as file:
            for record in _records(verified(file, path.name, None, lambda _: None)):
                if isinstance(record, Attachment) and record.name == name:
                    return record.data
    except (OSError, *_FRAMING_ERRORS):
        return None
    return None
