"""A model's coordinates: which are free, and what the others are as functions of those."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from tools.opensim_functions import IDENTITY, Function, polynomial, read
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Expression:
    """What a coordinate is: a function of one free coordinate, or a constant."""

    source: int
    """Among the free coordinates; -1 for a constant."""
    function: Function


@dataclass(frozen=True, slots=True)
class Coordinates:
    """All coordinates of a model, in its order."""

    each: tuple[Any, ...]
    names: tuple[str, ...]
    free: tuple[str, ...]
    expressions: Mapping[str, Expression]
    clamped: NDArray[np.bool_]
    locked: NDArray[np.bool_]

    def bounds(self) -> tuple[F64, F64]:
        """Bounds (N,) of the free coordinates: their own, and those of coordinates coupled to them.

        A coordinate that is coupled by a curve does not bound the one it follows.

        Raises:
            ModelError: no value is within all of them.
        """
        lower, upper = np.full(len(self.free), -np.inf), np.full(len(self.free), np.inf)
        for coordinate, clamped in zip(self.each, self.clamped, strict=True):
            expression = self.expressions[coordinate.getName()]
            slope, intercept = expression.function.line()
            if (
                not clamped
                or expression.source < 0
                or not expression.function.is_linear
                or not slope
            ):
                continue
            ends = (coordinate.getRangeMin(), coordinate.getRangeMax())
            low, high = sorted((end - intercept) / slope for end in ends)
            n = expression.source
            lower[n], upper[n] = max(lower[n], low), min(upper[n], high)
        for name, low, high in zip(self.free, lower, upper, strict=True):
            if low > high:
                raise ModelError(f"{name}: no value is within its range and those coupled to it")
        return lower, upper


def read_coordinates(model: Any, state: Any) -> Coordinates:
    """Read the coordinates of a model whose system is initialised.

    Raises:
        ModelError: a constraint other than a coupler of two coordinates; a prescribed coordinate.
    """
    coordinates = model.getCoordinateSet()
    each = tuple(coordinates.get(i) for i in range(coordinates.getSize()))
    locked = np.array([one.getLocked(state) for one in each], dtype=bool)
    for one in each:
        if one.isPrescribed(state):
            raise ModelError(
                f"{one.getName()}: is prescribed over time; lock it or free it in the model"
            )
    couplers = _couplers(model, state)
    constants = {
        one.getName(): one.getValue(state)
        for one, is_locked in zip(each, locked, strict=True)
        if is_locked
    }
    names = tuple(one.getName() for one in each)
    free = tuple(name for name in names if name not in couplers and name not in constants)
    return Coordinates(
        each,
        names,
        free,
        {name: _expression(name, free, constants, couplers) for name in names},
        np.array([one.getClamped(state) for one in each], dtype=bool),
        locked,
    )


def _couplers(model: Any, state: Any) -> dict[str, tuple[str, Function]]:
    """By dependent coordinate: the other one, and the function of it."""
    couplers: dict[str, tuple[str, Function]] = {}
    constraints = model.getConstraintSet()
    for constraint in (constraints.get(i) for i in range(constraints.getSize())):
        if not constraint.isEnforced(state):
            continue
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraint)
        name = constraint.getName()
        if coupler is None:
            kind = constraint.getConcreteClassName()
            raise ModelError(
                f"constraint {name}: the kind {kind} is not handled; switch it off in the model"
                " (isEnforced), or use `--solver opensim`"
            )
        sources = coupler.getIndependentCoordinateNames()
        if sources.getSize() != 1:
            raise ModelError(
                f"constraint {name}: couples to {sources.getSize()} coordinates and only one is"
                " handled; use `--solver opensim`"
            )
        scale = opensim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor"))
        function = read(coupler.getFunction(), f"constraint {name}").times(scale)
        couplers[coupler.getDependentCoordinateName()] = (sources.get(0), function)
    return couplers


def _expression(
    name: str,
    free: tuple[str, ...],
    constants: Mapping[str, float],
    couplers: Mapping[str, tuple[str, Function]],
    asked: tuple[str, ...] = (),
) -> Expression:
    if name in asked:
        raise ModelError(f"coordinates coupled in a ring: {', '.join(asked)}; cut it in the model")
    if name in constants:
        return Expression(-1, polynomial(constants[name]))
    if name not in couplers:
        return Expression(free.index(name), IDENTITY)
    source, function = couplers[name]
    first = _expression(source, free, constants, couplers, (*asked, name))
    return Expression(first.source, function.after(first.function, name))
