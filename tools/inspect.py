"""``kinelive inspect``: what a session holds and what it lacks."""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.errors import SessionError
from services import project_videos
from services.inventory import Inventory, take_inventory
from services.missing import Missing
from services.missing import describe as missing_words
from services.project import Project, has_keypoints, is_project, open_project
from services.session import open_session
from services.session_reader import Damage

_MAX_LINES = 20


def inspect(session: Annotated[Path, tyro.conf.Positional], json: bool = False) -> int:
    """Show what a session holds: topics, rates, drops, gaps, damage; or what a project holds.

    Returns 0 for any session, also a damaged one, and 1 for what is none.

    Args:
        session: The session's folder, a folder with one session in it, or a Pose2Sim project.
        json: Print one line of JSON on standard output; the tables go to standard error.
    """
    if is_project(session):
        content = keypoints_of(open_project(session)) if has_keypoints(session) else {}
        return show_project({"project": str(session), **content, **videos_of(session)}, json=json)
    try:
        inventory = take_inventory(open_session(session))
    except SessionError as error:
        print(f"kinelive inspect: {error}", file=sys.stderr)
        return 1
    show(inventory, Console(stderr=True) if json else Console())
    if json:
        print(msgspec.json.encode(inventory).decode())
    return 0


def keypoints_of(project: Project) -> dict[str, Any]:
    """Frames, cameras, people and settings of a Pose2Sim project."""
    people = {
        camera: max(len(project.people(camera, frame)) for frame in files)
        for camera, files in project.files.items()
        if files
    }
    return {
        "cameras": project.rig.names,
        "frames": {name: len(files) for name, files in project.files.items()},
        "first_frame": project.frames.start,
        "last_frame": project.frames.stop - 1,
        "most_people_in_a_picture": people,
        "unreadable": len(project.unreadable),
        "rate_hz": project.rate_hz,
        "skeleton": project.config.skeleton.name,
        "keypoints": project.stage.name,
        "calibration": project.calibration.name,
        "unused_settings": project.config.unused,
    }


def videos_of(path: Path) -> dict[str, Any]:
    """The videos of a Pose2Sim project, with their frame rates."""
    return {"videos": {one.path.name: round(one.rate_hz, 3) for one in project_videos.find(path)}}


def show_project(content: dict[str, Any], *, json: bool) -> int:
    """Print what there is of a project, and what can be done with it."""
    table = Table("", "", title="Pose2Sim project", show_header=False)
    for name, value in content.items():
        table.add_row(name, escape(_words(value)))
    console = Console(stderr=True) if json else Console()
    console.print(table)
    if "keypoints" not in content:
        console.print("no 2D keypoints in it; `kinelive replay` finds them in videos")
    if json:
        print(msgspec.json.encode(content).decode())
    return 0


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def show(inventory: Inventory, console: Console) -> None:
    """Print an inventory for people."""
    console.print(escape(inventory.session), soft_wrap=True)
    console.print(
        f"{inventory.duration_s:.1f} s, {inventory.size_bytes / 1e6:.1f} MB, "
        f"{len(inventory.cameras)} cameras: {', '.join(inventory.cameras)}",
        soft_wrap=True,
    )
    for line in names(inventory):
        console.print(escape(line), soft_wrap=True)
    console.print(_topics(inventory))
    console.print(_cameras(inventory))
    if any(one.clock for one in inventory.camera_facts.values()):
        console.print(_clocks(inventory))
    if inventory.drops:
        console.print(_counts("dropped, by reason", inventory.drops_by_reason))
    for moved in inventory.moved:
        console.print(f"{moved.t_ns / 1e9:.3f} s: {escape(moved.says)}", soft_wrap=True)
    for mark in inventory.marks:
        words = escape(mark.text or "mark")
        console.print(f"mark at {mark.seconds:.3f} s: {words}", soft_wrap=True)
    for damage in inventory.damage:
        console.print(escape(describe(damage)), soft_wrap=True)
    for line in told(inventory.missing):
        console.print(escape(line), soft_wrap=True)
    console.print(_verdict(inventory), soft_wrap=True)


