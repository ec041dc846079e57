"""What goes out of a solved frame: OpenSim's coordinates, and where the upper arms point."""

from dataclasses import dataclass

import numpy as np

from core.kinematics import forward, shoulder
from core.kinematics.ik import Observed, Solution
from core.kinematics.ik_task import Task
from core.kinematics.settings import IkConfig, RatesConfig
from core.kinematics.tree import F64, TRANSLATIONAL, Bools, Tree
from core.messages import AnglesStatus


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The coordinates (Q,) of ``names``; see ``core.messages.PersonAngles``."""

    status: AnglesStatus
    value: F64
    sd: F64
    observed: Bools
    rms_m: float


def names(tree: Tree) -> tuple[str, ...]:
    """All that is given: the model's coordinates in its order, then the shoulders'."""
    return (*tree.coordinates, *shoulder.names(tree))


def kinds(tree: Tree, config: RatesConfig) -> tuple[F64, F64]:
    """Density of the acceleration (Q,), and 2 pi for each coordinate that is an angle, else 0."""
    shifts = np.zeros(len(names(tree)), dtype=np.bool_)
    shifts[: len(tree.coordinates)] = tree.coordinate_kind == TRANSLATIONAL
    density = np.where(shifts, config.density_m2_s3, config.density_rad2_s3)
    return density, np.where(shifts, 0.0, 2 * np.pi)


def unknown(wanted: tuple[str, ...], status: AnglesStatus) -> Measured:
    """Nothing measured: no number that looks so."""
    n = len(wanted)
    nothing = np.full(n, np.nan)
    return Measured(status, nothing, np.full(n, np.inf), np.zeros(n, np.bool_), float("nan"))


def measured(solution: Solution, observed: Observed, task: Task, config: IkConfig) -> Measured:
    """The coordinates of a frame; unknown where it could not be solved."""
    if solution.status not in ("found", "tracked"):
        return unknown(names(task.tree), solution.status)
    value, sd, seen = solution.coordinates, solution.sd, ~solution.unobserved
    if shoulder.names(task.tree):
        pose = forward.pose_of(task.machine, solution.free)
        arms_rad = shoulder.angles_rad(task.tree, pose)
        arms_sd = shoulder.sd_rad(
            arms_rad, observed.points_m, _variance(observed, config), task.markers
        )
        value, sd = np.concatenate([value, arms_rad]), np.concatenate([sd, arms_sd])
        seen = np.concatenate([seen, arms_sd <= config.unobserved_sd_rad])
    return Measured(solution.status, value, sd, seen, solution.rms_m)


def _variance(observed: Observed, config: IkConfig) -> F64:
    """Of each marker (M,), along one axis, what the model leaves included; m²."""
    assert observed.covariance_m2 is not None
    mean: F64 = np.trace(observed.covariance_m2, axis1=1, axis2=2) / 3
    return mean + config.marker_sd_m**2
