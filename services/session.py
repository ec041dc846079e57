"""A recorded session: what was recorded, in order, and what of it is damaged.

Damage never raises here: it is listed in ``Session.damage`` while the session is read, and what is
not damaged is still handed out. Only a folder that is no session raises.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core import wire
from core.config import RunConfig
from core.errors import SessionError, WireError
from core.messages import Header, Message
from services.session_format import (
    MANIFEST,
    STREAM,
    Lost,
    Manifest,
    Segment,
    SegmentName,
    parse_name,
    segment_names,
    unseal,
)
from services.session_reader import Damage, check_segment, read_attachment, read_segment

REMEDY = "give the folder that holds manifest.json"


@dataclass(frozen=True, slots=True)
class Stored:
    """One recorded message."""

    key: str
    header: Header
    message: Message
    raw: bytes
    """Its bytes as they came over the bus."""
    log_time_ns: int
    """When the recorder received it, rig clock."""
    recorder_life: int
    """Number of the recorder's life in the session, from 1."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session folder."""

    path: Path
    manifest: Manifest
    damage: list[Damage] = field(default_factory=list)
    """What was found damaged so far; reading adds to it."""
    elsewhere: tuple[Path, ...] = ()
    """The other folders that it went on in, as far as they are there."""

    @property
    def run(self) -> RunConfig:
        """The settings it was recorded with."""
        return self.manifest.run

    @property
    def calibration_text(self) -> str:
        """The calibration file's text; its name is ``manifest.calibration_name``."""
        return self.manifest.calibration_text

    @property
    def closed(self) -> bool:
        """Whether the recorder ended it; False after a crash, and while it is recorded."""
        return self.manifest.closed

    @property
    def is_damaged(self) -> bool:
        """Whether damage was found that a crash does not explain; complete after ``check``."""
        return any(damage.kind != "cut" for damage in self.damage)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[Stored]:
        """Yield everything but packets as recorded; ``topics``: only these topics or keys."""
        wanted = None if topics is None else frozenset(topics)
        for name in self._segments(STREAM):
            yield from self._read(name, wanted)

    def packets(self, camera: str) -> Iterator[Stored]:
        """Yield the packets of one camera as recorded."""
        if camera in self.manifest.cameras:
            for name in self._segments(camera):
                yield from self._read(name, None)

    @property
    def lost(self) -> tuple[Lost, ...]:
        """What was not there any more when it was recovered, merged or trimmed."""
        return tuple(one for edit in self.manifest.edits for one in edit.lost)

    def segments(self) -> list[SegmentName]:
        """The segments that are there by series, life and number; lacking ones are reported."""
        series = (STREAM, *self.manifest.cameras)
        return [name for one in series for name in self._segments(one)]

    def check(self) -> None:
        """Read every file for its damage."""
        for name in self.segments():
            check_segment(self.path_of(name), self.listed(name), self.report)

    def of_segment(self, name: SegmentName) -> Iterator[Stored]:
        """Yield what one segment holds."""
        return self._read(name, None)

    def size_bytes(self) -> int:
        """Bytes of all its files."""
        files = (path for folder in self.folders for path in folder.iterdir() if path.is_file())
        return sum(path.stat().st_size for path in files)

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders that it lies in."""
        return (self.path, *self.elsewhere)

    def _segments(self, series: str) -> list[SegmentName]:
        """The segments of a series that are there; those that should be are reported."""
        names = sorted({one for folder in self.folders for one in segment_names(folder)})
        there = [name for name in names if name.series == series]
        for name in sorted(_expected(series, there, self.manifest) - set(there)):
            self.report(Damage(str(name), "missing"))
        return there

    def path_of(self, name: SegmentName) -> Path:
        """Where a segment lies: in the session's folder, or in another that it went on in."""
        paths = (folder / str(name) for folder in self.folders)
        return next((path for path in paths if path.is_file()), self.path / str(name))

    def listed(self, name: SegmentName) -> Segment | None:
        """What the manifest says of a segment; None: nothing, it was being written."""
        return next((one for one in self.manifest.segments if one.file == str(name)), None)

    def report(self, damage: Damage) -> None:
        """Take notice of a damaged place."""
        if damage not in self.damage:
            self.damage.append(damage)

    def _read(self, name: SegmentName, wanted: frozenset[str] | None) -> Iterator[Stored]:
        path, unread = self.path_of(name), 0
        for channel, record in read_segment(path, self.listed(name), self.report):
            key = channel.topic
            if wanted is not None and not {key, key.split("/", 1)[0]} & wanted:
                continue
            try:
                header = _header(channel.metadata, record.sequence)
                message = wire.decode(key, record.data)
            except WireError:
                unread += 1
                continue
            yield Stored(key, header, message, record.data, record.log_time, name.life)
        if unread:
            says = f"{unread} messages that this version cannot read"
            self.report(Damage(str(name), "message", says=says))


