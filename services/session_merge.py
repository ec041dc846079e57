"""Parts of one run that lie in several folders, put together as one session."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from core.errors import SessionError
from services import missing
from services.session import Session, open_session
from services.session_format import Edit, Life, Lost, Manifest, Segment, SegmentName, write_manifest
from services.session_recovery import copy_segment
from services.session_rewrite import copy_rest, finish, fresh_folder, version

Tell = Callable[[str, int, int], None]
_Place = tuple[str, int, int]
"""Series, start of the recorder's life, number of the segment in it."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    session: str
    sources: tuple[str, ...]
    segments: int
    doubled: tuple[str, ...]
    """Segments that several sources have: the one with more messages was taken."""
    messages: int
    missing: tuple[missing.Missing, ...]


def merge(sources: Sequence[Path], out: Path, tell: Tell) -> Merged:
    """Write the parts as one session: every segment once, the recorder's lives in their order.

    Raises:
        SessionError: fewer than two, no session, parts of different runs, or a folder that is
            taken or cannot be written.
    """
    sessions = [open_session(one) for one in sources]
    _require_one_run(sessions)
    lives = _lives(sessions)
    numbers = {life.life_ns: life.number for life in lives}
    chosen, doubled = _chosen(sessions)
    manifest = _manifest(sessions, lives)
    with fresh_folder(out) as folder:
        kept = list[Segment]()
        for count, ((series, life_ns, number), (session, name)) in enumerate(chosen.items()):
            tell("writing segments", count, len(chosen))
            path = folder / str(SegmentName(series, numbers.get(life_ns, life_ns), number))
            segment = copy_segment(session, name, manifest, path)
            kept += [] if segment is None else [segment]
        for session in sessions:
            copy_rest(session.path, folder)
        write_manifest(folder, manifest)
        lost = _lost(sessions, open_session(folder))
        edit = msgspec.structs.replace(manifest.edits[-1], lost=lost)
        finish(folder, msgspec.structs.replace(manifest, edits=(edit,)), kept)
    return Merged(
        session=str(out),
        sources=tuple(str(one.path) for one in sessions),
        segments=len(kept),
        doubled=tuple(doubled),
        messages=sum(one.messages for one in kept),
        missing=missing.missing(lost, missing.start_ns(open_session(out))),
    )


def _require_one_run(sessions: Sequence[Session]) -> None:
    if len(sessions) < 2:
        raise SessionError("give two sessions or more, parts of one run")
    first = sessions[0]
    for other in sessions[1:]:
        if said := _differs(first.manifest, other.manifest):
            raise SessionError(
                f"{first.path} and {other.path} are not parts of one run: {said}. Recordings of "
                "different runs have no common clock and numbers: keep them apart"
            )


def _differs(one: Manifest, other: Manifest) -> str:
    """What shows that two sessions are of different runs; empty where nothing does."""
    if one.run_id != other.run_id:
        return f"the run is {one.run_id} in one and {other.run_id} in the other"
    if one.calibration_sha256 != other.calibration_sha256:
        return "their calibrations differ"
    plain = [msgspec.structs.replace(each.run, recorder=one.run.recorder) for each in (one, other)]
    if one.cameras != other.cameras or plain[0] != plain[1]:
        return "their settings differ"
    trimmed = [each for each in (one, other) if any(e.kind == "trimmed" for e in each.edits)]
    return "one is a part that was cut out with `kinelive trim`" if trimmed else ""


def _lives(sessions: Sequence[Session]) -> list[Life]:
    """Every life of the recorder once, numbered as they began."""
    found: dict[int, Life] = {}
    for life in (life for session in sessions for life in session.manifest.lives):
        known = found.get(life.life_ns)
        if known is None or (life.closed and not known.closed):
            found[life.life_ns] = life
    in_order = sorted(found.values(), key=lambda life: life.life_ns)
    return [
        msgspec.structs.replace(life, number=number)
        for number, life in enumerate(in_order, start=1)
    ]


def _chosen(
    sessions: Sequence[Session],
) -> tuple[Mapping[_Place, tuple[Session, SegmentName]], list[str]]:
    """Where each segment is taken from, and those of which there were several."""
    places: dict[_Place, list[tuple[Session, SegmentName]]] = {}
    for session in sessions:
        begun = {life.number: life.life_ns for life in session.manifest.lives}
        for name in session.segments():
            if name.life not in begun:
                raise SessionError(
                    f"{session.path}: its manifest does not know life {name.life} of the recorder, "
                    f"as {name} says; `kinelive recover` it first"
                )
            place = name.series, begun[name.life], name.number
            places.setdefault(place, []).append((session, name))
    doubled = [str(several[0][1]) for several in places.values() if len(several) > 1]
    return {place: max(several, key=_n_messages) for place, several in places.items()}, doubled


def _n_messages(copy: tuple[Session, SegmentName]) -> int:
    session, name = copy
    return sum(1 for _ in session.of_segment(name))


def _manifest(sessions: Sequence[Session], lives: Sequence[Life]) -> Manifest:
    """Of the whole: that of the part with the recorder's last life, which knows how it ended."""
    last = max(sessions, key=lambda one: max((x.life_ns for x in one.manifest.lives), default=0))
    sources = tuple(dict.fromkeys(one.manifest.session for one in sessions))
    edit = Edit(kind="merged", kinelive=version(), sessions=sources)
    return msgspec.structs.replace(
        last.manifest,
        lives=tuple(lives),
        closed=bool(lives) and lives[-1].closed,
        segments=(),
        elsewhere=(),
        edits=(edit,),
    )


def _lost(sessions: Sequence[Session], whole: Session) -> tuple[Lost, ...]:
    """What none of the parts has; why, as the part said that lacks it, too."""
    known = [
        one
        for session in sessions
        for one in missing.with_earlier(missing.lost_of(session), session.lost)
        if one.why != missing.SKIPPED
    ]

    def explained(one: Lost) -> Lost:
        reasons = (each.why for each in known if missing.covers(each, one))
        return msgspec.structs.replace(one, why=next(reasons, one.why))

    return tuple(explained(one) for one in missing.lost_of(whole))
