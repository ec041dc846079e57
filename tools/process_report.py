"""``report.html`` of ``kinelive process``, and its warnings in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import coordinate_table, trc, verdict
from core.keypoint_words import in_words
from core.kinematics.tree import TRANSLATIONAL
from core.process_config import ProcessConfig
from services.monitor.bundle import BundleError
from services.recordings import Loaded
from services.report import Provenance, Report, ReportPerson, ReportQuality, render
from tools.process_ik import Angles
from tools.process_kinematics import Kinematics, unobserved
from tools.process_markers import Person

F64 = NDArray[np.float64]

FILE = "report.html"
_NECK = (("Neck", "RShoulder"), ("Neck", "LShoulder"))
_STUCK, _AT_LIMIT = 0.2, 1e-3  # part of the frames; rad, m
_LUMBAR = "L5_S1_Flex_Ext"
_BAD_FIT_MM = 40.0  # RMS marker error; networks and keypoints have 25 to 35
_CLOSED = {
    "interpolated": "{} marker positions were interpolated over short gaps",
    "left_out": "{} marker positions outside the sections to keep were left out",
    "filled": "{} marker positions in large gaps are filled in, not measured",
}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One person of the report."""

    person: Person
    kinematics: Kinematics
    said: Mapping[str, Any]
    """What the summary says of them."""


def warnings(shown: Sequence[Shown], config: ProcessConfig) -> list[str]:
    """What a reader must know of each person's results."""
    return [f"Person {one.person.id}: {text}." for one in shown for text in _of_person(one, config)]


def unseen(shown: Sequence[Shown]) -> list[str]:
    """What the markers do not tell; the report has a list of its own for it."""
    texts = []
    for one in shown:
        angles = one.kinematics.angles
        if angles is not None and (names := unobserved(angles)):
            told = ", ".join(_titles(names))
            texts.append(
                f"Person {one.person.id}: the markers do not tell {told}: "
                "these values mean nothing."
            )
    return texts


def of_quality(quality: Mapping[str, Any], picture_px: int) -> list[str]:
    """What the verdict has to complain of."""
    said = _quality(quality, picture_px)
    cameras = dict(said.held_out_per_camera_px)
    judged = (
        verdict.judge(said.held_out_px, said.n_points, 0, picture_px, cameras),
        verdict.judge(0.0, said.n_points, said.n_missing, picture_px),
    )
    texts = [one.reasons[0] for one in judged if one.word != "good"]
    return [*dict.fromkeys(texts), *judged[0].reasons[2:]]


def _of_person(one: Shown, config: ProcessConfig) -> list[str]:
    texts = list(one.kinematics.notes)
    for kind, text in _CLOSED.items():
        if count := one.said["gaps"][kind]:
            texts.append(text.format(count))
    angles, said = one.kinematics.angles, one.said["kinematics"]
    if angles is None or said is None:
        return texts
    if stuck := _stuck(angles):
        texts.append(
            f"{', '.join(_titles(stuck))} at the end of the model's range for a while: "
            "the body went, or the points are, beyond it"
        )
    if config.kinematics.l5s1_weight > 0 and _LUMBAR in angles.tree.coordinates:
        texts.append(
            "lumbar flexion is held near its default, as Pose2Sim does it, and pelvic tilt and hip "
            "flexion take its part; kinematics.l5s1_weight=0 lets it go"
        )
    if said["not_solved"]:
        texts.append(f"{said['not_solved']} frames have too few markers for angles")
    if said["marker_rms_mm"]["mean"] > _BAD_FIT_MM:
        texts.append(
            f"the model fits badly, its markers are {said['marker_rms_mm']['mean']:.0f} mm off: "
            "look at the points before reading any angle"
        )
    return texts


def _stuck(angles: Angles) -> list[str]:
    """Coordinates that a limit stops in many frames, though the markers tell them."""
    tree = angles.tree
    off = np.abs(angles.coordinates[..., None] - tree.limits).min(axis=-1)  # (T, Q)
    stopped = (off < _AT_LIMIT) & tree.clamped & ~angles.unobserved & ~angles.kept[:, None]
    return [tree.coordinates[q] for q in np.flatnonzero(stopped.mean(axis=0) > _STUCK)]