def _expected(series: str, there: Iterable[SegmentName], manifest: Manifest) -> set[SegmentName]:
    """Segments that must have been: those before one that is there, and those of the manifest.

    Of an edited session the manifest names them all.
    """
    before = {
        SegmentName(series, name.life, number)
        for name in there
        for number in range(0 if manifest.edits else name.number)
    }
    names = (parse_name(one.file) for one in manifest.segments)
    return before | {name for name in names if name is not None and name.series == series}


def _header(origin: Mapping[str, str], seq: int) -> Header:
    """Header of a message, from the metadata of its channel."""
    try:
        version, life_ns = int(origin["schema_version"]), int(origin["life_ns"])
        return Header(version, origin["source"], life_ns, seq)
    except (KeyError, ValueError) as error:
        raise WireError("malformed", f"channel metadata: {error}") from error


def open_session(path: Path) -> Session:
    """Open a session folder, or the only one inside a folder.

    A damaged manifest is replaced by the copy in a segment's head, and listed as damage.

    Raises:
        SessionError: no session there, several, or of a version this build does not read.
    """
    try:
        folder = _locate(path)
    except OSError as error:
        raise SessionError(f"{path}: {error.strerror}; {REMEDY}") from error
    manifest, problem = _manifest_of(folder)
    if manifest is None:
        raise SessionError(f"{folder}: {problem}")
    damage = [Damage(MANIFEST, "manifest", says=problem)] if problem else []
    others = _others(folder, manifest)
    newest = max([manifest, *others.values()], key=_age)
    return Session(folder, newest, damage, tuple(others))


def _manifest_of(folder: Path) -> tuple[Manifest | None, str]:
    """The manifest of a folder, or the copy in a segment's head and why it is that one."""
    try:
        return unseal((folder / MANIFEST).read_bytes()), ""
    except (OSError, SessionError) as error:
        return _manifest_in_segments(folder), str(error)


def _others(folder: Path, manifest: Manifest) -> dict[Path, Manifest]:
    """The other folders of a session with their manifests: beside this one, or where they were."""
    found: dict[Path, Manifest] = {}
    for way in manifest.elsewhere:
        candidates = [folder / way.relative] if way.relative else []
        for candidate in (*candidates, Path(way.absolute)):
            other = _manifest_there(candidate)
            if other is not None and other.session == manifest.session:
                found[candidate] = other
                break
    return found


def _manifest_there(folder: Path) -> Manifest | None:
    try:
        return _manifest_of(folder)[0] if _is_session(folder) else None
    except (OSError, ValueError):  # a damaged path, a disk that is gone
        return None


def _age(manifest: Manifest) -> tuple[int, bool, int]:
    """The larger, the later it was written: a full disk may have kept an old one."""
    return len(manifest.lives), manifest.closed, len(manifest.segments)


def _locate(path: Path) -> Path:
    if _is_session(path):
        return path
    inside = sorted(child for child in path.iterdir() if child.is_dir() and _is_session(child))
    if not inside:
        raise SessionError(f"{path}: no session; {REMEDY}")
    if len(inside) > 1:
        names = ", ".join(child.name for child in inside[:5])
        raise SessionError(f"{path}: {len(inside)} sessions; name one of them: {names}")
    return inside[0]


def _is_session(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() or (folder.is_dir() and bool(segment_names(folder)))


def _manifest_in_segments(folder: Path) -> Manifest | None:
    """The youngest manifest that the head of a segment carries."""
    for name in sorted(segment_names(folder), key=lambda name: name[1:], reverse=True):
        raw = read_attachment(folder / str(name), MANIFEST)
        try:
            if raw is not None:
                return unseal(raw)
        except SessionError:
            continue
    return None
