"""Who of those that were followed through a recording is written: the subjects.

Somebody seen for a moment, something that is no body, and a bystander of whom too little can be
reconstructed are left out, and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from core import bodies, offline
from core.anatomy import Anatomy, anatomy_of, objection
from core.config import FusionConfig
from core.errors import ConfigError
from core.offline import Recording
from core.offline_people import Pictures, Tell, Track, associate, say_nothing
from core.process_config import AssociationConfig, ProcessConfig, TriangulationConfig

SEVERAL = (
    "several people in one picture, and association is off: in each camera the one with the "
    "largest mean likelihood was taken"
)
_NO_SCALE_PX = 1e9
_N_NAMED = 10
_SHARE_OF_SHORT = 0.5  # in a recording shorter than twice ``min_seconds`` half of it is enough


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """The people of a recording, by id in order of first appearance."""

    recordings: dict[int, Recording]
    notes: tuple[str, ...] = ()
    """Who was left out and why."""


def find(
    pictures: Pictures, fusion: FusionConfig, config: ProcessConfig, tell: Tell = say_nothing
) -> Subjects:
    """Tell the people of a recording apart.

    Where every picture holds one person at most, and all of them can be the same, there is nothing
    to associate: no detection is thrown away.

    Raises:
        ConfigError: people that are asked for and are not there; association of a keypoint set
            that cannot be fused.
    """
    wanted, refused = config.association.enabled, objection(pictures.skeleton.name)
    if wanted is True and refused:
        raise ConfigError(f"association.enabled=true: {refused}")
    together = Subjects({1: pictures.surest()}, (SEVERAL,) if pictures.is_crowded else ())
    if wanted is False:
        found = together
    elif refused:
        notes = [f"{note}; {refused}" for note in together.notes]
        found = Subjects(together.recordings, tuple(notes))
    elif wanted is True or pictures.is_crowded:
        found = _apart(pictures, fusion, config, tell)
    elif pictures.is_associated:
        found = together
    elif strangers := _strangers(together.recordings[1], fusion.claim_gate_m, config.triangulation):
        found = _apart(pictures, fusion, config, tell)
        note = (
            f"{', '.join(strangers)}: what is seen lies more than {fusion.claim_gate_m:g} m from "
            "what the other cameras see; this was taken for different people, not for one "
            "(association.enabled=false); if there was one person, calibrate again"
        )
        recordings = found.recordings or together.recordings
        found = Subjects(recordings, (note, *found.notes))
    else:
        found = together
    return _chosen(found, config.association)


def _apart(pictures: Pictures, fusion: FusionConfig, config: ProcessConfig, tell: Tell) -> Subjects:
    fusion = msgspec.structs.replace(
        fusion, min_confidence=config.triangulation.min_likelihood, alignment="grouped"
    )
    kept, notes = _judged(associate(pictures, fusion, tell), pictures, config.association)
    return Subjects({track.id: pictures.of(track) for track in kept}, notes)


def _strangers(recording: Recording, gate_m: float, config: TriangulationConfig) -> list[str]:
    """Cameras whose keypoints mostly lie further than that from where the others put them.

    Pixels count as metres at the depth of the point, as in association.
    """
    plain = msgspec.structs.replace(config, method="robust", robust_px=_NO_SCALE_PX)
    upright = offline.put_right(recording, plain)
    error_px = offline.held_out_px(upright, plain)
    points_m = offline.triangulate_all(upright, plain).points_m
    rig, names = recording.rig, []
    for place, name in enumerate(rig.names):
        to_cam = rig.cam_from_world[place]
        depth_m = points_m @ to_cam[2, :3] + to_cam[2, 3]
        error_m = error_px[:, place] * depth_m / rig.image_from_cam[place, 0, 0]
        there = error_m[np.isfinite(error_m)]
        if len(there) and np.median(there) > gate_m:
            names.append(name)
    return names


def _judged(
    tracks: Sequence[Track], pictures: Pictures, config: AssociationConfig
) -> tuple[list[Track], tuple[str, ...]]:
    """Those that are people, renumbered from 1, and a word on each of the others."""
    kept: list[Track] = []
    left_out: list[str] = []
    for track in tracks:
        if why := _against(track, pictures, config):
            rows = list(track.sightings)
            first, last = pictures.frames[min(rows)], pictures.frames[max(rows)]
            left_out.append(f"left out: somebody in {len(rows)} of frames {first}-{last}: {why}")
        else:
            kept.append(replace(track, id=len(kept) + 1))
    if len(left_out) > _N_NAMED:
        more = f"left out: {len(left_out) - _N_NAMED} more of that kind"
        left_out = [*left_out[:_N_NAMED], more]
    return kept, tuple(left_out)


def _against(track: Track, pictures: Pictures, config: AssociationConfig) -> str:
    """Why somebody is no subject; empty where they are one."""
    anatomy = anatomy_of(pictures.skeleton.name)
    n_needed = config.min_seconds * pictures.rate_hz
    n_needed = min(n_needed, _SHARE_OF_SHORT * len(pictures.frames))
    if len(track.sightings) < n_needed:
        seen_s = len(track.sightings) / pictures.rate_hz
        return f"seen for {seen_s:.2f} s (association.min_seconds={config.min_seconds:g})"
    trunk = _share(track, lambda points_m: _is_trunk_known(points_m, anatomy))
    if trunk < config.min_trunk:
        return (
            f"shoulders and hips known together in {trunk:.0%} of them "
            f"(association.min_trunk={config.min_trunk:g})"
        )
    plausible = _share(track, lambda points_m: bodies.is_plausible(points_m, anatomy))
    if plausible < config.min_plausible:
        return (
            f"the proportions of a body in {plausible:.0%} of them "
            f"(association.min_plausible={config.min_plausible:g})"
        )
    return ""


def _share(track: Track, holds: Callable[[np.ndarray], bool]) -> float:
    """Part of the frames that show somebody in which something holds for the points (J, 3)."""
    points = (one.measured_m.astype(np.float64) for one in track.sightings.values())
    return float(np.mean([holds(points_m) for points_m in points]))


def _is_trunk_known(points_m: np.ndarray, anatomy: Anatomy) -> bool:
    return bool(np.isfinite(points_m[anatomy.trunk, 0]).all())


def _chosen(found: Subjects, config: AssociationConfig) -> Subjects:
    """Those that the settings ask for."""
    recordings = found.recordings
    unknown = [number for number in config.subjects if number not in recordings]
    if unknown:
        there = ", ".join(map(str, recordings)) or "nobody"
        raise ConfigError(
            f"association.subjects: no person {', '.join(map(str, unknown))}; found: {there}"
        )
    if config.subjects:
        recordings = {who: recordings[who] for who in recordings if who in config.subjects}
    if config.persons == "main" and len(recordings) > 1:
        amount = {who: float(one.likelihood.sum()) for who, one in recordings.items()}
        main = max(amount, key=lambda who: amount[who])
        others = (
            f"person {who} ({amount[who] / amount[main]:.0%} as much)"
            for who in amount
            if who != main
        )
        told = f"association.persons=main: person {main} is seen most; not written: "
        return Subjects({main: recordings[main]}, (*found.notes, told + ", ".join(others)))
    return Subjects(recordings, found.notes)
