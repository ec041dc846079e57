"""What the inverse kinematics follows: a person's anatomical markers, or the keypoints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core import segments, trc
from core.anatomy import limbs_missing
from core.errors import ConfigError, ModelError
from core.kinematics import augment, augment_inputs
from core.kinematics.augment import AugmentConfig, Networks, Subject
from core.kinematics.augment_inputs import HALVES, INPUTS, MARKERS
from core.process_kinematics import KinematicsConfig
from core.skeletons import Skeleton
from core.trc import Trc

F64 = NDArray[np.float64]

_MIDDLES = (("Hip", "RHip", "LHip"), ("Neck", "RShoulder", "LShoulder"))
_UPPER_ONLY = "the markers of the {} body cannot be had, for there is no {}"
_MOSTLY = 0.5  # of the frames


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's points as they are written."""

    id: int
    skeleton: Skeleton
    rate_hz: float
    frames: NDArray[np.int64]  # (T,)
    points_m: F64  # (T, J, 3) world, Z up, NaN where missing


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Markers of one person for the model."""

    table: Trc
    """Keypoints, and the anatomical markers behind them, Y up."""
    augmented: Trc | None
    """The anatomical markers alone."""
    upright: NDArray[np.intp]
    """Frames to scale the model in."""
    subject: Subject
    height_from: str
    """given, segments or default."""
    notes: tuple[str, ...] = ()


def refusal(skeleton: Skeleton) -> str:
    """Why a keypoint set gives no joint angles; empty where it does."""
    if skeleton.name.startswith("ANIMAL"):
        return f"{skeleton.name} is not of people, and the body models are"
    lacking = limbs_missing(skeleton)
    return f"keypoint set {skeleton.name} has no {', '.join(lacking)}" if lacking else ""


def check_subjects(config: KinematicsConfig) -> None:
    """Refuse heights and masses that nobody has.

    Raises:
        ConfigError: one of them.
    """
    for name, values in (("height_m", config.height_m), ("mass_kg", config.mass_kg)):
        for value in values if isinstance(values, Sequence) else (values,):
            height_m = value if name == "height_m" and value else config.default_height_m
            mass_kg = value if name == "mass_kg" else 70.0
            try:
                augment.subject(height_m, mass_kg)
            except ConfigError as error:
                raise ConfigError(f"kinematics.{name}: {error}") from error


def follow(person: Person, networks: Networks | None, config: KinematicsConfig) -> Followed:
    """Put together what the model follows; ``networks`` None: the keypoints.

    Raises:
        ModelError: height from the segments that nobody has.
    """
    height_m, height_from = _height(person, config)
    try:
        subject = augment.subject(height_m, config.mass_of(person.id))
    except ConfigError as error:
        raise ModelError(f"{error}; this is not a body, or the points are not in metres") from error
    keypoints = _keypoints(person)
    usable = np.isfinite(segments.bend_rad(person.points_m, person.skeleton))
    large_rad = np.deg2rad(config.upright_deg)
    upright = segments.upright(person.points_m, person.skeleton, usable, large_rad)
    upright = upright if len(upright) else np.arange(len(person.frames))
    followed = Followed(keypoints, None, upright, subject, height_from, _of_height(height_from))
    return followed if networks is None else _augmented(person, followed, networks)


def _height(person: Person, config: KinematicsConfig) -> tuple[float, str]:
    if given_m := config.height_of(person.id):
        return given_m, "given"
    estimated_m = segments.height_m(
        person.points_m, person.skeleton, np.deg2rad(config.upright_deg), config.trimmed_share
    )
    if np.isfinite(estimated_m):
        return estimated_m, "segments"
    return config.default_height_m, "default"


def _of_height(height_from: str) -> tuple[str, ...]:
    if height_from != "default":
        return ()
    return ("the height is not known from the points; give kinematics.height_m",)


def _keypoints(person: Person) -> Trc:
    """The set's markers, and mid hip and neck where the set has none."""
    skeleton = person.skeleton
    names, places = list(skeleton.markers), skeleton.marker_places
    columns = [person.points_m[:, place] for place in places]
    for middle, a, b in _MIDDLES:
        if middle not in names:
            sides = [person.points_m[:, skeleton.index(name)] for name in (a, b)]
            names.append(middle)
            columns.append(0.5 * (sides[0] + sides[1]))
    points_m = np.stack(columns, axis=1)
    return trc.of_world(points_m, tuple(names), person.rate_hz, person.frames)


def _augmented(person: Person, followed: Followed, networks: Networks) -> Followed:
    source = augment_inputs.source_of(augment_inputs.given(person.skeleton.names, person.points_m))
    lacking = {half.name: source.lacking_for(half) for half in HALVES}
    if lacking["lower"]:
        note = (
            f"no anatomical markers: {person.skeleton.name} has no {', '.join(lacking['lower'])}, "
            "which the networks need; the model follows the keypoints"
        )
        return replace(followed, notes=(*followed.notes, note))
    times_ns = [round(frame * 1e9 / person.rate_hz) for frame in person.frames.tolist()]
    inputs_m = augment_inputs.gather(source, person.points_m)
    track = augment.track(times_ns, inputs_m, networks, followed.subject, AugmentConfig())
    names = [name for half in HALVES if not lacking[half.name] for name in half.gives]
    places = [MARKERS.index(name) for name in names]
    markers_m = track.markers_m[:, places]
    n_empty = int((~np.isfinite(markers_m[..., 0]).any(axis=1)).sum())
    if n_empty > _MOSTLY * len(markers_m):
        often = [INPUTS[place] for place in np.flatnonzero(track.missing.mean(axis=0) > _MOSTLY)]
        note = (
            "no anatomical markers in most frames, where keypoints are missing"
            f"{': ' if often else ''}{', '.join(often)}; the model follows the keypoints"
        )
        return replace(followed, notes=(*followed.notes, note))
    own = trc.of_world(markers_m, tuple(names), person.rate_hz, person.frames)
    return replace(
        followed,
        table=_joined(followed.table, own),
        augmented=own,
        notes=(*followed.notes, *_notes(source, lacking["upper"], n_empty)),
    )


def _notes(source: augment_inputs.Source, no_arms: Sequence[str], n_empty: int) -> list[str]:
    notes = []
    if toes := [name for name in source.derived if name.endswith("SmallToe")]:
        notes.append(
            f"{' and '.join(toes)} are not in the keypoints; they were put beside the rest of the "
            "foot, approximately: read ankle and subtalar angles with care"
        )
    if no_arms:
        notes.append(_UPPER_ONLY.format("upper", ", ".join(no_arms)))
    if n_empty:
        notes.append(f"no anatomical markers in {n_empty} frames, for keypoints are missing there")
    return notes


def _joined(one: Trc, other: Trc) -> Trc:
    points_m = np.concatenate([one.points_m, other.points_m], axis=1)
    return replace(one, markers=(*one.markers, *other.markers), points_m=points_m)
