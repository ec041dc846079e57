"""A session in the formats of other programs: all of them are written, or none."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from core.errors import ConfigError, SessionError
from services import export_points, export_pose2sim, export_video, face_blur, missing
from services.clips import Clip, clip_of, spooled
from services.export_foxglove import write as write_foxglove
from services.export_points import Span
from services.marks import Mark, marks_of
from services.session import Session, open_session
from services.session_rewrite import version

Target = Literal["mp4", "openpose", "trc", "csv", "pose2sim", "foxglove", "rrd"]
Tell = Callable[[str, int, int], None]

SUMMARY = "export.json"
NO_RERUN = (
    "--to rrd needs the program `rerun` on the path, which is not part of kinelive: "
    "`uv tool install rerun-sdk`; or export --to foxglove and run "
    "`uvx --from rerun-sdk rerun mcap convert FILE.mcap -o FILE.rrd`"
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted."""

    targets: tuple[Target, ...]
    blur_faces: bool = False
    pseudonym: str = ""
    """Names files instead of the session's folder; the summary then names no source."""


@dataclass
class _Job:
    """One export while it is written."""

    session: Session
    span: Span
    folder: Path
    name: str
    tell: Tell
    clips: list[Clip]
    files: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def export(source: Path, out: Path, request: Request, tell: Tell, *, force: bool) -> dict[str, Any]:
    """Write a session into a new folder; what its ``export.json`` says.

    A trimmed session is exported from where it was to begin, without what lies before for
    exactness. With ``force`` an earlier export in that place is replaced, and nothing else.

    Raises:
        SessionError: no session, or it holds nothing of what is asked for.
        ConfigError: the place is taken or cannot be written, or a program is missing.
    """
    session = open_session(source)
    _require_place(out, force=force)
    if request.pseudonym != Path(request.pseudonym).name:
        raise ConfigError(f"--pseudonym {request.pseudonym}: give a name that can be a file's")
    if "rrd" in request.targets and shutil.which("rerun") is None:
        raise ConfigError(NO_RERUN)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            folder, spool = Path(scratch) / "export", Path(scratch) / "spool"
            folder.mkdir()
            spool.mkdir()
            said = _written(session, request, folder, spool, tell)
            _move(folder, out, Path(scratch) / "old")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error}; name another folder") from error
    return said


def _require_place(out: Path, *, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / SUMMARY).is_file():
        raise ConfigError(f"{out}: is there already and no export; name another folder")
    if not force:
        raise ConfigError(f"{out}: is there already; --force replaces it, or name another folder")


def _move(folder: Path, out: Path, old: Path) -> None:
    """Put the new folder in its place; the old one is there until that is done."""
    if out.exists():
        out.replace(old)
    folder.replace(out)


def _written(
    session: Session, request: Request, folder: Path, spool: Path, tell: Tell
) -> dict[str, Any]:
    name = request.pseudonym or session.path.resolve().name
    clips = [c for one in session.manifest.cameras if (c := clip_of(session, one)) is not None]
    if request.blur_faces:
        clips = [_blurred(session, clip, spool, tell) for clip in clips]
    job = _Job(session, span_of(session), folder, name, tell, clips)
    for target in dict.fromkeys(request.targets):
        tell("exporting", len(job.files), len(request.targets))
        _TARGETS[target](job)
    lost = missing.with_earlier(missing.lost_of(session), session.lost)
    marks = _marks(job)
    if marks and request.pseudonym:
        job.notes.append("marks keep the words that the operator gave them: look at them")
    said = {
        "session": name if request.pseudonym else str(session.path),
        "kinelive": version(),
        "zero_ns": job.span.zero_ns,
        "faces_hidden": request.blur_faces and bool(clips),
        "files": job.files,
        "missing": missing.missing(lost, job.span.zero_ns),
        "marks": marks,
        "notes": job.notes,
    }
    encoded = msgspec.json.format(msgspec.json.encode(said), indent=2)
    (folder / SUMMARY).write_bytes(encoded + b"\n")
    return msgspec.json.decode(encoded)


def _marks(job: _Job) -> tuple[Mark, ...]:
    found = marks_of(job.session, job.span.zero_ns)
    return tuple(one for one in found if job.span.holds(one.t_ns))


def _blurred(session: Session, clip: Clip, spool: Path, tell: Tell) -> Clip:
    found = face_blur.heads(session, clip.camera)
    if not any(found.discs):
        raise SessionError(
            f"{session.path}: no heads found in {clip.camera}, so no face can be hidden; export "
            "something else than pictures, or `kinelive replay` the session to find people"
        )
    return spooled(face_blur.blurred(clip, found, tell), spool / clip.camera)


