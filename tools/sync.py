"""``kinelive sync``: time offsets between cameras from a person who moves, a flash or a clap."""

import math
import sys
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.table import Table

from core.errors import ConfigError
from core.sync import bursts, synchronise
from core.sync.bursts import Burst
from core.sync.found import Found, Offset
from core.sync.settings import AnyMethod, SyncConfig
from services import project, sync_input, sync_output, sync_videos
from tools.terminal import print_json, result, telling

_CANNOT_TELL = 1
_ABOUT = "_about"


def sync(
    input: Annotated[Path, tyro.conf.Positional],
    method: AnyMethod = "auto",
    reference: str | None = None,
    window_s: float | None = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Find how many frames cameras are apart, from a person who moves, or a flash or a clap.

    An offset is the index in a camera less the index in the reference camera of the same instant:
    5 means that the camera began 5 frames earlier. With a drift it is that of the first frame. The
    uncertainty covers the truth 19 times in 20. Returns 1 when it cannot be told, and says why.

    Args:
        input: a Pose2Sim project (its pose/ is taken), or a session.
        method: epipolar = by the geometry of calibrated cameras, to a fraction of a frame; speed =
            by the keypoints' vertical speeds, without a calibration, much less certain; auto =
            epipolar where there is a calibration; flash = by a light that lights the room, in a
            project's videos, to a frame; clap = by a clap of hands, in the sound of the videos.
        reference: name of the camera that the others are compared with; otherwise the first.
        window_s: how far apart cameras may be at most; 1 second unless said otherwise, and
            anything for flash and clap.
        out: project folder: writes the keypoints as pose-sync/ there, shifted by whole frames; it
            may be the input's. Every other command takes it from there.
        json: print {camera: {offset_frames, offset_s, uncertainty_s, drift_ppm}} as the last line;
            null where it cannot be told.
    """
    config = _config(window_s)
    if method in ("flash", "clap") and not _has_keypoints(input, method):
        return _without_keypoints(input, method, reference, window_s, out, json=json)
    with telling() as tell:
        given = sync_input.load(input, method, tell)
        place = _place(given.views.names, reference)
        if method in ("flash", "clap"):
            seen, rate_hz = sync_videos.load(input, method, given.views.names, tell)
            found = bursts.estimate(seen, rate_hz, method, place, window_s)
        else:
            found = synchronise(given.views, given.rig, method, place, config)
    notes = [*given.notes]
    if out is not None and found.certain:
        notes += sync_output.write(given, found, out)
    _tell(found, notes, json=json)
    if out is not None and not found.certain:
        print(f"nothing is written to {out}", file=sys.stderr)
    elif out is not None and not json:
        result.print(str(out / sync_output.STAGE), soft_wrap=True)
    if json:
        print_json(summary(found, given.first_frame))
    return 0 if found.certain else _CANNOT_TELL


def _config(window_s: float | None) -> SyncConfig:
    if window_s is None:
        return SyncConfig()
    if not 0 < window_s < math.inf:
        raise ConfigError(f"--window-s {window_s}: give seconds, more than 0")
    return SyncConfig(window_s=window_s)


def _has_keypoints(path: Path, method: Burst) -> bool:
    if not project.is_project(path):
        raise ConfigError(f"{path}: --method {method} looks at the videos of a Pose2Sim project")
    return project.has_keypoints(path)


def _without_keypoints(
    path: Path,
    method: Burst,
    reference: str | None,
    window_s: float | None,
    out: Path | None,
    *,
    json: bool,
) -> int:
    """A project of videos alone: there is nothing to shift yet."""
    if out is not None:
        raise ConfigError(f"{path}: no keypoints to write; `kinelive pose VIDEO …` finds them")
    with telling() as tell:
        seen, rate_hz = sync_videos.load(path, method, None, tell)
    names = tuple(one.camera for one in seen)
    found = bursts.estimate(seen, rate_hz, method, _place(names, reference), window_s)
    _tell(found, [], json=json)
    if json:
        print_json(summary(found, 0))
    return 0 if found.certain else _CANNOT_TELL


def _place(names: tuple[str, ...], reference: str | None) -> int:
    if len(names) < 2:
        raise ConfigError(f"only {', '.join(names)} there; two cameras are needed at least")
    if reference is not None and reference not in names:
        raise ConfigError(f"--reference {reference}: no such camera; there are {', '.join(names)}")
    return names.index(reference) if reference else 0


def summary(found: Found, first_frame: int) -> dict[str, Any]:
    """The JSON object: cameras by name, and under ``_about`` how it was found."""
    cameras = {one.camera: _said(one, found.rate_hz) for one in found.offsets}
    about = {
        "method": found.method,
        "reference": found.reference,
        "rate_hz": found.rate_hz,
        "first_frame": first_frame,
        "certain": found.certain,
        "doubts": {one.camera: one.doubt for one in found.offsets if one.doubt},
        "noise_px": found.noise_px,
        "correlation": found.correlation,
        "drift_uncertainty_ppm": {
            one.camera: one.drift_uncertainty_ppm
            for one in found.offsets
            if one.drift_uncertainty_ppm is not None
        },
    }
    return {**cameras, _ABOUT: about}


def _said(one: Offset, rate_hz: float) -> dict[str, float | None]:
    if one.doubt:
        return dict.fromkeys(("offset_frames", "offset_s", "uncertainty_s", "drift_ppm"))
    return {
        "offset_frames": one.offset_frames,
        "offset_s": one.offset_frames / rate_hz,
        "uncertainty_s": one.uncertainty_frames / rate_hz,
        "drift_ppm": one.drift_ppm,
    }


def _tell(found: Found, notes: list[str], *, json: bool) -> None:
    """Notes and doubts to stderr; the table to stdout unless it comes as JSON."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    for one in found.offsets:
        if one.doubt:
            print(f"cannot tell {one.camera}: {one.doubt}", file=sys.stderr)
    if json:
        return
    title = f"{found.method}, against {found.reference}"
    table = Table("camera", "frames", "ms", "± ms", "drift ppm", title=title, title_justify="left")
    for one in found.offsets:
        table.add_row(one.camera, *_cells(one, found.rate_hz))
    result.print(table)


def _cells(one: Offset, rate_hz: float) -> tuple[str, ...]:
    if one.doubt:
        return ("cannot tell", "", "", "")
    ms = 1e3 / rate_hz
    drift = "" if one.drift_ppm is None else f"{one.drift_ppm:+.1f}"
    return (
        f"{one.offset_frames:+.2f}",
        f"{one.offset_frames * ms:+.1f}",
        f"{one.uncertainty_frames * ms:.1f}",
        drift,
    )
