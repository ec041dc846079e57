"""Levenberg-Marquardt within bounds for markers on a body model.

Least squares by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963, the diagonal scaled);
bounds by an active set: coordinates that a step would carry over a bound are put on it and the rest
is solved again (projected Newton, Bertsekas 1982).
"""

from dataclasses import dataclass

import numpy as np

from core.kinematics import kernels, kernels_step
from core.kinematics.machine import Machine, empty_pose
from core.kinematics.tree import F64, Bools

_N_TRIES = 14  # of more damping, before a step is given up
_LEAST_DAMPING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Half the sum of weighted squares of marker errors and of distances from a target."""

    machine: Machine
    points_m: F64
    """(M, 3)"""
    weight: F64
    """(M, 3, 3); zero for a marker that is missing."""
    pull: F64
    """(N,) weights of the distance from ``target``."""
    target: F64
    """(N,)"""
    bounds: F64
    """(2, N)"""
    held: Bools
    """(N,) coordinates that stay where they are."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """When the search is over, and how boldly it goes."""

    most_rounds: int = 60
    least_move: float = 1e-6
    """rad, m: a step in which no coordinate moves by more ends it."""
    least_gain: float = 1e-9
    """A step that improves the cost by less than this share ends it."""
    longest_move: float = 0.5
    """rad, m: longer steps are shortened."""
    damping: float = 1e-5
    """First damping, relative to the Hessian's diagonal."""
    floor: float = 1e-10
    """Damping added to the diagonal, so that what no marker sees does not move."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the search ended."""

    free: F64
    """(N,)"""
    cost: float
    rounds: int


def minimise(problem: Problem, start: F64, stopping: Stopping) -> Minimum:
    """Search from free coordinates (N,), put within bounds."""
    n = len(start)
    pose = empty_pose(len(problem.machine.parent))
    given = problem.points_m, problem.weight, problem.pull, problem.target
    here, there = (np.empty((n, n)), np.empty(n)), (np.empty((n, n)), np.empty(n))
    q, trial = np.clip(start, *problem.bounds), np.empty(n)
    damping = np.array([stopping.damping, stopping.floor])
    cost = kernels.linearise(problem.machine, pose, q, *given, *here)
    for rounds in range(stopping.most_rounds):
        for _ in range(_N_TRIES):
            fits = kernels_step.bounded_step(
                *here, q, problem.bounds, problem.held, damping, stopping.longest_move, trial
            )
            after = np.inf
            if fits:
                after = kernels.linearise(problem.machine, pose, trial, *given, *there)
            if after <= cost:
                break
            damping[0] = max(10.0 * damping[0], 1e-5)
        else:
            return Minimum(q, cost, rounds)
        damping[0] = max(0.2 * damping[0], _LEAST_DAMPING)
        moved, gained = float(np.abs(trial - q).max()), cost - after
        q, trial, here, there, cost = trial, q, there, here, after
        if moved < stopping.least_move or gained < stopping.least_gain * cost:
            return Minimum(q, cost, rounds + 1)
    return Minimum(q, cost, stopping.most_rounds)
