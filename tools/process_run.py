"""One recording through ``kinelive process``: from keypoints to points, angles and files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from core import filtering, offline, offline_subjects, process_config, segments
from core.calibration import exchange
from core.filtering import Cleaned
from core.offline import Recording
from core.offline_people import Tell, say_nothing
from core.process_config import ProcessConfig
from services import trials
from services.recordings import Loaded, load, settings_of
from services.result_files import write_together
from tools import process_files, process_kinematics, process_report, process_scaling
from tools.process_files import Content, Names
from tools.process_kinematics import NOTHING
from tools.process_markers import Person
from tools.process_report import Shown
from tools.process_scaling import Scaler
from tools.process_stages import Stages
from tools.process_summary import Result, never_given, quality, summary

SUMMARY = "summary.json"
FILE_KINDS = ("trc", "trc_raw", "trc_augmented", "osim", "mot", "c3d", "csv", "parquet")


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """One person's points."""

    result: Result
    cleaned: Cleaned
    person: Person


def process_folder(
    path: Path,
    out: Path,
    assignments: Sequence[str] = (),
    tell: Tell = say_nothing,
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """Do it all, and return what ``summary.json`` says. Nothing is written before all is done.

    With ``resume`` an ``out`` that holds the results of the same input and settings is left alone.

    Raises:
        KineliveError: an input or a setting that cannot be honoured; an ``out`` that cannot be
            written.
    """
    config = _checked(process_config.build({}, assignments))  # before anything long begins
    config = _checked(process_config.build(settings_of(path), assignments))
    request = _request(path, config)
    if resume and (done := _done(out, request)):
        return done
    stages = Stages(tell)
    with Scaler(config.kinematics) as scaler:
        scaler.start()  # OpenSim loads while the keypoints are read
        with stages.stage("reading", "2D keypoints"):
            loaded = load(path, tell)
        said, files = _computed(loaded, config, stages, scaler)
    said["request"] = request
    encoded = msgspec.json.format(msgspec.json.encode(said), indent=2)
    write_together(out, {**files, SUMMARY: encoded.decode() + "\n"}, SUMMARY)
    return said


def _checked(config: ProcessConfig) -> ProcessConfig:
    process_kinematics.check(config.kinematics)
    process_files.check_parquet(wanted=config.kinematics.parquet)
    return config


def _request(path: Path, config: ProcessConfig) -> dict[str, str]:
    own = list(process_scaling.own_files(config.kinematics).values())
    return {
        "input_sha256": trials.input_hash(path, own),
        "settings_sha256": trials.settings_hash(config, metadata.version("kinelive")),
    }


def _done(out: Path, request: Mapping[str, str]) -> dict[str, Any] | None:
    """What an earlier run said, if that was the same and its files are there."""
    try:
        said = msgspec.json.decode((out / SUMMARY).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    if not isinstance(said, dict) or said.get("request") != request:
        return None
    whole = all((out / name).is_file() for name in files_of(said))
    return {**said, "resumed": True} if whole else None


def files_of(said: Mapping[str, Any]) -> list[str]:
    """Names of the files that a summary speaks of, itself not."""
    named = [one.get(kind) for one in said["persons"] for kind in FILE_KINDS]
    return list(dict.fromkeys(name for name in [said.get("report"), *named] if name))


def _computed(
    loaded: Loaded, config: ProcessConfig, stages: Stages, scaler: Scaler
) -> tuple[dict[str, Any], dict[str, Content]]:
    """The summary, and contents of the files by name."""
    with stages.stage("association", "who is who, in every picture"):
        subjects = offline_subjects.find(loaded.pictures, loaded.fusion, config, stages.tell)
    with stages.stage("triangulation", config.triangulation.method):
        results, config = _triangulated(subjects.recordings, config, stages.tell)
    written = _cleaned(results, config, stages)
    persons = [one.person for one in written.values()]
    found, notes = process_kinematics.compute(persons, config, stages, scaler)
    files: dict[str, Content] = {}
    shown, never = list[Shown](), never_given(results.values())
    with stages.stage("files", "trc, c3d, mot, csv"):
        for number, one in written.items():
            kinematics = found.get(number, NOTHING)
            names = _names(loaded.name, one.person, config)
            parquet = config.kinematics.parquet
            raw_m = one.result.points.points_m
            said, contents = process_files.write(
                names, one.person, raw_m, kinematics, parquet=parquet
            )
            files |= contents
            angles = process_kinematics.summary(kinematics, config.kinematics)
            of_person = _of_person(one, said, angles, never)
            shown.append(Shown(one.person, kinematics, of_person))
    whole = summary(
        loaded,
        config,
        results,
        [dict(one.said) for one in shown],
        [*_doubts(loaded, config), *subjects.notes, *notes],
    )
    whole["provenance"] = stages.summary()
    return _with_report(whole, files, loaded, shown, config)


def _doubts(loaded: Loaded, config: ProcessConfig) -> list[str]:
    """What the cameras themselves tell against the calibration."""
    sure = config.triangulation.min_likelihood
    found = exchange.in_pictures(loaded.pictures, sure, loaded.picture_px)
    return [str(found)] if found else []


def _with_report(
    whole: dict[str, Any],
    files: dict[str, Content],
    loaded: Loaded,
    shown: Sequence[Shown],
    config: ProcessConfig,
) -> tuple[dict[str, Any], dict[str, Content]]:
    report, why_not = process_report.write(loaded, whole, shown, config)
    whole["notes"] += why_not
    whole["warnings"] = [
        *process_report.of_quality(whole["quality"], loaded.picture_px),
        *process_report.warnings(shown, config),
        *process_report.unseen(shown),
    ]
    whole["report"] = None if report is None else process_report.FILE
    return whole, files if report is None else {**files, process_report.FILE: report}


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


def _cleaned(
    results: Mapping[int, Result], config: ProcessConfig, stages: Stages
) -> dict[int, _Written]:
    """The points that are written, of everybody who has any."""
    method = config.filtering.type if config.filtering.enabled else "none"
    there = {number: one for number, one in results.items() if one.is_there}
    written: dict[int, _Written] = {}
    with stages.stage("filtering", method):
        for number, one in there.items():
            recording = one.recording
            cleaned = filtering.clean(
                one.points.points_m, recording.rate_hz, config.gaps, config.filtering
            )
            person = Person(
                number, recording.skeleton, recording.rate_hz, recording.frames, cleaned.points_m
            )
            written[number] = _Written(one, cleaned, person)
            stages.tell("filtering", len(written), len(there))
    return written


def _names(name: str, person: Person, config: ProcessConfig) -> Names:
    raw = f"{name}_P{person.id}_{person.frames[0]}-{person.frames[-1]}"
    return Names(raw, raw + filtering.suffix(config.filtering))


def _of_person(
    one: _Written,
    files: Mapping[str, str | None],
    kinematics: dict[str, Any] | None,
    never: Collection[str],
) -> dict[str, Any]:
    """What the summary says of a person."""
    person = one.person
    skeleton = person.skeleton
    return {
        "id": person.id,
        "height_m": segments.height_m(person.points_m, skeleton),
        "frames": len(person.frames),
        **files,
        "quality": quality([one.result], one.result.recording.rig.names, never),
        "gaps": filtering.counts(one.cleaned, skeleton.marker_places),
        "kinematics": kinematics,
    }
