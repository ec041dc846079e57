"""Who of those that were followed through a recording is written: the subjects.

Somebody seen for a moment, something that is no body, and a bystander of whom too little can be
reconstructed are left out, and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from core import bodies
from core.anatomy import Anatomy, anatomy_of, objection
from core.config import FusionConfig
from core.errors import ConfigError
from core.offline import Recording
from core.offline_people import Pictures, Tell, Track, associate, say_nothing
from core.process_config import AssociationConfig, ProcessConfig

SEVERAL = (
    "several people in one picture, and association is off: in each camera the one with the "
    "largest mean likelihood was taken"
)
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

    Where every picture holds one person at most there is nothing to associate: no detection is
    thrown away.

    Raises:
        ConfigError: people that are asked for and are not there; association of a keypoint set
            that cannot be fused.
    """
    refused = objection(pictures.skeleton.name)
    if config.association.enabled is True and refused:
        raise ConfigError(f"association.enabled=true: {refused}")
    if not _is_asked_for(pictures, config.association):
        notes = (SEVERAL,) if pictures.is_crowded else ()
        return _chosen({1: pictures.surest()}, config.association, notes)
    if refused:
        return _chosen({1: pictures.surest()}, config.association, (f"{SEVERAL}; {refused}",))
    fusion = msgspec.structs.replace(
        fusion, min_confidence=config.triangulation.min_likelihood, alignment="grouped"
    )
    tracks = associate(pictures, fusion, tell)
    kept, notes = _judged(tracks, pictures, config.association)
    recordings = {track.id: pictures.of(track) for track in kept}
    return _chosen(recordings, config.association, notes)


def _is_asked_for(pictures: Pictures, config: AssociationConfig) -> bool:
    return pictures.is_crowded if config.enabled == "auto" else config.enabled


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


def _chosen(
    recordings: dict[int, Recording], config: AssociationConfig, notes: tuple[str, ...]
) -> Subjects:
    """Those that the settings ask for."""
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
        return Subjects({main: recordings[main]}, (*notes, told + ", ".join(others)))
    return Subjects(recordings, notes)
