"""Settings of ``kinelive process``: defaults here, then the project's, then ``--set key=value``."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from core.config import Fraction, NotNegative, Positive, Settings
from core.errors import ConfigError


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


class FilteringConfig(Settings, frozen=True):
    """Smoothing over the whole recording: a Butterworth filter run forwards and backwards."""

    enabled: bool = True
    cutoff_hz: Positive = 6.0
    order: Literal[2, 4, 6, 8] = 4
    """Of both directions together."""


class KinematicsConfig(Settings, frozen=True):
    """Joint angles; not part of ``process`` yet."""

    enabled: Literal[False] = False


class SyncConfig(Settings, frozen=True):
    """Time offsets between cameras; not part of ``process`` yet."""

    enabled: Literal[False] = False


class ProcessConfig(Settings, frozen=True):
    """All of it."""

    association: AssociationConfig = AssociationConfig()
    triangulation: TriangulationConfig = TriangulationConfig()
    filtering: FilteringConfig = FilteringConfig()
    kinematics: KinematicsConfig = KinematicsConfig()
    sync: SyncConfig = SyncConfig()


def known_keys() -> tuple[str, ...]:
    """All settings, as ``section.name``."""
    sections = get_type_hints(ProcessConfig).items()
    return tuple(f"{name}.{key}" for name, section in sections for key in section.__struct_fields__)


def build(project: Mapping[str, Any], assignments: Sequence[str] = ()) -> ProcessConfig:
    """Put the settings together; the assignments win over the project's.

    Args:
        project: values by ``section.name``, as ``core.pose2sim_config`` maps them.
        assignments: ``section.name=value``; the value as in TOML, quotes may be left out.

    Raises:
        ConfigError: no assignment, an unknown key (the known ones are listed), a wrong value.
    """
    values = dict(project)
    values.update(map(_assigned, assignments))
    tree: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = value
    try:
        return msgspec.convert(tree, ProcessConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"settings: {error}") from error


def _assigned(assignment: str) -> tuple[str, Any]:
    key, equals, value = assignment.partition("=")
    key = key.strip()
    if not equals:
        raise ConfigError(f"--set {assignment}: give key=value")
    if key not in known_keys():
        raise ConfigError(f"--set {key}: no such setting; known: {', '.join(known_keys())}")
    if key in ("kinematics.enabled", "sync.enabled") and value.strip() == "true":
        raise ConfigError(f"--set {key}: not part of process yet; leave it out")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()
