"""Segments and session folders written anew from recorded ones: record by record, whole or not.

Messages, schemas, channels and attachments stay as they were recorded, also those that this version
does not know; checksums and the index at the end are new. Apart from the recorder's writer, which
writes what it hears and must live with a full disk.
"""

import contextlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

import msgspec
from mcap.records import Attachment, Channel, McapRecord, Message, Metadata, Schema
from mcap.writer import Writer

from core.errors import SessionError
from services.session_format import (
    CHECKSUM,
    CHECKSUM_CHANNEL,
    CHECKSUM_ENCODING,
    CHECKSUM_LAYOUT,
    CHECKSUM_TOPIC,
    MANIFEST,
    RESERVE,
    Manifest,
    Segment,
    SegmentName,
    parse_name,
    seal,
    sync_folder,
    write_manifest,
)
from services.session_segment import PROFILE

HEAD = "kinelive"
"""Name of the metadata in a segment's head."""
_MAX_PENDING_BYTES = 4 * 2**20

Keep = Callable[[Channel, Message], bool]


def version() -> str:
    """This build, as manifests name it."""
    return metadata.version("kinelive")


@dataclass
class Head:
    """What the head of a segment carries."""

    words: dict[str, str] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)

    def of(self, name: SegmentName, manifest: Manifest) -> "Head":
        """The same head for a segment of an edited session, with that one's manifest."""
        words = {
            "session": manifest.session,
            "series": name.series,
            "life": str(name.life),
            "segment": str(name.number),
        }
        own = Attachment(0, 0, MANIFEST, "application/json", seal(manifest))
        others = (one for one in self.attachments if one.name != MANIFEST)
        return Head({**self.words, **words}, [own, *others])


def head_of(records: Iterable[McapRecord]) -> Head | None:
    """The head at the beginning of a segment's records; None where it is damaged."""
    head = Head()
    for record in records:
        if isinstance(record, Metadata) and record.name == HEAD:
            head.words = record.metadata
        elif isinstance(record, Attachment):
            head.attachments.append(record)
        elif isinstance(record, Message):
            break
    whole = any(one.name == MANIFEST for one in head.attachments)
    return head if head.words and whole else None


def head_from(manifest: Manifest) -> Head:
    """A head where no segment has a whole one left."""
    words = {"format": str(manifest.format), "schema_version": str(manifest.schema_version)}
    raw = manifest.calibration_text.encode()
    attached = [Attachment(0, 0, manifest.calibration_name, "text/plain", raw)]
    return Head({**words, "kinelive": manifest.kinelive}, attached)


