"""``kinelive calibrate refine``: cameras that agree with what they saw of people."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.table import Table

from core.calibration import exchange, people, scale
from core.calibration.people import ALL, Outcome, Views
from core.cameras import CameraModel, Rig
from core.errors import CalibrationError, ConfigError
from core.offline import Recording
from core.offline_people import associate
from services import calibration_files, recordings
from services.calibration_report import place_of
from services.recordings import Loaded
from tools.calibrate_report import save
from tools.calibrate_report_people import of_refine
from tools.terminal import print_json, progress, result, telling

_LEAST_SIGHTINGS = 20


def refine(
    source: Annotated[Path, tyro.conf.Positional],
    out: Path,
    scale: str = "keep",
    initial: Literal["given", "none"] = "given",
    focal: bool = False,
    report: Path | None = None,
    json: bool = False,
) -> int:
    """Make the cameras agree with what they saw of people: turn and move them until it fits.

    For a rig whose cameras were knocked, or whose calibration was never good. Somebody walks where
    all cameras see them, half a minute or more; the input is a project folder or session with the
    2D keypoints of that. The cameras are fitted to the even instants. At the odd ones each
    keypoint is triangulated without one camera and compared with what that camera saw, before and
    after. Only if that error falls the calibration is written; otherwise exit code 1.

    Keypoints tell neither size nor place. Kept are the mean place and orientation of the cameras
    and their distances, unless a height or a distance is given. Each network has its own idea of
    where a joint is; this makes the cameras agree about it, which no board does, and cannot
    replace a board where millimetres of the body's surface matter.

    With --initial none the cameras' places are found from nothing, with the lenses of the
    calibration in the input (that of `kinelive calibrate intrinsics` will do). One person, and
    a height or baseline; z is the person's mean up, which is good to a degree.

    Args:
        source: project folder or session with 2D keypoints, and a calibration.
        out: the calibration to be written, Calib.toml as Pose2Sim has it.
        scale: keep; height=M, how tall the person is who is seen most, in metres; or
            baseline=CAMERA-CAMERA=M, a distance that was measured.
        initial: given = begin with the calibration of the input; none = find the cameras.
        focal: also seek the focal lengths; then the size is known less well, so give a height.
        report: also write a page that shows how good the cameras are now, and why: people as the
            scored half sees them, before and after, each keypoint, the cameras in the room. A
            name.html, or a folder, which gets a calibration.html. Also where nothing is written.
        json: print one JSON object as the last line.
    """
    if report:
        place_of(report)
    known = _scale(scale, initial)
    with telling() as tell:
        loaded = recordings.load(source, tell)
        if initial == "given":
            _require_no_exchange(loaded)
        found = _people(loaded, from_nothing=initial == "none", tell=tell)
    if initial == "none":
        rig = loaded.pictures.rig
        outcome = people.from_nothing(rig, found[0], known, loaded.picture_px, focal=focal)
    else:
        outcome = people.refine(loaded.pictures.rig, found, known, focal=focal)
    models = _models(outcome.rig, loaded.models)
    if outcome.is_better:
        calibration_files.write(out, models, "pose2sim")
    _say(outcome, out)
    if report:
        before = loaded.pictures.rig if initial == "given" else None
        save(report, of_refine(loaded.name, before, outcome, models, _odd(found, outcome)))
    if json:
        print_json(_row(outcome, out))
    return 0 if outcome.is_better else 1


def _scale(text: str, initial: str) -> scale.Scale:
    known = scale.parse(text)
    if initial == "none" and known.is_kept:
        raise ConfigError("from nothing the size is not known: --scale height=M or baseline=A-B=M")
    return known


def _require_no_exchange(loaded: Loaded) -> None:
    found = exchange.in_pictures(loaded.pictures, people.MIN_LIKELIHOOD, loaded.picture_px)
    if found:
        raise CalibrationError(f"{loaded.calibration}: {found}")


def _people(loaded: Loaded, *, from_nothing: bool, tell: Any) -> list[Recording]:
    """One recording of each person, first the one of whom most was seen."""
    pictures = loaded.pictures
    if from_nothing or pictures.is_associated or not pictures.is_crowded:
        if from_nothing and pictures.is_crowded:
            progress.print("several people in a picture: the surest of each is taken")
        return [loaded.recording]
    tracks = [
        track
        for track in associate(pictures, loaded.fusion, tell)
        if len(track.sightings) >= _LEAST_SIGHTINGS
    ]
    if not tracks:
        return [loaded.recording]
    tracks.sort(key=lambda track: -sum(1 for _ in track.detections()))
    return [pictures.of(track) for track in tracks]


def _odd(found: Sequence[Recording], outcome: Outcome) -> list[Views]:
    """The scored half, left and right as the final cameras tell them apart."""
    if outcome.before_px is None:
        found = [replace(found[0], rig=outcome.rig)]
    return people.halves(found)[1]


def _models(rig: Rig, models: Mapping[str, CameraModel]) -> list[CameraModel]:
    return [
        replace(
            models[name],
            image_from_cam=rig.image_from_cam[number],
            cam_from_world=rig.cam_from_world[number],
        )
        for number, name in enumerate(rig.names)
    ]


def _row(outcome: Outcome, out: Path) -> dict[str, object]:
    names = outcome.rig.names
    return {
        "held_out_camera_px": {"before": outcome.before_px, "after": outcome.after_px},
        "shift_m": dict(zip(names, outcome.moved_m.tolist(), strict=True)),
        "shift_deg": dict(zip(names, outcome.turned_deg.tolist(), strict=True)),
        "fitted_instants": outcome.n_fitted,
        "scored_instants": outcome.n_scored,
        "scale": str(outcome.scale),
        "accepted": outcome.is_better,
        "written": str(out) if outcome.is_better else None,
    }


def _say(outcome: Outcome, out: Path) -> None:
    table = Table("camera", "before px", "after px", "moved mm", "turned deg", box=None)
    before = outcome.before_px or {}
    moved_mm = dict(zip(outcome.rig.names, 1e3 * outcome.moved_m, strict=True))
    turned = dict(zip(outcome.rig.names, outcome.turned_deg, strict=True))
    for name in (*outcome.rig.names, ALL):
        numbers = (before.get(name, np.nan), outcome.after_px[name])
        shifts = (moved_mm.get(name, np.nan), turned.get(name, np.nan))
        table.add_row(name, *(_figure(n, 1) for n in numbers), _figure(shifts[0], 0),
                      _figure(shifts[1], 2))  # fmt: skip
    progress.print(table)
    progress.print(
        f"error in a held-out camera, median; fitted to {outcome.n_fitted} instants, scored on "
        f"{outcome.n_scored} others; scale: {outcome.scale}"
    )
    if outcome.is_better:
        result.print(f"written: {out}", soft_wrap=True)
    elif outcome.before_px is None:
        progress.print("the cameras do not agree about the person: nothing is written")
    else:
        progress.print("no better than before in a camera that took no part: nothing is written")


def _figure(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"
