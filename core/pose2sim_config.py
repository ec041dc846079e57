"""A Pose2Sim project's ``Config.toml``: what of it we use, and the names of all the rest."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError
from core.skeletons import Skeleton, of_pose_model

_MAPPED = {
    "triangulation.reproj_error_threshold_triangulation": "triangulation.max_error_px",
    "triangulation.likelihood_threshold_triangulation": "triangulation.min_likelihood",
    "triangulation.min_cameras_for_triangulation": "triangulation.min_cameras",
    "triangulation.interpolation": "gaps.interpolation",
    "triangulation.interp_if_gap_smaller_than": "gaps.longest_gap_frames",
    "triangulation.sections_to_keep": "gaps.sections_to_keep",
    "triangulation.min_chunk_size": "gaps.min_section_frames",
    "triangulation.fill_large_gaps_with": "gaps.fill_large",
    "filtering.filter": "filtering.enabled",
    "filtering.reject_outliers": "filtering.reject_outliers",
    "filtering.type": "filtering.type",
    "filtering.butterworth.cut_off_frequency": "filtering.butterworth.cutoff_hz",
    "filtering.butterworth.order": "filtering.butterworth.order",
    "filtering.butterworth_on_speed.cut_off_frequency": "filtering.butterworth_on_speed.cutoff_hz",
    "filtering.butterworth_on_speed.order": "filtering.butterworth_on_speed.order",
    "filtering.kalman.trust_ratio": "filtering.kalman.trust_ratio",
    "filtering.kalman.smooth": "filtering.kalman.smooth",
    "filtering.one_euro.cut_off_frequency": "filtering.one_euro.cutoff_hz",
    "filtering.one_euro.beta": "filtering.one_euro.beta",
    "filtering.one_euro.d_cut_off_frequency": "filtering.one_euro.speed_cutoff_hz",
    "filtering.gcv_spline.cut_off_frequency": "filtering.gcv_spline.cutoff_hz",
    "filtering.gcv_spline.smoothing_factor": "filtering.gcv_spline.smoothing_factor",
    "filtering.acc_minimizing.cut_off_frequency": "filtering.acc_minimizing.cutoff_hz",
    "filtering.LOESS.nb_values_used": "filtering.loess.n_values",
    "filtering.loess.nb_values_used": "filtering.loess.n_values",
    "filtering.gaussian.sigma_kernel": "filtering.gaussian.sd_frames",
    "filtering.median.kernel_size": "filtering.median.window_frames",
    "project.participant_height": "kinematics.height_m",
    "project.participant_mass": "kinematics.mass_kg",
    "kinematics.use_simple_model": "kinematics.model",
    "kinematics.use_augmentation": "kinematics.augment",
    "kinematics.right_left_symmetry": "kinematics.symmetric",
    "kinematics.default_height": "kinematics.default_height_m",
    "kinematics.large_hip_knee_angles": "kinematics.upright_deg",
    "kinematics.trimmed_extrema_percent": "kinematics.trimmed_percent",
    "kinematics.filter_ik": "kinematics.filter_angles",
    "kinematics.ik_filter_type": "kinematics.filter_type",
}
_SPELT: dict[str, dict[Any, Any]] = {
    "triangulation.interpolation": {"slinear": "linear"},
    "filtering.type": {"LOESS": "loess"},  # as the comment in its own Config.toml writes it
    "kinematics.ik_filter_type": {"LOESS": "loess"},
    "kinematics.use_simple_model": {True: "simple", False: "muscles"},
    "project.participant_height": {"auto": 0.0},
}
_RATE, _RANGE, _MODEL = "project.frame_rate", "project.frame_range", "pose.pose_model"
_MULTI = "project.multi_person"
_EXCLUDED = "project.exclude_from_batch"  # see ``services.trials``


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What a project says that we honour."""

    rate_hz: float | None
    """None: that of the videos."""
    skeleton: Skeleton
    frames: range | None
    """None: all."""
    process: dict[str, Any]
    """Settings of ``core.process_config`` by ``section.name``."""
    unused: tuple[str, ...]
    """Keys that change nothing here, in the order of the file."""


def parse(texts: Sequence[str], where: str) -> ProjectConfig:
    """Read a project's settings; ``where`` names the file in errors.

    Args:
        texts: the ``Config.toml`` of the project and of the folders it lies in, outermost first:
            a later one wins, key by key.
        where: the file's name for errors.

    Raises:
        ConfigError: not TOML, no or an unknown ``pose.pose_model``, a rate or range that is none.
    """
    values: dict[str, Any] = {}
    for text in texts:
        try:
            values.update(_flat(tomllib.loads(text)))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{where}: not TOML: {error}") from error
    if _MODEL not in values:
        raise ConfigError(f"{where}: {_MODEL} is missing; it says what the keypoints are")
    try:
        skeleton = of_pose_model(str(values[_MODEL]))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return ProjectConfig(
        rate_hz=_rate(values.get(_RATE, "auto"), where),
        skeleton=skeleton,
        frames=_range(values.get(_RANGE, "auto"), where),
        process={
            **{
                ours: _ours(theirs, values[theirs])
                for theirs, ours in _MAPPED.items()
                if theirs in values
            },
            **_persons(values, where),
        },
        unused=tuple(key for key in values if not _is_used(key)),
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_used(key: str) -> bool:
    return key in (_RATE, _RANGE, _MODEL, _MULTI, _EXCLUDED) or key in _MAPPED


def _persons(values: Mapping[str, Any], where: str) -> dict[str, str]:
    """Whether everybody is wanted or the main person; nothing where the project does not say."""
    match values.get(_MULTI):
        case None:
            return {}
        case bool(several):
            return {"association.persons": "all" if several else "main"}
        case other:
            raise ConfigError(f"{where}: {_MULTI} = {other!r}; give true or false")


def _ours(key: str, value: Any) -> Any:
    """A project's value as we spell it."""
    if isinstance(value, list):
        return [_ours(key, one) for one in value]
    return _SPELT.get(key, {}).get(value, value) if isinstance(value, str | bool) else value


def _rate(value: Any, where: str) -> float | None:
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"{where}: {_RATE} = {value!r}; give frames a second, or 'auto'")
    return float(value)


def _range(value: Any, where: str) -> range | None:
    """Frames of a project; like Pose2Sim's, the range ends before its last number."""
    if value in ("auto", "all", []):
        return None
    match value:
        case [int(first), int(end)] if 0 <= first < end:
            return range(first, end)
        case _:
            raise ConfigError(f"{where}: {_RANGE} = {value!r}; give [first, end], 'all' or 'auto'")
