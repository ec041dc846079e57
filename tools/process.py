"""``kinelive process``: a whole recording from 2D keypoints to marker trajectories."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tyro

from core import filtering, offline, offline_subjects, process_config, segments, trc
from core.offline import Recording
from core.offline_people import Tell, say_nothing
from core.process_config import ProcessConfig
from services.recordings import load
from services.result_files import write_together
from tools.process_summary import Result, quality, summary, table
from tools.terminal import print_json, result, telling

SUMMARY = "summary.json"
INTERRUPTED = 130


def _assignments(
    set: Annotated[tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction] = (),
) -> tuple[str, ...]:
    """Settings of this run; they win over the project's.

    Args:
        set: key=value, e.g. triangulation.method=pose2sim filtering.enabled=false; an unknown key
            is answered with the known ones.
    """
    return tuple(one for group in set for one in group)


def process(
    input: Annotated[Path, tyro.conf.Positional],
    out: Path,
    set: Annotated[tuple[str, ...], tyro.conf.arg(constructor=_assignments)] = (),
    json: bool = False,
) -> int:
    """Compute marker trajectories (.trc) from a Pose2Sim project folder or a session.

    Writes OUT/summary.json and one .trc a person. Returns 1 when there is nobody to be found.

    Args:
        input: the project's or the session's folder.
        out: folder for the results; files in it with the same names are replaced.
        set: settings as key=value.
        json: print the summary as one JSON object, the last line.
    """
    try:
        with telling() as tell:
            summary = process_folder(input, out, set, tell)
    except KeyboardInterrupt:
        print("kinelive process: interrupted before the results were whole", file=sys.stderr)
        return INTERRUPTED
    for key in summary["unused_settings"]:
        print(f"not used: {key}", file=sys.stderr)
    for note in summary["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if json:
        print_json(summary)
    else:
        result.print(table(summary))
        for name in (SUMMARY, *(one["trc"] for one in summary["persons"])):
            result.print(str(out / name), soft_wrap=True)
    return 0 if summary["persons"] else 1


def process_folder(
    path: Path, out: Path, assignments: Sequence[str] = (), tell: Tell = say_nothing
) -> dict[str, Any]:
    """Do it all, and return what ``summary.json`` says. Nothing is written before all is done.

    Raises:
        KineliveError: an input or a setting that cannot be honoured; an ``out`` that cannot be
            written.
    """
    process_config.build({}, assignments)  # before anything long begins
    loaded = load(path, tell)
    config = process_config.build(loaded.settings, assignments)
    subjects = offline_subjects.find(loaded.pictures, loaded.fusion, config, tell)
    results, config = _triangulated(subjects.recordings, config, tell)
    files: dict[str, str] = {}
    persons = []
    for number, one in results.items():
        if one.is_there:
            person, text = _person(loaded.name, number, one, config)
            persons.append(person)
            files[person["trc"]] = text
    said = summary(loaded, config, results, persons, subjects.notes)
    encoded = msgspec.json.format(msgspec.json.encode(said), indent=2)
    write_together(out, {**files, SUMMARY: encoded.decode() + "\n"}, SUMMARY)
    return said


def _triangulated(
    recordings: dict[int, Recording], config: ProcessConfig, tell: Tell
) -> tuple[dict[int, Result], ProcessConfig]:
    """Everybody's points, and the settings with what followed from the recording."""
    if config.triangulation.method == "robust":
        recordings = {
            number: offline.put_right(one, config.triangulation)
            for number, one in recordings.items()
        }
    scaled = offline.with_common_scale(recordings.values(), config.triangulation)
    results: dict[int, Result] = {}
    for number, one in recordings.items():
        points = offline.triangulate_all(one, scaled)
        results[number] = Result(one, points, offline.held_out_px(one, scaled))
        tell("triangulating", len(results), len(recordings))
    return results, msgspec.structs.replace(config, triangulation=scaled)


def _person(
    name: str, number: int, one: Result, config: ProcessConfig
) -> tuple[dict[str, Any], str]:
    """What the summary says of a person, and the text of the trc."""
    recording, points = one.recording, one.points
    cleaned = filtering.clean(points.points_m, recording.rate_hz, config.gaps, config.filtering)
    points_m, suffix = cleaned.points_m, filtering.suffix(config.filtering)
    skeleton, frames = recording.skeleton, recording.frames
    file_name = f"{name}_P{number}_{frames[0]}-{frames[-1]}{suffix}.trc"
    markers = points_m[:, skeleton.marker_places]
    content = trc.of_world(markers, skeleton.markers, recording.rate_hz, frames)
    person = {
        "id": number,
        "height_m": segments.height_m(points_m, skeleton),
        "frames": len(frames),
        "trc": file_name,
        "quality": quality([one], recording.rig.names),
        "gaps": filtering.counts(cleaned, skeleton.marker_places),
    }
    return person, trc.write(content, file_name)
