"""What the writer and the reader of a session folder agree on: names, manifest, checksum records.

docs/formats.md, "Session folder", says the same for readers in other languages.
"""

import hashlib
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

import msgspec

from core import wire
from core.config import RunConfig
from core.errors import SessionError
from core.messages import SCHEMA_VERSION

FORMAT = 1
MANIFEST = "manifest.json"
RESERVE = "reserve"
"""File that keeps room for the last manifest on a disk that fills up; gone after a clean close."""
BODY_MODEL = "body_model.npz"
"""The body model that the joint angles were computed with."""
STREAM = "stream"
"""Series of segments with everything but packets; a camera's packets are a series of its name."""

RECORDER = "recorder"
"""Name of the process that writes sessions, as in its headers."""

DISK_CAUSES = ("disk_full", "disk_error", "disk_slow")
"""Why the recorder lost a message; of a packet ``_video`` and the camera follow."""

MAGIC = b"\x89MCAP0\r\n"
MAX_RECORD_BYTES = wire.MAX_PAYLOAD_BYTES + 2**20

CHECKSUM_TOPIC = "kinelive/checksum"
CHECKSUM_ENCODING = "kinelive.checksum"
CHECKSUM_LAYOUT = "<QQI: first byte, byte after the last, crc32 of the bytes between"
CHECKSUM_CHANNEL = 1
CHECKSUM = struct.Struct("<QQI")
_RECORD = struct.Struct("<BQHIQQQQI")
_MESSAGE = 5
CHECKSUM_START = struct.pack("<BQH", _MESSAGE, 22 + CHECKSUM.size, CHECKSUM_CHANNEL)
"""The bytes each checksum record begins with: opcode, length, channel."""
CHECKSUM_BYTES = _RECORD.size

_NO_SHA = "0" * 64
_SHA_FIELD = re.compile(rb'"sha256": ?"([0-9a-f]{64})"')
_SEGMENT_NAME = re.compile(r"(?P<series>.+)-(?P<life>\d{3,})-(?P<number>\d{3,})\.mcap")


class SegmentName(NamedTuple):
    """File name of a segment, in parts."""

    series: str
    life: int
    """Number of the recorder's life in this session, from 1."""
    number: int
    """Number of the segment in that life, from 0."""

    def __str__(self) -> str:
        return f"{self.series}-{self.life:03d}-{self.number:03d}.mcap"


def parse_name(file_name: str) -> SegmentName | None:
    """Take a segment's file name apart; None where it is another file."""
    found = _SEGMENT_NAME.fullmatch(file_name)
    return SegmentName(found["series"], int(found["life"]), int(found["number"])) if found else None


def cause_of(cause: str, series: str) -> str:
    """Counter of what a series lost for a cause of ``DISK_CAUSES``."""
    return cause if series == STREAM else f"{cause}_video {series}"


