"""A cut or damaged session made whole again in a new folder, as far as it can be.

Every good message goes into a segment that is closed, with an index, and the manifest lists them
all, and what is missing. The originals are only read.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from services import missing
from services.session import Session, open_session
from services.session_format import Edit, Lost, Manifest, Segment, SegmentName, parse_name
from services.session_reader import Damage, read_records
from services.session_rewrite import (
    Head,
    Keep,
    copy_rest,
    finish,
    fresh_folder,
    head_from,
    head_of,
    rewrite,
    version,
)

Tell = Callable[[str, int, int], None]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    session: str
    """The new folder."""
    source: str
    segments: int
    closed_anew: tuple[str, ...]
    """Segments that had no index, or lost it."""
    emptied: tuple[str, ...]
    """Files in which no message was whole; they are not in the new folder."""
    messages: int
    missing: tuple[missing.Missing, ...]
    damage: tuple[Damage, ...]
    """What was wrong with the source."""
    was_complete: bool


def default_out(session: Path) -> Path:
    """The folder beside a session that its recovery goes into."""
    return session.with_name(f"{session.name}-recovered")


def recover(source: Path, out: Path | None, tell: Tell) -> Recovery:
    """Write what is whole of a session into a new folder; by default the one beside it.

    Raises:
        SessionError: no session, no manifest in any of its files, or a folder that is taken or
            cannot be written.
    """
    session = open_session(source)
    place = out or default_out(session.path.resolve())
    with fresh_folder(place) as folder:
        lost = missing.lost_of(session)
        manifest = manifest_of(session, lost)
        kept = list[Segment]()
        names = session.segments()
        for number, name in enumerate(names):
            tell("writing segments", number, len(names))
            segment = copy_segment(session, name, manifest, folder / str(name))
            kept += [] if segment is None else [segment]
        copy_rest(session.path, folder)
        finish(folder, manifest, kept)
    listed = {one.file for one in session.manifest.segments if one.closed}
    hurt = {one.file for one in session.damage}
    there = {one.file for one in kept}
    return Recovery(
        session=str(place),
        source=str(session.path),
        segments=len(kept),
        closed_anew=tuple(one.file for one in kept if one.file not in listed or one.file in hurt),
        emptied=tuple(str(name) for name in names if str(name) not in there),
        messages=sum(one.messages for one in kept),
        missing=missing.missing(lost, missing.start_ns(session)),
        damage=tuple(session.damage),
        was_complete=session.closed and not session.damage,
    )


def copy_segment(
    session: Session,
    name: SegmentName,
    manifest: Manifest,
    path: Path,
    keep: Keep | None = None,
) -> Segment | None:
    """Write the good messages of one segment that are to be kept; None where there is none.

    ``manifest``: of the session it is written for.
    """
    records = read_records(session.path_of(name), session.listed(name), session.report)
    target = parse_name(path.name) or name
    return rewrite(records, path, head_for(session, name).of(target, manifest), keep)


def head_for(session: Session, name: SegmentName) -> Head:
    """The head of a segment; where it is damaged, another segment's, or one of the manifest."""
    others = (one for one in session.segments() if one != name)
    for one in (name, *others):
        path = session.path_of(one)
        if found := head_of(read_records(path, None, lambda _: None)):
            return found
    return head_from(session.manifest)


def manifest_of(session: Session, lost: tuple[Lost, ...]) -> Manifest:
    """The manifest of the recovered session: whether it was ended stays as it was."""
    manifest = session.manifest
    edit = Edit(kind="recovered", kinelive=version(), sessions=(manifest.session,), lost=lost)
    edits = (*manifest.edits, edit)
    return msgspec.structs.replace(manifest, edits=edits, elsewhere=())


def excuses(session: Session) -> list[tuple[int | None, int | None, str]]:
    """Times in which a recovered session lacks what was said, but for packets, and why."""
    return [
        (one.heard_from_ns, one.heard_to_ns, f"lost before it was {edit.kind}: {one.why}")
        for edit in session.manifest.edits
        for one in edit.lost
        if not one.of.startswith("packet/") and one.why != missing.SKIPPED
    ]
