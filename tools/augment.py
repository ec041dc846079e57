"""``kinelive augment``: anatomical markers for the keypoints of a .trc, whole or frame by frame."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from core import trc
from core.errors import ConfigError, SessionError
from core.kinematics import augment as augmentation
from core.kinematics import augment_inputs
from core.kinematics.augment import AugmentConfig, Track
from core.kinematics.augment_inputs import HALVES, INPUTS, MARKERS, Half, Source
from core.trc import Trc
from services import marker_networks
from tools.terminal import print_json, progress, result

_SNAP_FRAMES = 0.2  # times nearer to the rate's grid than this lie on it: they were rounded
_APPROXIMATE = ("RSmallToe", "LSmallToe")


def augment(
    input: Annotated[Path, tyro.conf.Positional],
    height: float,
    mass: float,
    out: Path,
    live: bool = False,
    keep_input: bool = False,
    json: bool = False,
) -> int:
    """Write the 43 markers that the marker networks put on a body, for the keypoints of a .trc.

    Same rows as the input, no filter, no shift. Keypoints that are missing for up to 250 ms are
    bridged; where they are missing for longer the markers are too. Returns 1 when no frame has any.

    Args:
        input: the keypoints, Y up, named as Pose2Sim names them.
        height: stature of the person in metres.
        mass: mass of the person in kilograms.
        out: the .trc to write.
        live: frame by frame, as the live chain does; the numbers are the same.
        keep_input: write the input's own markers too, before the others, as Pose2Sim does.
        json: print a summary as one JSON object, the last line.
    """
    person = augmentation.subject(height, mass)
    table = read(input)
    source = augment_inputs.source_of(augment_inputs.given(table.markers, table.points_m))
    halves = _possible(source, table, input)
    networks = marker_networks.load(progress=progress.print)
    inputs_m = augment_inputs.gather(source, trc.to_world(table.points_m))
    run = augmentation.each if live else augmentation.track
    track = run(times_ns(table, input), inputs_m, networks, person, AugmentConfig())
    _write(_with_markers(table, track, halves, keep_input=keep_input), out)
    summary = _summary(table, source, track, halves) | {"trc": str(out), "live": live}
    _tell(summary, json=json)
    return 0 if summary["frames_with_markers"] else 1


def read(path: Path) -> Trc:
    """Read a .trc.

    Raises:
        SessionError: it cannot be read, or is none.
    """
    try:
        return trc.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{path}: cannot be read: {error}") from error
    except SessionError as error:
        raise SessionError(f"{path}: {error}") from error


def times_ns(table: Trc, path: Path) -> list[int]:
    """Capture times of the rows: on the grid of the file's rate where they are that but rounded.

    Raises:
        SessionError: they do not rise.
    """
    times_s = table.times_s
    if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
        raise SessionError(f"{path}: the times of its rows do not rise from row to row")
    if len(times_s) and table.rate_hz > 0:
        frames = (times_s - times_s[0]) * table.rate_hz
        whole = np.round(frames)
        if (np.abs(frames - whole) <= _SNAP_FRAMES).all() and (np.diff(whole) >= 1).all():
            times_s = whole / table.rate_hz
    return [round(one * 1e9) for one in times_s]


def _possible(source: Source, table: Trc, path: Path) -> list[Half]:
    """Halves of the body whose inputs are there."""
    possible = [half for half in HALVES if not source.lacking_for(half)]
    if possible:
        return possible
    lacking = "; ".join(f"{half.name}: {', '.join(source.lacking_for(half))}" for half in HALVES)
    raise ConfigError(
        f"{path}: neither half of the body has the keypoints it needs. Missing for {lacking}. "
        f"There are: {', '.join(table.markers) or 'none'}"
    )


def _with_markers(table: Trc, track: Track, halves: Sequence[Half], *, keep_input: bool) -> Trc:
    """The rows of the input with the markers of the halves."""
    names = tuple(name for half in halves for name in half.gives)
    places = [MARKERS.index(name) for name in names]
    markers_m = trc.from_world(track.markers_m[:, places])
    if not keep_input:
        return replace(table, markers=names, points_m=markers_m)
    kept = [place for place, name in enumerate(table.markers) if name not in names]
    both_m = np.concatenate([table.points_m[:, kept], markers_m], axis=1)
    return replace(
        table, markers=(*(table.markers[place] for place in kept), *names), points_m=both_m
    )


def _write(table: Trc, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(trc.write(table, out.name), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error}; name another --out") from error


def _summary(table: Trc, source: Source, track: Track, halves: Sequence[Half]) -> dict[str, Any]:
    there = np.isfinite(track.markers_m[..., 0])
    skipped = {half.name: source.lacking_for(half) for half in HALVES if half not in halves}
    return {
        "frames": len(table.frames),
        "frames_with_markers": int(there.any(axis=1).sum()),
        "markers": sum(len(half.gives) for half in halves),
        "rate_hz": table.rate_hz,
        "derived": list(source.derived),
        "skipped": {name: list(lacking) for name, lacking in skipped.items()},
        "bridged": _counts(track.held),
        "missing": {
            name: count
            for name, count in _counts(track.missing).items()
            if name not in source.lacking
        },
    }


def _counts(flags: np.ndarray) -> dict[str, int]:
    """Frames by input, of those that have any."""
    counts = flags.sum(axis=0)
    return {INPUTS[number]: int(counts[number]) for number in np.flatnonzero(counts)}


def _tell(summary: dict[str, Any], *, json: bool) -> None:
    for name in summary["derived"]:
        how = "the rest of the foot, approximately" if name in _APPROXIMATE else "both sides"
        print(f"note: {name} is not in the file; derived from {how}", file=sys.stderr)
    for half, lacking in summary["skipped"].items():
        print(f"note: {half} body skipped: no {', '.join(lacking)}", file=sys.stderr)
    for what in ("bridged", "missing"):
        for name, count in summary[what].items():
            print(f"note: {name} {what} in {count} of {summary['frames']} frames", file=sys.stderr)
    if json:
        print_json(summary)
        return
    result.print(f"{summary['markers']} markers in {summary['frames_with_markers']} frames")
    result.print(summary["trc"], soft_wrap=True)