def names(inventory: Inventory) -> Iterator[str]:
    """Who was recorded, doing what, and what else is to be known; a line each that was given."""
    given = {"subject": inventory.subject, "trial": inventory.trial, "notes": inventory.notes}
    yield from (f"{what}: {text}" for what, text in given.items() if text)


def told(missing: Sequence[Missing]) -> Iterator[str]:
    """What is missing, a line each, the first ones only."""
    yield from map(missing_words, missing[:_MAX_LINES])
    if len(missing) > _MAX_LINES:
        yield f"missing: {len(missing) - _MAX_LINES} more; --json lists them all"


def describe(damage: Damage) -> str:
    """One line about a damaged place."""
    place = f" bytes {damage.start}..{damage.end}" if damage.end > damage.start else ""
    says = f": {damage.says}" if damage.says else ""
    return f"{damage.kind}: {damage.file}{place}{_time(damage)}{says}"


def _time(damage: Damage) -> str:
    if damage.from_ns is None and damage.to_ns is None:
        return ""
    ends = ("?" if t_ns is None else f"{t_ns / 1e9:.3f}" for t_ns in (damage.from_ns, damage.to_ns))
    return f" ({' .. '.join(ends)} s)"


def _topics(inventory: Inventory) -> Table:
    table = Table("topic", "messages", "rate, Hz", "missing", title="recorded")
    for column in table.columns[1:]:
        column.justify = "right"
    for key, topic in inventory.topics.items():
        missing = inventory.gaps_by_topic.get(key, 0)
        table.add_row(key, str(topic.count), f"{topic.rate_hz:.1f}", str(missing or ""))
    return table


def _cameras(inventory: Inventory) -> Table:
    """Where the capture times are from, and what was lost on the way."""
    table = Table("camera", "driver", "size, px", "frames", "time from", "± ms", "lost, by cause")
    table.title = "cameras"
    for name, facts in inventory.camera_facts.items():
        origins = ", ".join(
            origin if len(facts.time_origins) == 1 else f"{origin} {count}"
            for origin, count in facts.time_origins.items()
        )
        losses = ", ".join(f"{cause} {count}" for cause, count in facts.losses.items())
        table.add_row(
            escape(name),
            facts.driver,
            "x".join(map(str, facts.size_px)),
            str(facts.frames),
            origins,
            f"{facts.time_uncertainty_ms:.2f}" if facts.time_uncertainty_ms else "",
            losses,
        )
    return table


def _clocks(inventory: Inventory) -> Table:
    """How late the cameras were at the end, in ms, and what was corrected."""
    table = Table("camera", "late", "±", "capture times late", "±", "corrected", "at most")
    table.title = "clocks, ms"
    for column in table.columns[1:]:
        column.justify = "right"
    for name, facts in inventory.camera_facts.items():
        if (said := facts.clock) is not None:
            left = said.late_ms, said.late_sd_ms, said.offset_ms, said.offset_uncertainty_ms
            shifts = said.shift_ms, facts.most_shift_ms
            cells = ["" if math.isnan(ms) else f"{ms:.1f}" for ms in (*left, *shifts)]
            table.add_row(escape(name), *cells)
    return table


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table("reason", "messages", title=title)
    for reason, count in counts.items():
        table.add_row(escape(reason), str(count))
    return table


def _verdict(inventory: Inventory) -> str:
    since = f" ({', '.join(inventory.edits)})" if inventory.edits else ""
    if inventory.complete:
        return f"complete{since}; {inventory.gaps} messages missing, {inventory.drops} dropped"
    why = "damaged" if inventory.damage else "lost before it was recovered"
    why = why if inventory.closed else "not ended properly"
    return (
        f"not complete ({why}){since}; {inventory.gaps} messages missing, {inventory.drops} dropped"
    )
