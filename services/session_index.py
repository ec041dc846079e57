"""What sessions there are below a folder: from their manifests and the sizes of their files alone.

No message is read, so that hundreds take seconds; what is damaged inside a file is told by
``kinelive inspect``.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from core.errors import SessionError
from services.session_format import MANIFEST, Manifest, parse_name, unseal

State = Literal["closed", "not ended", "damaged"]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One session folder."""

    folder: str
    state: State
    """Not ended: still recorded, or cut; damaged: files are missing, of another size, or the
    manifest cannot be read."""
    size_bytes: int
    says: str = ""
    """What is wrong."""
    session: str = ""
    started: str = ""
    """Wall clock, UTC, as ISO 8601."""
    duration_s: float | None = None
    """None where the manifest does not tell; of one not ended what it told last."""
    subject: str = ""
    trial: str = ""
    notes: str = ""
    cameras: tuple[str, ...] = ()
    marks: int | None = None
    """Of the operator, likewise."""
    edits: tuple[str, ...] = ()


def sessions_below(folder: Path) -> list[Listed]:
    """The sessions below a folder, or the one in it, the oldest first.

    Raises:
        SessionError: there is no such folder.
    """
    if not folder.is_dir():
        raise SessionError(f"{folder}: no such folder; name the one that sessions are recorded in")
    found = [listed(one, sizes) for one, sizes in _folders(folder)]
    return sorted(found, key=lambda one: (one.started, one.folder))


def _folders(folder: Path) -> Iterator[tuple[Path, dict[str, int]]]:
    """Session folders with the sizes of their files; what is hidden is being made."""
    for place, inside, names in os.walk(folder):
        inside[:] = sorted(one for one in inside if not one.startswith("."))
        if MANIFEST in names or any(map(parse_name, names)):
            inside.clear()
            yield Path(place), _sizes(Path(place))


def _sizes(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {one.name: one.stat().st_size for one in entries if one.is_file()}


def listed(folder: Path, sizes: dict[str, int]) -> Listed:
    """One session folder whose files have these ``sizes``."""
    total = sum(sizes.values())
    try:
        manifest = unseal((folder / MANIFEST).read_bytes())
    except (OSError, SessionError) as error:
        return Listed(folder=str(folder), state="damaged", size_bytes=total, says=str(error))
    says = "" if manifest.elsewhere else _wrong(manifest, sizes)
    began = datetime.fromtimestamp(manifest.started_wall_ns // 10**9, UTC)
    recorder = manifest.run.recorder
    return Listed(
        folder=str(folder),
        state="damaged" if says else "closed" if manifest.closed else "not ended",
        size_bytes=total,
        says=says,
        session=manifest.session,
        started=began.isoformat(),
        duration_s=_duration_s(manifest),
        subject=recorder.subject,
        trial=recorder.trial,
        notes=recorder.notes,
        cameras=manifest.cameras,
        marks=_marks(manifest),
        edits=tuple(one.kind for one in manifest.edits),
    )


def _wrong(manifest: Manifest, sizes: dict[str, int]) -> str:
    """Which of the files that the manifest lists as closed are not there as they were."""
    done = [one for one in manifest.segments if one.closed]
    missing = [one.file for one in done if one.file not in sizes]
    other = [one.file for one in done if sizes.get(one.file, one.bytes) != one.bytes]
    parts = [("missing", missing), ("of another size", other)]
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)


def _duration_s(manifest: Manifest) -> float | None:
    """From the first message to the last; of a trimmed session the part that was asked for."""
    for edit in reversed(manifest.edits):
        if edit.kind == "trimmed":
            ends = edit.from_ns, edit.to_ns
            return None if ends[0] is None or ends[1] is None else (ends[1] - ends[0]) / 1e9
    return sum(one.heard_s for one in manifest.lives) or None


def _marks(manifest: Manifest) -> int | None:
    is_known = any(one.heard_s for one in manifest.lives)
    return sum(one.marks for one in manifest.lives) if is_known else None
