"""Filters that weigh nearness to the samples against smoothness of the curve.

Both minimise Σ (y - g)² + λ · roughness. Time counts in samples, whatever the frame rate, and λ
belongs to a cut-off frequency by λ = (rate / 2π cut-off)⁴: there an amplitude is about halved.

scipy's ``make_smoothing_spline`` is the same spline, and the tests compare both. Its own choice of
λ by generalised cross-validation is not used: it searches between 0 and the number of samples, so
that the result depends on the unit of time (with seconds it is nonsense) and the largest
smoothing on the length of the run, and its stopping rule depends on the size of the values. Here λ
is searched on a grid of frequencies: neither units nor offsets change the choice.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from core.runs import over_runs

F64 = NDArray[np.float64]

_LOWEST_HZ, _HIGHEST_HZ = 1.0, 30.0
_N_LAMBDAS = 64
_SHORTEST_SPLINE = 5
_SHORTEST_WHITTAKER = 3


def lambda_of(rate_hz: float, cutoff_hz: float | F64) -> F64:
    """Weight of the roughness that halves amplitudes at the cut-off, for time in samples."""
    return np.asarray((rate_hz / (2 * np.pi * np.asarray(cutoff_hz))) ** 4)


def acc_minimizing(values: F64, rate_hz: float, cutoff_hz: float) -> F64:
    """Smooth (T, ...) with the roughness Σ (second difference)², the acceleration.

    Whittaker, On a new method of graduation, 1923; Eilers, A perfect smoother, Analytical
    Chemistry 75, 2003. It needs no continuation beyond the ends: a straight line stays one.

    Args:
        values: NaN where missing; runs between NaN are smoothed on their own.
        rate_hz: samples a second.
        cutoff_hz: where amplitudes are halved.
    """
    weight = float(lambda_of(rate_hz, cutoff_hz))

    def smooth(run: F64) -> F64:
        bands = weight * _squared_second_difference(len(run))
        bands[-1] += 1.0
        return linalg.solveh_banded(bands, run)

    return over_runs(values, _SHORTEST_WHITTAKER, smooth)


def _squared_second_difference(n: int) -> F64:
    """DᵀD of the second difference D (n - 2, n), upper bands (3, n) as LAPACK stores them."""
    bands = np.zeros((3, n))
    bands[0, 2:] = 1.0
    bands[1, 1:-1] -= 2.0
    bands[1, 2:] -= 2.0
    bands[2, :-2] += 1.0
    bands[2, 1:-1] += 4.0
    bands[2, 2:] += 1.0
    return bands


def cutoff_spline(values: F64, rate_hz: float, cutoff_hz: float) -> F64:
    """Cubic smoothing spline (T, ...) at its samples; arguments as of ``acc_minimizing``.

    Reinsch, Smoothing by spline functions, Numerische Mathematik 10, 1967; roughness ∫ g''².
    """
    weight = float(lambda_of(rate_hz, cutoff_hz))
    return over_runs(values, _SHORTEST_SPLINE, lambda run: run - _taken_off(run, weight))


def gcv_spline(values: F64, rate_hz: float, smoothing_factor: float) -> F64:
    """Smoothing spline (T, ...) that finds for each column and run how much to smooth.

    Craven and Wahba, Smoothing noisy data with spline functions, Numerische Mathematik 31, 1979;
    Woltring, A Fortran package for generalized, cross-validatory spline smoothing and
    differentiation, Advances in Engineering Software 8, 1986.

    Args:
        values: NaN where missing.
        rate_hz: samples a second.
        smoothing_factor: times the λ found; above 1 smooths more. Cut-offs stay within 1 to 30 Hz.
    """
    least, most = lambda_of(rate_hz, _HIGHEST_HZ), lambda_of(rate_hz, _LOWEST_HZ)
    lambdas = np.geomspace(least, most, _N_LAMBDAS)

    def smooth(run: F64) -> F64:
        chosen = np.clip(smoothing_factor * best_lambda(run, lambdas), least, most)
        off = [_taken_off(run[:, [k]], weight) for k, weight in enumerate(chosen.tolist())]
        return run - np.concatenate(off, axis=1)

    return over_runs(values, _SHORTEST_SPLINE, smooth)


def best_lambda(run: F64, lambdas: F64) -> F64:
    """λ (K,) with the least generalised cross-validation of each column of a run (n, K).

    Args:
        run: no NaN.
        lambdas: evenly spaced in the logarithm; between neighbours a parabola is laid through the
            scores.
    """
    left = len(run) - 2 - _inner_trace(len(run), lambdas)  # n - tr A, of each λ
    misfit = np.array([(_taken_off(run, weight) ** 2).mean(axis=0) for weight in lambdas.tolist()])
    score = misfit / left[:, None] ** 2  # (λ, K)
    best = np.clip(np.argmin(score, axis=0), 1, len(lambdas) - 2)
    before, at, after = (np.take_along_axis(score, best[None] + d, 0)[0] for d in (-1, 0, 1))
    bend = before - 2 * at + after
    is_valley = (at <= before) & (at <= after) & (bend > 0)
    shift = np.divide(0.5 * (before - after), bend, out=np.zeros_like(at), where=is_valley)
    shift = np.where(is_valley, shift, np.where(before < after, -1.0, 1.0))
    step = np.log(lambdas[1] / lambdas[0])
    return lambdas[0] * np.exp(step * (best + shift))


def _taken_off(run: F64, weight: float) -> F64:
    """What the spline takes off a run (n, K): λ Q (R + λ QᵀQ)⁻¹ Qᵀ y of Reinsch."""
    curvature = weight * linalg.solveh_banded(
        _spline_bands(len(run) - 2, weight), np.diff(run, 2, axis=0)
    )
    off = np.zeros_like(run)
    off[:-2] += curvature
    off[1:-1] -= 2 * curvature
    off[2:] += curvature
    return off


def _spline_bands(n: int, weight: float) -> F64:
    """R + λ QᵀQ for n inner samples, upper bands (3, n)."""
    bands = np.empty((3, n))
    bands[0], bands[1], bands[2] = weight, 1 / 6 - 4 * weight, 2 / 3 + 6 * weight
    return bands


def _inner_trace(n_samples: int, lambdas: F64) -> F64:
    """tr R (R + λ QᵀQ)⁻¹ for each λ; two more make the spline's degrees of freedom.

    Hutchinson and de Hoog, Smoothing noisy data with spline functions, Numerische Mathematik 47,
    1985: only the bands of the inverse that R meets, from the factors L D Lᵀ backwards.
    """
    zero = np.zeros_like(lambdas)
    inverse = (zero, zero, zero)  # at (i, i), (i, i + 1) and (i + 1, i + 1)
    diagonal, beside = zero, zero
    pivots, nears, fars = _factors(n_samples - 2, lambdas)
    for pivot, near, far in zip(pivots[::-1], nears[::-1], fars[::-1], strict=True):
        at, to_next, next_one = inverse
        to_after = -near * to_next - far * next_one
        to_following = -near * at - far * to_next
        own = 1 / pivot - near * to_following - far * to_after
        diagonal, beside = diagonal + own, beside + to_following
        inverse = (own, to_following, at)
    return 2 / 3 * diagonal + 2 / 6 * beside


def _factors(n: int, lambdas: F64) -> tuple[F64, F64, F64]:
    """R + λ QᵀQ = L D Lᵀ: D and the two lower diagonals of L, each (n, λ), 0 where L ends."""
    pivots, near, far = np.zeros((3, n + 2, len(lambdas)))  # two rows of 0 before the first
    for i in range(n):
        one, two = i + 1, i  # rows of the two before
        pivot = 2 / 3 + 6 * lambdas - near[one] ** 2 * pivots[one] - far[two] ** 2 * pivots[two]
        pivots[i + 2] = pivot
        near[i + 2] = (1 / 6 - 4 * lambdas - far[one] * near[one] * pivots[one]) / pivot
        far[i + 2] = lambdas / pivot
    near[-1:], far[-2:] = 0.0, 0.0
    return pivots[2:], near[2:], far[2:]
