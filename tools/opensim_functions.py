"""OpenSim's functions of one variable as polynomials and cubic Hermite tables, exactly.

A SimmSpline is a cubic Hermite interpolant of its own knots, values and slopes, straight outside.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.kinematics.tree import HERMITE, POLYNOMIAL
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]

_REMEDY = "use `--solver opensim`, or put another function into the model"


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of one variable, taken at ``inner[0] * x + inner[1]``."""

    kind: int
    values: F64
    """Coefficients, constant first; or values at the knots."""
    knots: F64
    slopes: F64
    inner: tuple[float, float] = (1.0, 0.0)

    @property
    def is_constant(self) -> bool:
        """Whether the variable does not matter."""
        return self.kind == POLYNOMIAL and not self.values[1:].any()

    @property
    def is_linear(self) -> bool:
        """Whether it is a straight line, or a constant."""
        return self.kind == POLYNOMIAL and not self.values[2:].any()

    def line(self) -> tuple[float, float]:
        """Slope and intercept of a linear function, ``inner`` put in."""
        slope = float(self.values[1]) if len(self.values) > 1 else 0.0
        return slope * self.inner[0], slope * self.inner[1] + float(self.values[0])

    def times(self, slope: float, intercept: float = 0.0) -> "Function":
        """``slope * f + intercept``."""
        values = slope * self.values
        if self.kind == HERMITE:
            return replace(self, values=values + intercept, slopes=slope * self.slopes)
        values[0] += intercept
        return replace(self, values=values)

    def after(self, first: "Function", what: str) -> "Function":
        """This function of ``first``; ``what`` names it in the error.

        Raises:
            ModelError: neither of the two is linear.
        """
        if first.is_linear:
            slope, intercept = first.line()
            inner = (self.inner[0] * slope, self.inner[0] * intercept + self.inner[1])
            return replace(self, inner=inner)
        if self.is_linear:
            return first.times(*self.line())
        raise ModelError(
            f"{what}: a curved function of a coordinate that itself follows a curve; {_REMEDY}"
        )


def polynomial(*values: float) -> Function:
    """The polynomial of these coefficients, constant first."""
    nothing = np.empty(0)
    return Function(POLYNOMIAL, np.array(values, dtype=np.float64), nothing, nothing)


IDENTITY = polynomial(0.0, 1.0)


def read(function: Any, what: str) -> Function:
    """One of OpenSim's functions; ``what`` names it in the error.

    Raises:
        ModelError: a kind of function that is not known here.
    """
    kind = function.getConcreteClassName()
    if kind == "Constant":
        return polynomial(opensim.Constant.safeDownCast(function).getValue())
    if kind == "LinearFunction":
        line = opensim.LinearFunction.safeDownCast(function)
        return polynomial(line.getIntercept(), line.getSlope())
    if kind == "PolynomialFunction":
        highest_first = opensim.PolynomialFunction.safeDownCast(function).getCoefficients()
        return polynomial(*reversed([highest_first.get(i) for i in range(highest_first.size())]))
    if kind == "MultiplierFunction":
        multiplier = opensim.MultiplierFunction.safeDownCast(function)
        return read(multiplier.getFunction(), what).times(multiplier.getScale())
    if kind == "SimmSpline":
        return _spline(opensim.SimmSpline.safeDownCast(function))
    raise ModelError(f"{what}: functions of kind {kind} are not handled; {_REMEDY}")


def _spline(spline: Any) -> Function:
    knots = np.array([spline.getX(i) for i in range(spline.getSize())])
    first_order = opensim.StdVectorInt()
    first_order.append(0)
    at, values, slopes = opensim.Vector(1, 0.0), [], []
    for knot in knots.tolist():
        at.set(0, knot)
        values.append(spline.calcValue(at))
        slopes.append(spline.calcDerivative(first_order, at))
    return Function(HERMITE, np.array(values), knots, np.array(slopes))


def stacked(functions: list[Function]) -> dict[str, NDArray[Any]]:
    """Fields ``function_...`` of a ``Tree``."""
    width = max([len(one.values) for one in functions], default=1)
    values, knots, slopes = (np.zeros((len(functions), width)) for _ in range(3))
    for number, one in enumerate(functions):
        values[number, : len(one.values)] = one.values
        knots[number, : len(one.knots)] = one.knots
        slopes[number, : len(one.slopes)] = one.slopes
    return {
        "function_kind": np.array([one.kind for one in functions], dtype=np.int64),
        "function_inner": np.array([one.inner for one in functions]).reshape(-1, 2),
        "function_size": np.array([len(one.values) for one in functions], dtype=np.int64),
        "function_values": values,
        "function_knots": knots,
        "function_slopes": slopes,
    }
