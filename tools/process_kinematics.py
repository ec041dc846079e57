"""The stages behind the points in ``kinelive process``: markers, scaling, inverse kinematics.

What cannot be computed for a person is said in a note; the points are written all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import AssetError, KineliveError
from core.kinematics.augment import Networks
from core.process_config import ProcessConfig
from core.process_kinematics import KinematicsConfig
from services import marker_networks
from tools import process_ik, process_markers, process_scaling
from tools.process_ik import Angles
from tools.process_markers import Followed, Person
from tools.process_scaling import ScaledModel, Scaler
from tools.process_stages import Stages

OFF = "joint angles: "
_MOSTLY = 0.5  # of the frames


@dataclass(frozen=True, slots=True, eq=False)
class Kinematics:
    """How far one person came."""

    followed: Followed | None = None
    model: ScaledModel | None = None
    angles: Angles | None = None
    placed: dict[str, Any] | None = None
    """What placing the markers did."""
    notes: tuple[str, ...] = ()


NOTHING = Kinematics()


def check(config: KinematicsConfig) -> None:
    """Refuse what cannot be, before anything long begins.

    Raises:
        ConfigError: a height or mass that nobody has, a file that is not there.
    """
    process_markers.check_subjects(config)
    process_scaling.own_files(config)


def compute(
    persons: Iterable[Person], config: ProcessConfig, stages: Stages, scaler: Scaler
) -> tuple[dict[int, Kinematics], list[str]]:
    """Joint angles of everybody, and notes on all of them together."""
    everybody, settings = list(persons), config.kinematics
    if not settings.enabled or not everybody:
        return {}, []
    if refused := process_markers.refusal(everybody[0].skeleton):
        return {}, [f"{OFF}none, for {refused}"]
    with stages.stage("augmentation", _followed(settings)):
        networks, notes = _networks(settings)
    found: dict[int, Kinematics] = {}
    for person in everybody:
        scaler.start()
        found[person.id] = _of_person(person, networks, config, stages, scaler)
    return found, notes


def _networks(config: KinematicsConfig) -> tuple[Networks | None, list[str]]:
    if not config.augment:
        return None, []
    try:
        return marker_networks.load(), []
    except AssetError as error:
        return None, [f"no anatomical markers, the model follows the keypoints: {error}"]


def _of_person(
    person: Person,
    networks: Networks | None,
    config: ProcessConfig,
    stages: Stages,
    scaler: Scaler,
) -> Kinematics:
    reached = NOTHING
    try:
        for step in _steps(person, networks, config, stages, scaler):
            reached = step
    except KineliveError as error:
        return replace(reached, notes=(*reached.notes, f"{OFF}none: {error}"))
    return reached


def _steps(
    person: Person,
    networks: Networks | None,
    config: ProcessConfig,
    stages: Stages,
    scaler: Scaler,
) -> Iterable[Kinematics]:
    """What there is after each stage."""
    settings = config.kinematics
    stages.tell("markers", 0, 0)
    with stages.stage("augmentation", _followed(settings)):
        followed = process_markers.follow(person, networks, settings)
    reached = Kinematics(followed, notes=followed.notes)
    yield reached
    stages.tell("scaling the model", 0, 0)
    with stages.stage("scaling", f"ModelScaler, model {_model(settings)}", "opensim"):
        model = scaler.scale(followed)
    reached = replace(reached, model=model, notes=(*reached.notes, *_of_scaling(model)))
    yield reached
    package = "opensim" if settings.solver == "opensim" else "kinelive"
    with stages.stage("inverse kinematics", settings.solver, package):
        angles, model, placed = process_ik.solve(followed.table, model, settings, stages.tell)
    if settings.filter_angles:
        with stages.stage("filtering angles", settings.filter_type):
            angles = process_ik.filtered(angles, followed.table, settings, config.filtering)
    yield replace(reached, model=model, angles=angles, placed=placed)


def _followed(config: KinematicsConfig) -> str:
    return "two LSTM networks, OpenCap 0.3" if config.augment else "none, keypoints"


def _model(config: KinematicsConfig) -> str:
    return config.osim or config.model


def _of_scaling(model: ScaledModel) -> list[str]:
    if not model.said.unknown:
        return []
    bodies = ", ".join(model.said.unknown)
    return [f"no markers to scale {bodies} by; they have the model's size"]


def unobserved(angles: Angles) -> list[str]:
    """Coordinates that the markers do not tell in most frames."""
    often = (angles.unobserved | angles.kept[:, None]).mean(axis=0) > _MOSTLY
    return [angles.tree.coordinates[q] for q in np.flatnonzero(often)]


def summary(one: Kinematics, config: KinematicsConfig) -> dict[str, Any] | None:
    """What ``summary.json`` says of a person's joint angles; None where there are none."""
    if one.followed is None or one.model is None or one.angles is None:
        return None
    angles, subject = one.angles, one.followed.subject
    rms_mm = 1e3 * angles.rms_m[np.isfinite(angles.rms_m)]
    worst = np.unravel_index(np.nanargmax(angles.error_m), angles.error_m.shape)
    return {
        "model": _model(config),
        "follows": "keypoints" if one.followed.augmented is None else "anatomical markers",
        "markers": len(angles.task.markers),
        "solver": config.solver,
        "height_m": subject.height_m,
        "height_from": one.followed.height_from,
        "mass_kg": subject.mass_kg,
        "marker_rms_mm": {
            "mean": float(rms_mm.mean()),
            "p95": float(np.percentile(rms_mm, 95)),
            "worst": float(rms_mm.max()),
        },
        "worst_marker": angles.task.markers[worst[1]],
        "worst_marker_mm": 1e3 * float(angles.error_m[worst]),
        "not_solved": int(angles.kept.sum()),
        "unobserved": unobserved(angles),
        "scale_factors": one.model.said.factors,
        "not_scaled": list(one.model.said.unknown),
        "registration": one.placed,
    }
