"""Settings of ``kinelive process``: defaults here, then the project's, then ``--set key=value``."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from core.config import Fraction, NotNegative, Positive, Settings
from core.errors import ConfigError
from core.process_kinematics import KinematicsConfig
from core.smoothing_config import FilteringConfig, GapsConfig


class AssociationConfig(Settings, frozen=True):
    """Who is who, where a picture holds several people."""

    enabled: bool | Literal["auto"] = "auto"
    """auto: where any picture holds more than one person, or the cameras cannot see the same one.
    false: the surest of each picture."""
    persons: Literal["all", "main"] = "all"
    """main: only the one of whom most was seen, over all frames and cameras."""
    subjects: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    """Only the people of these ids; empty = all."""
    min_seconds: NotNegative = 0.5
    """Who is seen for less is no subject; in a short recording half of it is enough."""
    min_trunk: Fraction = 0.5
    """Nor is who has shoulders and hips known together in less than this part of the frames."""
    min_plausible: Fraction = 0.5
    """Nor who has the proportions of a body in less than this part of them."""


class TriangulationConfig(Settings, frozen=True):
    """Pixels to points."""

    method: Literal["robust", "pose2sim"] = "robust"
    """robust: all cameras with soft weights, lenses corrected, left/right swaps undone.
    pose2sim: its search for cameras to leave out, without lenses and swaps."""
    min_likelihood: Fraction = 0.3
    """Weaker keypoints count as not seen."""
    min_cameras: Annotated[int, msgspec.Meta(ge=2)] = 2
    max_error_px: Positive = 15.0
    """pose2sim: mean reprojection error up to which a point is accepted."""
    robust_px: NotNegative = 0.0
    """robust: reprojection error at which a camera counts half; 0 = taken from the recording, see
    ``core.offline.with_scale``."""
    swap_gain: Fraction = 0.8
    """robust: left and right are exchanged in a camera when that brings its error below this
    part."""


class SyncConfig(Settings, frozen=True):
    """Time offsets between cameras; not part of ``process`` yet."""

    enabled: Literal[False] = False


class ProcessConfig(Settings, frozen=True):
    """All of it."""

    association: AssociationConfig = AssociationConfig()
    triangulation: TriangulationConfig = TriangulationConfig()
    gaps: GapsConfig = GapsConfig()
    filtering: FilteringConfig = FilteringConfig()
    kinematics: KinematicsConfig = KinematicsConfig()
    sync: SyncConfig = SyncConfig()


_SHORTER = {  # of the filter that was the first
    "filtering.cutoff_hz": "filtering.butterworth.cutoff_hz",
    "filtering.order": "filtering.butterworth.order",
}


def known_keys() -> tuple[str, ...]:
    """All settings, as ``section.name`` or ``section.part.name``."""
    return tuple(_leaves(ProcessConfig, ""))


def _leaves(section: type[Settings], prefix: str) -> Iterator[str]:
    for name, kind in get_type_hints(section).items():
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from _leaves(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def build(project: Mapping[str, Any], assignments: Sequence[str] = ()) -> ProcessConfig:
    """Put the settings together; the assignments win over the project's.

    Args:
        project: values by key, as ``core.pose2sim_config`` maps them.
        assignments: ``key=value``; the value as in TOML, quotes may be left out.

    Raises:
        ConfigError: no assignment, an unknown key (the known ones are listed), a wrong value.
    """
    values = dict(project)
    values.update(map(_assigned, assignments))
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    try:
        return msgspec.convert(tree, ProcessConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"settings: {error}{_known_values(str(error))}") from error


def _known_values(message: str) -> str:
    """What the setting that a message is about can be, if it is one of a few names."""
    if "enum value" not in message:
        return ""
    _, _, path = message.partition(" - at `$.")
    kind: Any = ProcessConfig
    for name in path.rstrip("`").split("."):
        kind = get_type_hints(kind)[name.partition("[")[0]]
    options = [kind, *get_args(kind)]
    names = [get_args(option) for option in options if get_origin(option) is Literal]
    return f"; known: {', '.join(str(name) for group in names for name in group)}"


def _assigned(assignment: str) -> tuple[str, Any]:
    key, equals, value = assignment.partition("=")
    key = key.strip()
    if not equals:
        raise ConfigError(f"--set {assignment}: give key=value")
    key = _SHORTER.get(key, key)
    if key not in known_keys():
        raise ConfigError(f"--set {key}: no such setting; known: {', '.join(known_keys())}")
    if key == "sync.enabled" and value.strip() == "true":
        raise ConfigError(f"--set {key}: not part of process yet; leave it out")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()