def span_of(session: Session) -> Span:
    """What of a session is exported: of a trimmed one the part that was asked for."""
    from_ns, to_ns = -(2**63), 2**63 - 1
    for edit in session.manifest.edits:
        from_ns = from_ns if edit.from_ns is None else edit.from_ns
        to_ns = to_ns if edit.to_ns is None else edit.to_ns
    return Span(missing.start_ns(session), from_ns, to_ns)


def _require_clips(job: _Job) -> None:
    if not job.clips:
        raise SessionError(f"{job.session.path}: no camera packets in it, so there are no videos")


def _mp4(job: _Job) -> None:
    _require_clips(job)
    place = job.folder / "videos"
    place.mkdir()
    videos = list[export_video.Video]()
    for number, clip in enumerate(job.clips):
        job.tell("videos", number, len(job.clips))
        videos.append(export_video.write(clip, place / f"{clip.camera}.mp4", job.span.zero_ns))
        table = export_video.frames_table(clip, job.span.zero_ns)
        (place / f"{clip.camera}.frames.csv").write_text(table, encoding="utf-8")
    job.files["mp4"] = [{**msgspec.structs.asdict(v), "file": f"videos/{v.file}"} for v in videos]
    job.notes += [line for video in videos for line in export_video.said(video)]


def _openpose(job: _Job) -> None:
    found = export_points.pictures(job.session, job.span)
    export_points.write_openpose(found, job.folder / "openpose")
    job.files["openpose"] = {
        "folders": [f"openpose/{name}_json" for name in found.cameras],
        "frames": found.n_frames,
        "rate_hz": found.rate_hz,
        "skeleton": found.skeleton.name,
    }


def _trc(job: _Job) -> None:
    names = []
    for one in _walkers(job):
        names.append(f"{job.name}_P{one.id}.trc")
        text = export_points.trc_text(one, names[-1])
        (job.folder / names[-1]).write_text(text, encoding="utf-8")
    for one in export_points.angles(job.session, job.span):
        text = export_points.mot_text(one, job.span)
        if text is not None:
            names.append(f"{job.name}_P{one.person}.mot")
            (job.folder / names[-1]).write_text(text, encoding="utf-8")
    job.files["trc"] = names


def _walkers(job: _Job) -> Sequence[export_points.Walker]:
    if found := export_points.walkers(job.session, job.span):
        return found
    raise SessionError(
        f"{job.session.path}: no fused people in it; `kinelive process` computes points from its "
        "keypoints"
    )


def _csv(job: _Job) -> None:
    _walkers(job)
    texts = {f"{job.name}_points.csv": export_points.points_csv(job.session, job.span)}
    for one in export_points.angles(job.session, job.span):
        texts[f"{job.name}_P{one.person}_angles.csv"] = export_points.angles_csv(one, job.span)
    for name, text in texts.items():
        (job.folder / name).write_text(text or "", encoding="utf-8")
    job.files["csv"] = list(texts)


def _pose2sim(job: _Job) -> None:
    found = export_points.pictures(job.session, job.span)
    folder = job.folder / "pose2sim" / job.name
    export_pose2sim.write(job.session, job.span, found, job.clips, folder)
    job.files["pose2sim"] = {"folder": f"pose2sim/{job.name}", "frames": found.n_frames}
    if not job.clips:
        job.notes.append(
            "pose2sim: the session has no camera packets, so the project has no videos"
        )


def _foxglove(job: _Job) -> None:
    path = job.folder / f"{job.name}.foxglove.mcap"
    count, notes = write_foxglove(job.session, job.span, job.clips, path, job.tell)
    job.files["foxglove"] = {"file": path.name, "messages": count}
    job.notes += notes


def _rrd(job: _Job) -> None:
    """By rerun's own program from the file for Foxglove, which is made where it is not wanted."""
    wanted = "foxglove" in job.files
    if not wanted:
        _foxglove(job)
    mcap = job.folder / job.files["foxglove"]["file"]
    path = job.folder / f"{job.name}.rrd"
    command = ["rerun", "mcap", "convert", str(mcap), "-o", str(path)]
    command += [
        "--application-id",
        "kinelive",
        "--recording-id",
        job.name,
    ]  # else the folder's path
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigError(f"`rerun mcap convert` failed: {done.stderr.strip()[-500:]}")
    if not wanted:
        mcap.unlink()
        del job.files["foxglove"]
    job.files["rrd"] = {"file": path.name}


_TARGETS: dict[Target, Callable[[_Job], None]] = {
    "mp4": _mp4,
    "openpose": _openpose,
    "trc": _trc,
    "csv": _csv,
    "pose2sim": _pose2sim,
    "foxglove": _foxglove,
    "rrd": _rrd,
}