def _titles(coordinates: Sequence[str]) -> list[str]:
    """Coordinates in plain words; one side is named where the other is not among them."""
    sides: dict[str, list[str]] = {}
    for name in coordinates:
        described = coordinate_table.describe(name)
        sides.setdefault(described.title.lower(), []).append(described.side)
    return [
        f"{each[0]} {title}" if each in (["left"], ["right"]) else title
        for title, each in sides.items()
    ]


def write(
    loaded: Loaded, summary: Mapping[str, Any], shown: Sequence[Shown], config: ProcessConfig
) -> tuple[str | None, list[str]]:
    """Text of the report and no notes, or none and why."""
    report = Report(
        title=f"{loaded.name}: joint angles" if _any(shown) else f"{loaded.name}: points",
        input_name=f"{loaded.kind} {loaded.name}, keypoints {loaded.pictures.skeleton.name}",
        persons=tuple(_person(one, int(loaded.pictures.frames[0])) for one in shown),
        quality=_quality(summary["quality"], loaded.picture_px),
        settings=msgspec.to_builtins(config),
        unused_settings=loaded.unused_settings,
        provenance=tuple(
            Provenance(one["stage"], one["method"], one["version"], 1e3 * one["seconds"])
            for one in summary["provenance"]
        ),
        warnings=(*(f"{note}." for note in summary["notes"]), *warnings(shown, config)),
    )
    try:
        return render(report), []
    except BundleError as error:
        return None, [f"no {FILE}: {error}"]


def _any(shown: Sequence[Shown]) -> bool:
    return any(one.kinematics.angles is not None for one in shown)


def _quality(quality: Mapping[str, Any], picture_px: int) -> ReportQuality:
    held_out = quality["held_out_camera_px"]
    return ReportQuality(
        held_out_px=held_out["median"],
        held_out_per_camera_px=held_out["per_camera"],
        reprojection_px=quality["reprojection_px"],
        cameras_per_point=quality["cameras_per_point"],
        n_points=quality["points"],
        n_missing=quality["points_missing"],
        never_given=tuple(in_words(quality["never_given"])),
        segment_cv=quality["segment_cv"],
        picture_px=picture_px,
    )


def _person(one: Shown, first_frame: int) -> ReportPerson:
    person, skeleton = one.person, one.person.skeleton
    said = one.said["kinematics"]
    bones = tuple((skeleton.names[a], skeleton.names[b]) for a, b in skeleton.bones)
    return ReportPerson(
        id=person.id,
        rate_hz=person.rate_hz,
        times_s=(person.frames - first_frame) / person.rate_hz,
        markers=skeleton.markers,
        points_m=trc.from_world(person.points_m[:, skeleton.marker_places]),
        bones=bones if any(set(pair) == set(_NECK[0]) for pair in bones) else (*bones, *_NECK),
        height_m=said["height_m"] if said else one.said["height_m"],
        mass_kg=said["mass_kg"] if said else float("nan"),
        **_coordinates(one.kinematics.angles),
    )


def _coordinates(angles: Angles | None) -> dict[str, Any]:
    if angles is None:
        return {}
    tree = angles.tree
    factor = np.where(tree.coordinate_kind == TRANSLATIONAL, 1.0, np.rad2deg(1.0))
    rms_mm = 1e3 * np.sqrt(_mean_of(angles.error_m**2))
    return {
        "coordinates": tree.coordinates,
        "values": factor * angles.coordinates,
        "sd": np.where(np.isfinite(angles.sd), factor * angles.sd, np.nan),
        "observed": ~(angles.unobserved | angles.kept[:, None]),
        "error_mm": 1e3 * angles.rms_m,
        "marker_error_mm": dict(zip(angles.task.markers, rms_mm.tolist(), strict=True)),
    }


def _mean_of(values: F64) -> F64:
    """Mean (M,) of the columns of (T, M) without NaN; NaN for an empty one."""
    there = np.isfinite(values)
    counts = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
