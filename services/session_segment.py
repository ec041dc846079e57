"""One segment while it is written: an MCAP file that goes to disk in checked intervals.

MCAP without chunks checks a file as a whole, and only when it was closed. So each flush ends an
interval: its bytes and a checksum record over them reach the file in one write. A reader takes
whole intervals whose checksum holds, and nothing else; a crash costs what was not flushed.
"""

import contextlib
import errno
import os
import zlib
from pathlib import Path

import msgspec
from mcap.writer import Writer

from core import messages
from core.messages import SCHEMA_VERSION, Header
from core.skeletons import SKELETONS
from core.topics import TOPICS, topic_of
from services.session_format import (
    CHECKSUM,
    CHECKSUM_CHANNEL,
    CHECKSUM_ENCODING,
    CHECKSUM_LAYOUT,
    CHECKSUM_TOPIC,
    MANIFEST,
    Manifest,
    Segment,
    SegmentName,
    seal,
    sync_folder,
)

PROFILE = "kinelive"
_SEQ_MODULUS = 2**32

_SCHEMAS = {
    name: msgspec.json.encode(msgspec.json.schema(topic.message)) for name, topic in TOPICS.items()
}


class _IntervalFile:
    """Collects what the MCAP writer says; ``commit`` puts it on the file, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._pending = bytearray()
        self._start, self._crc32, self._synced_bytes = 0, 0, 0
        self.size_bytes = 0
        """Bytes on the file, all in complete intervals."""

    @property
    def pending_bytes(self) -> int:
        return len(self._pending)

    def write(self, raw: bytes) -> int:
        self._pending += raw
        return len(raw)

    def tell(self) -> int:
        return self.size_bytes + len(self._pending)

    def flush(self) -> None:
        """Nothing: an interval ends by ``commit``."""

    def interval(self) -> tuple[int, int, int]:
        """First byte, byte after the last and crc32 of the interval so far."""
        return self._start, self.tell(), zlib.crc32(self._pending, self._crc32)

    def commit(self, next_start: int) -> None:
        """Write what waits; the next interval begins at ``next_start``, within what waited.

        Raises OSError when the disk takes no more; the file then ends as it did before.
        """
        pending, self._pending = self._pending, bytearray()
        size_bytes = self.size_bytes + len(pending)
        crc32 = zlib.crc32(memoryview(pending)[next_start - self.size_bytes :])
        try:
            rest = memoryview(pending)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self.size_bytes)
            raise
        self._start, self._crc32, self.size_bytes = next_start, crc32, size_bytes

    def sync(self) -> None:
        """Wait for the disk; OSError also where somebody deleted the file, which writes on."""
        if self._synced_bytes < self.size_bytes:
            if not self.is_there:
                raise FileNotFoundError(errno.ENOENT, "deleted while it was written")
            os.fsync(self._file.fileno())
            self._synced_bytes = self.size_bytes

    @property
    def is_there(self) -> bool:
        return os.fstat(self._file.fileno()).st_nlink > 0

    def cut_unsynced(self) -> bool:
        """Take back what the disk may not have; whether it is surely gone."""
        if self.size_bytes == self._synced_bytes:
            return True
        try:
            if self.is_there:
                self._file.truncate(self._synced_bytes)
        except OSError:
            return False
        self.size_bytes = self._synced_bytes
        return True

    def close(self) -> None:
        self._file.close()


class SegmentWriter:
    """One MCAP file, without chunks; its head says all that is needed to read it alone.

    Every method raises OSError as it comes; the segment is then to be left with ``abandon``.
    """

    def __init__(self, folder: Path, name: SegmentName, manifest: Manifest, now_ns: int) -> None:
        self.name, self.started_ns = name, now_ns
        self.is_cut = False
        """After ``abandon``: the file surely has nothing of what was not synced."""
        self._pending_messages = 0
        self._messages, self._synced_messages = 0, 0
        self._schema_ids: dict[str, int] = {}
        self._channel_ids: dict[tuple[str, str, int], int] = {}
        self._n_checksums = 0
        self._file = _IntervalFile(folder / str(name))
        self._mcap = Writer(self._file, use_chunking=False, enable_data_crcs=True)  # pyright: ignore[reportArgumentType]
        try:
            self._write_head(manifest, now_ns)
            sync_folder(folder)
        except OSError:
            self._file.close()
            (folder / str(name)).unlink(missing_ok=True)
            raise

    @property
    def size_bytes(self) -> int:
        """Length of the file once all is written."""
        return self._file.tell()

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the next flush."""
        return self._file.pending_bytes

    def add(self, key: str, header: Header, t_ns: int, raw: bytes, now_ns: int) -> None:
        """Take one message; it is on the file after the next ``flush``."""
        self._mcap.add_message(
            self._channel(key, header), now_ns, raw, t_ns, header.seq % _SEQ_MODULUS
        )
        self._pending_messages += 1

    def flush(self, now_ns: int) -> None:
        """End the interval: what waits and its checksum go to the file."""
        if self._pending_messages:
            self._end_interval(now_ns)

    def sync(self) -> None:
        """Wait until the disk has what was flushed."""
        self._file.sync()
        self._synced_messages = self._messages

    def close(self, now_ns: int) -> Segment:
        """Write the end of the file and wait until the disk has it."""
        self.flush(now_ns)
        self._mcap.finish()
        self._file.commit(self._file.tell())
        self._file.sync()
        self._file.close()
        return self._listed(closed=True)

    def abandon(self) -> Segment:
        """Leave the file after the last interval that the disk has, as far as it can be cut."""
        self.is_cut = self._file.cut_unsynced()
        if self.is_cut:
            self._messages = self._synced_messages
        with contextlib.suppress(OSError):
            self._file.close()
        return self._listed(closed=False)

    def _listed(self, *, closed: bool) -> Segment:
        return Segment(
            file=str(self.name),
            messages=self._messages,
            bytes=self._file.size_bytes,
            closed=closed,
        )

    def _write_head(self, manifest: Manifest, now_ns: int) -> None:
        self._mcap.start(PROFILE)
        layout = {"layout": CHECKSUM_LAYOUT}
        self._mcap.register_channel(CHECKSUM_TOPIC, CHECKSUM_ENCODING, 0, layout)
        self._mcap.add_metadata("kinelive", _metadata(manifest, self.name))
        attachments = {
            MANIFEST: ("application/json", seal(manifest)),
            "run.json": ("application/json", msgspec.json.encode(manifest.run)),
            "layout.json": ("application/json", _layout()),
            manifest.calibration_name: ("text/plain", manifest.calibration_text.encode()),
        }
        for name, (media_type, raw) in attachments.items():
            self._mcap.add_attachment(now_ns, now_ns, name, media_type, raw)
        self._end_interval(now_ns)
        self._file.sync()

    def _end_interval(self, now_ns: int) -> None:
        start, end, crc32 = self._file.interval()
        checksum = CHECKSUM.pack(start, end, crc32)
        self._mcap.add_message(CHECKSUM_CHANNEL, now_ns, checksum, now_ns, self._n_checksums)
        self._file.commit(end)
        self._n_checksums += 1
        self._messages += self._pending_messages
        self._pending_messages = 0

    def _channel(self, key: str, header: Header) -> int:
        known = self._channel_ids.get((key, header.source, header.life_ns))
        if known is not None:
            return known
        origin = {
            "source": header.source,
            "life_ns": str(header.life_ns),
            "schema_version": str(header.version),
        }
        channel = self._mcap.register_channel(key, "msgpack", self._schema(key), origin)
        self._channel_ids[key, header.source, header.life_ns] = channel
        return channel

    def _schema(self, key: str) -> int:
        topic = topic_of(key)
        if topic is None:
            raise KeyError(f"{key}: no such topic; see core/topics.py")
        if topic.name not in self._schema_ids:
            self._schema_ids[topic.name] = self._mcap.register_schema(
                topic.message.__name__, "jsonschema", _SCHEMAS[topic.name]
            )
        return self._schema_ids[topic.name]


def _metadata(manifest: Manifest, name: SegmentName) -> dict[str, str]:
    return {
        "format": str(manifest.format),
        "schema_version": str(SCHEMA_VERSION),
        "session": manifest.session,
        "series": name.series,
        "life": str(name.life),
        "segment": str(name.number),
        "kinelive": manifest.kinelive,
        "python": manifest.python,
        "packages": " ".join(f"{name}=={v}" for name, v in manifest.packages.items()),
    }


def _layout() -> bytes:
    """JSON of what the array fields hold and what the keypoints of each skeleton are called."""
    kinds = (messages.Person2D, messages.Person3D, messages.PersonAngles)
    arrays = {kind.__name__: messages.array_fields(kind) for kind in kinds}
    skeletons = {name: skeleton.names for name, skeleton in SKELETONS.items()}
    return msgspec.json.encode({"arrays": arrays, "skeletons": skeletons})
