"""The line under a cloud of points whose heights above it are one-sided, and how sure it is.

A pair of clock readings is a point (x, y): device time, and by how much the host's time of receipt
is beyond it. The way to the host only adds, so the clocks' relation is a line that no point
undercuts: it leans on the lower convex hull. Moon, Skelly and Towsley ("Estimation and removal of
clock skew from network delay measurements", INFOCOM 1999) take the line under all points with the
least sum of residuals, the most likely one for exponential delays. Here it is the mean of the same
likelihood over all lines under the points (Pitman's estimator): the smallest squared error of all
that move with the points, without the bias of the extreme line, and with a standard deviation.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

Point = tuple[int, int]
"""x and y in ns, as integers: differences are exact however long a run is."""

_NEGLIGIBLE = 40.0  # e-folds
_SMALL = 1e-3


class Cloud(msgspec.Struct, frozen=True):
    """Points, by what the line needs of them."""

    hull: tuple[Point, ...]
    """The lower convex hull, x rising."""
    n: int
    mean_x_ns: float
    mean_y_ns: float
    """Of y, outliers upwards limited."""


class Line(msgspec.Struct, frozen=True):
    """The line under the points, at one x."""

    x_ns: int = 0
    y_ns: float = 0.0
    slope: float = 0.0
    sd_ns: float = 0.0
    mean_delay_ns: float = 0.0
    """Mean height of the points above it."""

    def at(self, x_ns: int) -> float:
        """Height at another x."""
        return self.y_ns + self.slope * (x_ns - self.x_ns)


class Prior(msgspec.Struct, frozen=True):
    """What is known without the points."""

    max_slope: float
    """Slopes beyond it, either way, are impossible; within it all are alike."""
    mean_delay_ns: float
    weight: float = 2.0
    """Of the mean delay, in points."""
    exponent: float = 1.0
    """The least of n delays is ``mean * n**-exponent``: 1 for exponential delays, less where short
    delays are rarer than that."""


def lower_hull(points: Iterable[Point]) -> tuple[Point, ...]:
    """Lower convex hull of points in the order of x (Andrew's monotone chain, 1979)."""
    hull: list[Point] = []
    for point in points:
        _append(hull, point)
    return tuple(hull)


def extended(hull: tuple[Point, ...], point: Point) -> tuple[Point, ...]:
    """The lower hull with one more point, anywhere."""
    if hull and point[0] < hull[-1][0]:
        return lower_hull(sorted((*hull, point)))
    grown = list(hull)
    _append(grown, point)
    return tuple(grown)


def _append(hull: list[Point], point: Point) -> None:
    x, y = point
    if hull and hull[-1][0] == x:
        if hull[-1][1] <= y:
            return
        hull.pop()
    while len(hull) > 1:
        (x_0, y_0), (x_1, y_1) = hull[-2:]
        if (y_1 - y_0) * (x - x_0) < (y - y_0) * (x_1 - x_0):
            break
        hull.pop()
    hull.append(point)


def line_under(cloud: Cloud, prior: Prior, x_ns: int) -> Line:
    """Mean line under the points, and its standard deviation at ``x_ns``.

    The likelihood of a line is exp(-n * mean height / mean delay) under the points and 0 elsewhere.
    Over the heights of one slope it is integrated at once; over the slopes it is exponential
    between the slopes of the hull's edges, where the line leans on one point.
    """
    pieces, top_ns = _pieces(cloud, prior.max_slope)
    origin_x, origin_y = cloud.hull[-1]
    n = cloud.n
    heights_ns = n * max(cloud.mean_y_ns - origin_y - top_ns, 0.0)
    known = max(n - 2, 0) + prior.weight
    delay_ns = max((heights_ns + prior.weight * prior.mean_delay_ns) / known, 1.0)
    least_ns = delay_ns * n**-prior.exponent
    weight, y_ns, square, slope = _moments(pieces, top_ns, least_ns, x_ns - origin_x)
    mean_ns = y_ns / weight
    variance = max(square / weight - mean_ns * mean_ns, 0.0) + least_ns * least_ns
    return Line(x_ns, origin_y + mean_ns - least_ns, slope / weight, math.sqrt(variance), delay_ns)


_Piece = tuple[float, float, float, float, float, float]
"""A point that the line leans on (x, y), the slopes from the likeliest on to the other end, the
height at the mean x with the likeliest, and how that falls with the slope."""


def _pieces(cloud: Cloud, limit: float) -> tuple[list[_Piece], float]:
    """Points of the hull with the slopes at which the line leans on them; the greatest height."""
    origin_x, origin_y = cloud.hull[-1]
    mean_x = cloud.mean_x_ns - origin_x
    edges = _edges(cloud.hull, limit)
    pieces: list[_Piece] = []
    top = -math.inf
    for (x, y), (low, high) in zip(cloud.hull, pairwise(edges), strict=True):
        if low == high:
            continue
        from_x, from_y = float(x - origin_x), float(y - origin_y)
        arm = mean_x - from_x
        best, other = (high, low) if arm > 0 else (low, high)
        height = from_y + best * arm
        top = max(top, height)
        pieces.append((from_x, from_y, best, other, height, abs(arm)))
    return pieces, top


def _edges(hull: Sequence[Point], limit: float) -> list[float]:
    edges = [-limit]
    for (x_0, y_0), (x_1, y_1) in pairwise(hull):
        edges.append(min(max((y_1 - y_0) / (x_1 - x_0), -limit), limit))
    edges.append(limit)
    return edges


def _moments(
    pieces: list[_Piece], top: float, least: float, x: float
) -> tuple[float, float, float, float]:
    """Integrals over all slopes of the likelihood times 1, y, y squared, and the slope."""
    weight = first = second = slope = 0.0
    for from_x, from_y, best, other, height, arm in pieces:
        fall = (top - height) / least
        if fall > _NEGLIGIBLE:
            continue
        one, two, three = _exponential_moments(arm / least, abs(other - best))
        reach = x - from_x
        y = from_y + best * reach
        towards = math.copysign(1.0, other - best)
        steep = towards * reach
        share = math.exp(-fall)
        weight += share * one
        first += share * (y * one + steep * two)
        second += share * (y * y * one + 2 * y * steep * two + steep * steep * three)
        slope += share * (best * one + towards * two)
    return weight, first, second, slope


def _exponential_moments(rate: float, length: float) -> tuple[float, float, float]:
    """Integrals of exp(-rate * u) times 1, u and u squared, for u from 0 to the length."""
    z = rate * length
    if z < _SMALL:
        return (
            length * (1 - z / 2 + z * z / 6),
            length**2 * (1 / 2 - z / 3 + z * z / 8),
            length**3 * (1 / 3 - z / 4 + z * z / 10),
        )
    left = math.exp(-z)
    return (
        (1 - left) / rate,
        (1 - left * (1 + z)) / rate**2,
        (2 - left * (2 + z * (2 + z))) / rate**3,
    )
