"""Markers in, joint coordinates out. Live, offline and replay call the same ``step``.

The least of OpenSim's own cost by Levenberg-Marquardt, from the previous frame on. The body is
found on a frame that has all core markers, from four headings and a neutral pose; a wrong start
would stay wrong for the whole run. Coordinates that the markers say nothing of are held.

The markers' information on the coordinates is J^T C^-1 J, C the markers' covariance and
``marker_sd_m`` squared. Its inverse is the covariance that the best estimate can have
(Cramér-Rao): from its diagonal come ``sd`` and what is called unobserved. The information of a
coordinate by itself says whether it is held: a joint in gimbal lock is unobserved but not held, one
whose markers lie on its axis is both.
"""

from dataclasses import replace
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from core import freezing
from core.jit import plain
from core.kinematics import forward, kernels, kernels_step
from core.kinematics.ik_task import IkConfig, Task, near, shifted
from core.kinematics.levenberg import Minimum, Problem, Stopping, minimise
from core.kinematics.machine import empty_pose
from core.kinematics.tree import F64, Bools

Status = Literal["waiting", "found", "tracked", "kept"]

_PULL_TO_NEUTRAL = 1e-4
_SEARCH = Stopping(300, 1e-5, 1e-9, 0.3, 1e-2)
_FINISH = Stopping(300, 1e-6, 1e-10, 0.1, 1e-3)
_BETTER = 0.99  # a search's result replaces the previous pose if its cost is less than this share
_SAME_M2 = 1e-10  # cost: marker errors of 0.01 mm
_EYE = np.eye(3)
_WEAKEST = 1e-2  # information every coordinate has: a standard deviation of 10 rad or m


class IkState(msgspec.Struct, frozen=True):
    """All that the inverse kinematics remembers."""

    free: F64 = msgspec.field(default_factory=lambda: np.empty(0))
    """(N,) of the last frame that was solved; empty before the first."""
    held: F64 = msgspec.field(default_factory=lambda: np.empty(0))
    """(N,) 1 for coordinates to hold in the next frame."""
    missed: int = 0
    """Frames since the last that was solved."""
    doubtful: bool = False
    """The body is to be found again on the next frame that has all core markers."""
    since_search: int = 0


class Observed(msgspec.Struct, frozen=True):
    """Markers of one frame in the order of the task, Y up."""

    points_m: F64
    """(M, 3), NaN where missing."""
    covariance_m2: F64 | None = None
    """(M, 3, 3)"""


class Solution(msgspec.Struct, frozen=True):
    """Coordinates of one frame."""

    status: Status
    """waiting: the body was not found yet, all is NaN. kept: too few markers, the values are
    those of the last frame that was solved."""
    coordinates: F64
    """(Q,) rad, m in the model's order."""
    sd: F64
    """(Q,) rad, m; see the module. Infinite where the markers of this frame say nothing, 0 where
    a coordinate cannot move."""
    unobserved: Bools
    """(Q,)"""
    free: F64
    """(N,)"""
    error_m: F64
    """(M,) distance of each marker from the model's, NaN where missing."""
    cost: float
    rounds: int

    @property
    def rms_m(self) -> float:
        """Root mean square of the marker errors, as OpenSim prints it."""
        seen = self.error_m[np.isfinite(self.error_m)]
        return float(np.sqrt((seen**2).mean())) if len(seen) else float("nan")


def step(
    state: IkState, observed: Observed, task: Task, config: IkConfig
) -> tuple[IkState, Solution]:
    """Solve one frame."""
    present = _present(observed)
    complete = bool(present[task.core].all())
    started = len(state.free) > 0
    if not started and not complete:
        return state, _waiting(task)
    if present.mean() < config.least_present:
        missed = state.missed + 1
        doubtful = state.doubtful or missed >= config.lost_after
        after = msgspec.structs.replace(state, missed=missed, doubtful=doubtful)
        return after, _kept(state, observed, task)
    search = not started or (state.doubtful and complete)
    problem = _problem(state, observed, present, task, config, prior=not search)
    if search:
        minimum = _find(problem, state, present, task)
    else:
        minimum = minimise(problem, state.free, _warm(config))
    return _concluded(state, minimum, observed, present, task, config, searched=search)


def _warm(config: IkConfig) -> Stopping:
    return Stopping(config.most_rounds, config.least_move, config.least_gain)


def _present(observed: Observed) -> Bools:
    present: Bools = np.all(np.isfinite(observed.points_m), axis=1)
    if observed.covariance_m2 is not None:
        present = present & np.all(np.isfinite(observed.covariance_m2), axis=(1, 2))
    return present


def _problem(
    state: IkState,
    observed: Observed,
    present: Bools,
    task: Task,
    config: IkConfig,
    *,
    prior: bool,
) -> Problem:
    n = len(task.pull)
    weight = task.weight * present
    if config.use_covariance:
        weights = weight[:, None, None] * _precision(observed, present, config)
        weights *= 3.0 / np.trace(weights, axis1=1, axis2=2).sum()
    else:
        weights = (weight / weight.sum())[:, None, None] * _EYE
    pull, target = task.pull, task.tree.free_default
    if prior and config.prior_weight > 0:
        previous = ~task.root & (task.pull == 0)
        pull = np.where(previous, config.prior_weight, pull)
        target = np.where(previous, state.free, target)
    held = state.held > 0 if len(state.held) else np.zeros(n, dtype=np.bool_)
    points_m = np.where(present[:, None], observed.points_m, 0.0)
    return Problem(task.machine, points_m, weights, pull, target, task.bounds, held)