def segment_names(folder: Path) -> list[SegmentName]:
    """Return the segments in a folder by series, life and number."""
    return sorted(filter(None, (parse_name(path.name) for path in folder.iterdir())))


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that its writer has left, as the manifest lists it."""

    file: str
    messages: int
    bytes: int
    closed: bool
    """False: writing failed (full disk); the file ends after its last good interval."""


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Another folder of the same session: there or here the recording went on."""

    relative: str
    """As seen from this folder; empty where there is no such way."""
    absolute: str


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the recorder process in this session."""

    number: int
    life_ns: int
    """As in the headers of what that recorder said."""
    closed: bool = False
    drops: dict[str, int] = {}
    """Final counts, written at a clean close."""
    heard_s: float = 0.0
    """How long it heard messages, by the time this was written …"""
    marks: int = 0
    """… and how many marks of the operator among them are on the disk."""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one key that were said, or should have been, and are not there."""

    of: str
    """``packet/cam01``, ``keypoints2d/cam01``, ``pose3d`` …; ``stream``: all but packets."""
    from_ns: int | None = None
    """Capture time of the last one before; None: from the beginning."""
    to_ns: int | None = None
    """Capture time of the first one after; None: to the end, whenever that was."""
    heard_from_ns: int | None = None
    """The same in times of reception."""
    heard_to_ns: int | None = None
    messages: int = 0
    """By their numbers; 0 where these do not tell."""
    why: str = ""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with a recorded session afterwards."""

    kind: Literal["recovered", "trimmed", "merged"]
    kinelive: str
    """Version that did it."""
    sessions: tuple[str, ...]
    """Identifiers of those it was made of."""
    lost: tuple[Lost, ...] = ()
    """What could not be taken over."""
    from_ns: int | None = None
    """Of a trimmed one: the part asked for, capture times; what lies before is for exactness."""
    to_ns: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json``: written first, and again when a segment ends and at a clean close."""

    sha256: str = _NO_SHA
    """Of the file's bytes with these 64 digits as zeros."""
    format: int = FORMAT
    schema_version: int = SCHEMA_VERSION
    session: str
    """Random; the heads of all its segments name it."""
    run_id: str
    """The same for every life of the recorder in one run."""
    kinelive: str
    python: str
    platform: str
    packages: dict[str, str]
    started_wall_ns: int
    clock_offset_ns: int
    """Rig clock minus the host's monotonic clock; a replay sets it when the cameras start."""
    cameras: tuple[str, ...]
    run: RunConfig
    calibration_name: str
    calibration_text: str
    calibration_sha256: str
    lives: tuple[Life, ...] = ()
    closed: bool = False
    segments: tuple[Segment, ...] = ()
    """Those in the other folders, too."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """Where else there may be segments; not every folder need be there."""
    edits: tuple[Edit, ...] = ()
    """In their order; then ``segments`` lists every one that there is."""

    def same_run(self, other: Self) -> bool:
        """Whether both are of one run, so that the recording may go on."""
        return (self.run_id, self.run, self.calibration_sha256) == (
            other.run_id,
            other.run,
            other.calibration_sha256,
        )


def seal(manifest: Manifest) -> bytes:
    """JSON of a manifest that carries its own checksum."""
    open_manifest = msgspec.structs.replace(manifest, sha256=_NO_SHA)
    raw = msgspec.json.format(msgspec.json.encode(open_manifest), indent=2)
    return raw.replace(_NO_SHA.encode(), hashlib.sha256(raw).hexdigest().encode(), 1)


class _Versions(msgspec.Struct):
    format: int
    schema_version: int
    kinelive: str = "?"


def unseal(raw: bytes) -> Manifest:
    """Read what ``seal`` wrote.

    Raises:
        SessionError: damaged, or of a version this build does not read.
    """
    found = _SHA_FIELD.search(raw)
    zeroed = raw[: found.start(1)] + _NO_SHA.encode() + raw[found.end(1) :] if found else raw
    if found is None or hashlib.sha256(zeroed).hexdigest().encode() != found[1]:
        raise SessionError(f"{MANIFEST} is damaged: its checksum does not hold")
    try:
        versions = msgspec.json.decode(raw, type=_Versions)
        if (versions.format, versions.schema_version) != (FORMAT, SCHEMA_VERSION):
            raise SessionError(f"recorded in another format; read it with {versions.kinelive}")
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SessionError(f"{MANIFEST} is not one this build can read: {error}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step, on the disk when this returns; OSError as it comes."""
    path, fresh = folder / MANIFEST, folder / f"{MANIFEST}.new"
    with fresh.open("wb") as file:
        file.write(seal(manifest))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    if os.name != "posix":  # a folder cannot be opened elsewhere, and need not be
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum record in a segment: it covers the bytes from ``start`` to its own place."""

    start: int
    at: int
    crc32: int
    t_ns: int
    """When it was written, rig clock."""


def parse_checksum(raw: bytes, at: int) -> Checksum | None:
    """Read the checksum record that begins at byte ``at``; None where the bytes are none."""
    if len(raw) < CHECKSUM_BYTES or not raw.startswith(CHECKSUM_START):
        return None
    *_, t_ns, _, start, end, crc32 = _RECORD.unpack_from(raw)
    return Checksum(start, at, crc32, t_ns) if start < end == at else None
