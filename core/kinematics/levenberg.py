"""Levenberg-Marquardt within bounds for markers on a body model.

Least squares by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963, the diagonal scaled);
bounds by an active set: coordinates that a step would carry over a bound are put on it and the rest
is solved again (projected Newton, Bertsekas 1982).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from core.kinematics import kernels, kernels_step
from core.kinematics.machine import Machine, empty_pose
from core.kinematics.tree import F64, Bools

_N_TRIES = 14  # of more damping, before a step is given up
_LEAST_DAMPING = 1e-9
_NOTHING_M2 = 1e-20  # gain of cost: marker errors of 0.1 nm
_UNDAMPED = np.array([1e-12, 1e-14])


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
    """rad, m: no coordinate moves further in one step."""
    damping: float = 1e-5
    """First damping, relative to the Hessian's diagonal."""
    floor: float = 1e-12
    """Damping added to the diagonal, so that what no marker sees does not move."""


class _Slope(NamedTuple):
    """First and second derivatives of the cost, filled by ``_evaluator``."""

    hessian: F64
    gradient: F64

    @staticmethod
    def empty(n: int) -> "_Slope":
        return _Slope(np.empty((n, n)), np.empty(n))


def _evaluator(problem: Problem) -> Callable[[F64, float, _Slope], float]:
    """Cost at free coordinates (N,), its derivatives being filled in; 0: those of Gauss-Newton."""
    pose = empty_pose(len(problem.machine.parent))
    given = problem.points_m, problem.weight, problem.pull, problem.target

    def evaluate(q: F64, curved: float, slope: _Slope) -> float:
        return kernels.linearise(problem.machine, pose, q, *given, curved, *slope)

    return evaluate


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the search ended."""

    free: F64
    """(N,)"""
    cost: float
    rounds: int


def minimise(problem: Problem, start: F64, stopping: Stopping) -> Minimum:
    """Search from free coordinates (N,), put within bounds.

    Each round tries Newton's step; where the cost is not convex, or does not fall, steps of
    Gauss-Newton, more and more damped.
    """
    n = len(start)
    here, there = _Slope.empty(n), _Slope.empty(n)
    q, trial = np.clip(start, *problem.bounds), np.empty(n)
    damping = np.array([stopping.damping, stopping.floor])
    evaluate = _evaluator(problem)
    cost = evaluate(q, 1.0, here)
    for rounds in range(stopping.most_rounds):
        after = np.inf
        for attempt in range(_N_TRIES):
            if attempt == 1:
                evaluate(q, 0.0, here)
            fits = kernels_step.bounded_step(
                here.hessian,
                here.gradient,
                q,
                problem.bounds,
                problem.held,
                damping if attempt else _UNDAMPED,
                stopping.longest_move,
                trial,
            )
            after = evaluate(trial, 1.0, there) if fits else np.inf
            if after <= cost:
                damping[0] = max(0.2 * damping[0], _LEAST_DAMPING)
                break
            if attempt:
                damping[0] = max(10.0 * damping[0], 1e-5)
        if not after <= cost:
            return Minimum(q, cost, rounds)
        moved, gained = float(np.abs(trial - q).max()), cost - after
        q, trial, here, there, cost = trial, q, there, here, after
        if moved < stopping.least_move or gained < stopping.least_gain * cost + _NOTHING_M2:
            return Minimum(q, cost, rounds + 1)
    return Minimum(q, cost, stopping.most_rounds)
