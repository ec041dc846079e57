"""``kinelive process``: a whole recording from 2D keypoints to marker trajectories."""

import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import tyro
from rich.table import Table

from core import filtering, offline, process_config, segments, trc
from core.errors import ConfigError
from core.offline import Reconstruction, Recording
from core.process_config import ProcessConfig, TriangulationConfig
from services.recordings import Loaded, load
from tools.terminal import print_json, result

SUMMARY = "summary.json"
UNITS = {"height_m": "m", "trc": "m", "held_out_camera_px": "px", "reprojection_px": "px"}
NOBODY = "nobody: no keypoint was seen well enough by enough cameras"


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
    summary = process_folder(input, out, set)
    for key in summary["unused_settings"]:
        print(f"not used: {key}", file=sys.stderr)
    for note in summary["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if json:
        print_json(summary)
    else:
        result.print(_table(summary))
        for name in (SUMMARY, *(one["trc"] for one in summary["persons"])):
            result.print(str(out / name), soft_wrap=True)
    return 0 if summary["persons"] else 1


def process_folder(path: Path, out: Path, assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Do it all, and return what ``summary.json`` says.

    Raises:
        KineliveError: an input or a setting that cannot be honoured; an ``out`` that cannot be
            written.
    """
    process_config.build({}, assignments)  # before anything long begins
    loaded = load(path)
    config = process_config.build(loaded.settings, assignments)
    recording = loaded.recording
    if config.triangulation.method == "robust":
        recording = offline.put_right(recording, config.triangulation)
    scaled = offline.with_scale(recording, config.triangulation)
    config = msgspec.structs.replace(config, triangulation=scaled)
    points = offline.triangulate_all(recording, config.triangulation)
    try:
        out.mkdir(parents=True, exist_ok=True)
        persons = _persons(loaded.name, recording, points, config, out)
        summary = _summary(loaded, config, persons, _quality(recording, points, config))
        encoded = msgspec.json.format(msgspec.json.encode(summary), indent=2)
        (out / SUMMARY).write_bytes(encoded + b"\n")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error}; name another --out") from error
    return summary


def _persons(
    name: str, recording: Recording, points: Reconstruction, config: ProcessConfig, out: Path
) -> list[dict[str, Any]]:
    """Write the trc of each person, and say what it holds."""
    if not np.isfinite(points.points_m).any():
        return []
    cleaned = filtering.clean(points.points_m, recording.rate_hz, config.gaps, config.filtering)
    points_m, suffix = cleaned.points_m, filtering.suffix(config.filtering)
    skeleton, frames = recording.skeleton, recording.frames
    file_name = f"{name}_P1_{frames[0]}-{frames[-1]}{suffix}.trc"
    markers = points_m[:, skeleton.marker_places]
    table = trc.of_world(markers, skeleton.markers, recording.rate_hz, frames)
    (out / file_name).write_text(trc.write(table, file_name), encoding="utf-8")
    height_m = segments.height_m(points_m, skeleton)
    counts = filtering.counts(cleaned, skeleton.marker_places)
    person = {"id": 1, "height_m": height_m, "frames": len(frames), "trc": file_name}
    return [{**person, "gaps": counts}]


def _quality(recording: Recording, points: Reconstruction, config: ProcessConfig) -> dict[str, Any]:
    """How good it is, of the points that go into the trc, before they are filtered."""
    places = recording.skeleton.marker_places
    found = np.isfinite(points.points_m[:, places, 0])
    return {
        "held_out_camera_px": _held_out(recording, config.triangulation),
        "reprojection_px": _mean(points.error_px[:, places][found]),
        "cameras_per_point": _mean(points.n_cameras[:, places][found]),
        "points": int(found.sum()),
        "points_missing": int((~found).sum()),
        "segment_cv": segments.variation(points.points_m, recording.skeleton),
    }


def _held_out(recording: Recording, config: TriangulationConfig) -> dict[str, Any]:
    error_px = offline.held_out_px(recording, config)[:, :, recording.skeleton.marker_places]
    per_camera = {
        name: _median(error_px[:, place]) for place, name in enumerate(recording.rig.names)
    }
    n_points = int(np.isfinite(error_px).sum())
    return {"median": _median(error_px), "per_camera": per_camera, "points": n_points}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


def _median(values: np.ndarray) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else float("nan")


def _summary(
    loaded: Loaded, config: ProcessConfig, persons: list[dict[str, Any]], quality: dict[str, Any]
) -> dict[str, Any]:
    recording = loaded.recording
    return {
        "kinelive": metadata.version("kinelive"),
        "input": loaded.name,
        "kind": loaded.kind,
        "calibration": loaded.calibration,
        "cameras": recording.rig.names,
        "skeleton": recording.skeleton.name,
        "rate_hz": recording.rate_hz,
        "frames": len(recording.frames),
        "persons": persons,
        "quality": quality,
        "units": UNITS,
        "settings": msgspec.to_builtins(config),
        "unused_settings": list(loaded.unused_settings),
        "notes": [*loaded.notes, *([] if persons else [NOBODY])],
    }


def _table(summary: dict[str, Any]) -> Table:
    table = Table(title=f"kinelive process {summary['input']}", show_header=False)
    quality = summary["quality"]
    held_out = quality["held_out_camera_px"]
    each = ", ".join(f"{name} {px:.1f}" for name, px in held_out["per_camera"].items())
    table.add_row("error in a held-out camera", f"{held_out['median']:.1f} px median ({each})")
    table.add_row("reprojection", f"{quality['reprojection_px']:.1f} px mean")
    table.add_row("cameras per point", f"{quality['cameras_per_point']:.2f}")
    table.add_row("segment lengths vary by", f"{quality['segment_cv']:.1%}")
    for person in summary["persons"]:
        about = f"{person['frames']} frames, {person['height_m']:.2f} m tall"
        table.add_row(f"person {person['id']}", about)
    return table