def _precision(observed: Observed, present: Bools, config: IkConfig) -> F64:
    """Inverse covariances (M, 3, 3) of the markers, zero where missing."""
    own_m2 = config.marker_sd_m**2
    if observed.covariance_m2 is None:
        return present[:, None, None] * (_EYE / own_m2)
    covariance_m2 = own_m2 * _EYE + np.where(present[:, None, None], observed.covariance_m2, 0.0)
    inverse: F64 = np.linalg.inv(covariance_m2).astype(np.float64)
    return present[:, None, None] * inverse


def _find(problem: Problem, state: IkState, present: Bools, task: Task) -> Minimum:
    """The best of all starting poses; the previous pose where none is better."""
    free_to_move = replace(problem, held=np.zeros_like(problem.held))
    pull = np.where(task.root | (task.pull > 0), 0.0, _PULL_TO_NEUTRAL) + task.pull
    best: Minimum | None = None
    if len(state.free):
        best = minimise(free_to_move, state.free, _FINISH)
    for neutral in task.neutral:
        target = np.where(task.pull > 0, task.tree.free_default, neutral)
        gentle = replace(free_to_move, pull=pull, target=target)
        start = shifted(task, neutral, problem.points_m, present)
        reached = minimise(gentle, start, _SEARCH)
        reached = minimise(free_to_move, reached.free, _FINISH)
        if best is None or reached.cost < _BETTER * best.cost - _SAME_M2:
            best = reached
    assert best is not None
    previous = state.free if len(state.free) else np.zeros(len(best.free))
    return replace(best, free=near(task, best.free, previous))


def _concluded(
    state: IkState,
    minimum: Minimum,
    observed: Observed,
    present: Bools,
    task: Task,
    config: IkConfig,
    *,
    searched: bool,
) -> tuple[IkState, Solution]:
    outcome = _outcome(minimum.free, observed, present, task, config)
    solution = _solution(minimum, observed, outcome, task, config, searched=searched)
    since = 0 if searched else state.since_search + 1
    is_far_off = solution.rms_m > config.lost_error_m and since >= config.retry_after
    after = IkState(
        free=minimum.free,
        held=(outcome.own < config.held_sd_rad**-2.0).astype(np.float64),
        doubtful=is_far_off or (state.doubtful and not searched),
        since_search=since,
    )
    return after, solution


class _Outcome(NamedTuple):
    """What follows from the free coordinates that were found."""

    own: F64  # (N,) information of each by itself
    variance: F64  # (N,) of each, all others unknown
    places_m: F64  # (M, 3) of the model's markers
    values: F64  # (Q,) all coordinates
    rates: F64  # (Q,) derivative of each by the free one it follows


def _outcome(
    free: F64, observed: Observed, present: Bools, task: Task, config: IkConfig
) -> _Outcome:
    m, n, n_all = task.machine, len(free), len(task.machine.coordinate_source)
    matrix, unused, variance = np.empty((n, n)), np.empty(n), np.empty(n)
    places_m, values, rates = np.empty((len(present), 3)), np.empty(n_all), np.empty(n_all)
    points_m = np.where(present[:, None], observed.points_m, 0.0)
    precision = _precision(observed, present, config)
    pose, q = empty_pose(len(m.parent)), plain(free)
    kernels.outcome(m, pose, q, points_m, precision, matrix, unused, places_m, values, rates)
    own = matrix.diagonal().copy()
    matrix.ravel()[:: n + 1] += _WEAKEST
    kernels_step.inverse_diagonal(matrix, variance)
    variance = np.where(own > 0, variance, np.inf)
    return _Outcome(own, variance, places_m, values, rates)


def _solution(
    minimum: Minimum,
    observed: Observed,
    outcome: _Outcome,
    task: Task,
    config: IkConfig,
    *,
    searched: bool,
) -> Solution:
    source = task.machine.coordinate_source
    moves = (source >= 0) & (outcome.rates != 0)
    sd = np.abs(outcome.rates) * np.sqrt(np.where(moves, outcome.variance[source], 0.0))
    off_m = outcome.places_m - observed.points_m
    return Solution(
        status="found" if searched else "tracked",
        coordinates=outcome.values,
        sd=sd,
        unobserved=sd > config.unobserved_sd_rad,
        free=minimum.free,
        error_m=np.sqrt((off_m * off_m).sum(axis=1)),
        cost=minimum.cost,
        rounds=minimum.rounds,
    )


def _waiting(task: Task) -> Solution:
    unknown = np.full(len(task.tree.coordinates), np.nan)
    nothing = np.full(len(task.markers), np.nan)
    blank = Minimum(np.full(len(task.pull), np.nan), np.nan, 0)
    return _unsolved("waiting", blank, unknown, nothing)


def _kept(state: IkState, observed: Observed, task: Task) -> Solution:
    if not len(state.free):
        return _waiting(task)
    values, _ = forward.all_coordinates(task.machine, state.free)
    off_m = forward.markers_m(task.machine, state.free) - observed.points_m
    error_m = np.linalg.norm(off_m, axis=1)
    return _unsolved("kept", Minimum(state.free, np.nan, 0), values, error_m)


def _unsolved(status: Status, minimum: Minimum, coordinates: F64, error_m: F64) -> Solution:
    return Solution(
        status=status,
        coordinates=coordinates,
        sd=np.full(len(coordinates), np.inf),
        unobserved=np.ones(len(coordinates), dtype=np.bool_),
        free=minimum.free,
        error_m=error_m,
        cost=minimum.cost,
        rounds=minimum.rounds,
    )


def freeze(state: IkState) -> bytes:
    """Whole state as MessagePack; ``thaw`` gives back the same bits."""
    return freezing.freeze(state)


def thaw(raw: bytes) -> IkState:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return freezing.thaw(raw, IkState)