class _Intervals:
    """Collects what the MCAP writer says; each commit ends an interval on the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending = bytearray()
        self._start, self._crc32, self.size_bytes = 0, 0, 0

    def write(self, raw: bytes) -> int:
        self._pending += raw
        return len(raw)

    def tell(self) -> int:
        return self.size_bytes + len(self._pending)

    def flush(self) -> None:
        """Nothing: an interval ends by ``commit``."""

    def checksum(self) -> bytes:
        """Of the interval so far."""
        return CHECKSUM.pack(self._start, self.tell(), zlib.crc32(self._pending, self._crc32))

    def commit(self, next_start: int) -> None:
        """Write what waits; the next interval begins at ``next_start``, within what waited."""
        rest = bytes(self._pending)
        self._crc32, self._start = zlib.crc32(rest[next_start - self.size_bytes :]), next_start
        self._file.write(rest)
        self.size_bytes += len(rest)
        self._pending.clear()

    @property
    def pending_bytes(self) -> int:
        return len(self._pending)


class SegmentCopy:
    """One segment that is written anew; OSError as it comes."""

    def __init__(self, file: BinaryIO, name: SegmentName, head: Head, t_ns: int) -> None:
        self._name, self._messages, self._pending, self._n_checksums = name, 0, 0, 0
        self._schemas: dict[tuple[str, str, bytes], int] = {}
        self._channels: dict[tuple[str, str, int, tuple[tuple[str, str], ...]], int] = {}
        self._file = _Intervals(file)
        self._mcap = Writer(self._file, use_chunking=False, enable_data_crcs=True)  # pyright: ignore[reportArgumentType]
        self._mcap.start(PROFILE)
        layout = {"layout": CHECKSUM_LAYOUT}
        self._mcap.register_channel(CHECKSUM_TOPIC, CHECKSUM_ENCODING, 0, layout)
        self._mcap.add_metadata(HEAD, head.words)
        for one in head.attachments:
            self._mcap.add_attachment(
                one.create_time, one.log_time, one.name, one.media_type, one.data
            )
        self._pending = 1
        self.end_interval(t_ns)

    @property
    def messages(self) -> int:
        """Taken so far."""
        return self._messages

    def add(self, schema: Schema | None, channel: Channel, message: Message) -> None:
        """Take one message as it was recorded."""
        number = self._channel(schema, channel)
        self._mcap.add_message(
            number, message.log_time, message.data, message.publish_time, message.sequence
        )
        self._messages += 1
        self._pending += 1
        if self._file.pending_bytes > _MAX_PENDING_BYTES:
            self.end_interval(message.log_time)

    def end_interval(self, t_ns: int) -> None:
        """Put a checksum behind what was taken since the last one; nothing where nothing was."""
        if not self._pending:
            return
        end, checksum = self._file.tell(), self._file.checksum()
        self._mcap.add_message(CHECKSUM_CHANNEL, t_ns, checksum, t_ns, self._n_checksums)
        self._file.commit(end)
        self._n_checksums += 1
        self._pending = 0

    def close(self, t_ns: int) -> Segment:
        """Write the index and the end."""
        self.end_interval(t_ns)
        self._mcap.finish()
        self._file.commit(self._file.tell())
        size = self._file.size_bytes
        return Segment(file=str(self._name), messages=self._messages, bytes=size, closed=True)

    def _channel(self, schema: Schema | None, channel: Channel) -> int:
        schema_id = 0 if schema is None else self._schema(schema)
        origin = tuple(sorted(channel.metadata.items()))
        key = channel.topic, channel.message_encoding, schema_id, origin
        if key not in self._channels:
            self._channels[key] = self._mcap.register_channel(
                channel.topic, channel.message_encoding, schema_id, channel.metadata
            )
        return self._channels[key]

    def _schema(self, schema: Schema) -> int:
        key = schema.name, schema.encoding, schema.data
        if key not in self._schemas:
            self._schemas[key] = self._mcap.register_schema(*key)
        return self._schemas[key]


def rewrite(
    records: Iterable[McapRecord], path: Path, head: Head, keep: Keep | None = None
) -> Segment | None:
    """Write the messages of a segment to ``path``, whose name says which segment that is.

    Intervals stay as they were. Returns None, and writes nothing, where no message is left.
    Raises OSError as it comes.
    """
    name = parse_name(path.name)
    assert name is not None
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    copy, now_ns = None, 0
    with path.open("xb") as file:
        for record in records:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message) and record.channel_id in channels:
                channel, now_ns = channels[record.channel_id], record.log_time
                if channel.topic == CHECKSUM_TOPIC:
                    if copy is not None:
                        copy.end_interval(now_ns)
                elif keep is None or keep(channel, record):
                    copy = copy or SegmentCopy(file, name, head, now_ns)
                    copy.add(schemas.get(channel.schema_id), channel, record)
        segment = copy.close(now_ns) if copy is not None else None
        file.flush()
        os.fsync(file.fileno())
    if segment is None:
        path.unlink()
    return segment


@contextlib.contextmanager
def fresh_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that becomes ``out`` when all went well, and else is gone.

    Raises:
        SessionError: ``out`` is there already, or cannot be written.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SessionError(f"{out}: is there already; nothing is written over, name another folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            inside = Path(scratch) / "session"
            inside.mkdir()
            yield inside
            if out.is_dir():
                out.rmdir()
            inside.replace(out)
            sync_folder(out.parent)
    except OSError as error:
        raise SessionError(f"{out}: cannot be written: {error}; name another folder") from error


def copy_rest(source: Path, target: Path) -> None:
    """Copy what is neither segment nor manifest: the body model."""
    for path in sorted(source.iterdir()):
        ours = path.name.startswith(MANIFEST) or path.name == RESERVE or parse_name(path.name)
        if path.is_file() and not ours and not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)


def finish(folder: Path, manifest: Manifest, segments: Sequence[Segment]) -> None:
    """Write the manifest of an edited session: it lists every segment."""
    write_manifest(folder, msgspec.structs.replace(manifest, segments=tuple(segments)))
