"""Inner loops of one step of the minimiser, behind ``core.kinematics.levenberg``: dense algebra.

N coordinates; all float arrays are ``core.jit.plain``.
"""

import numpy as np

from core.jit import F64, kernel
from core.kinematics.tree import Bools, Ints

_N_CORNERS = 8  # rounds of putting coordinates on their bounds


@kernel
def _factor(matrix: F64, n: int) -> bool:
    """Cholesky factor, transposed, into the upper triangle; False: not positive definite.

    Row by row, so that the inner loop is over neighbours in memory and its rounds wait for none.
    """
    for j in range(n):
        for k in range(j):
            share = matrix[k, j]
            for i in range(j, n):
                matrix[j, i] -= matrix[k, i] * share
        if not matrix[j, j] > 0.0:
            return False
        matrix[j, j] = np.sqrt(matrix[j, j])
        for i in range(j + 1, n):
            matrix[j, i] /= matrix[j, j]
    return True


@kernel
def _solve(factor: F64, n: int, x: F64) -> None:
    """Solve in place with what ``_factor`` gave."""
    for k in range(n):
        x[k] /= factor[k, k]
        for i in range(k + 1, n):
            x[i] -= factor[k, i] * x[k]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= factor[i, k] * x[k]
        x[i] /= factor[i, i]


@kernel
def bounded_step(
    hessian: F64,
    gradient: F64,
    q: F64,
    bounds: F64,
    held: Bools,
    damping: F64,
    longest: float,
    out: F64,
) -> bool:
    """``out`` (N,): least of the damped quadratic within bounds (2, N), no move over ``longest``.

    Coordinates that would go further are put where they must stop, and the rest is solved again.
    """
    n = 0
    chosen = np.empty(len(q), np.int64)
    for c in range(len(q)):
        out[c] = q[c]
        outward = (q[c] <= bounds[0, c] and gradient[c] > 0.0) or (
            q[c] >= bounds[1, c] and gradient[c] < 0.0
        )
        if not held[c] and not outward:
            chosen[n] = c
            n += 1
    move = np.empty(len(q))
    for corner in range(_N_CORNERS):
        if not _damped(hessian, gradient, q, out, chosen[:n], damping, move):
            return False
        kept = 0
        for u in range(n):
            c = chosen[u]
            aim = q[c] + move[u]
            low, high = max(bounds[0, c], q[c] - longest), min(bounds[1, c], q[c] + longest)
            out[c] = min(max(aim, low), high)
            if out[c] == aim:
                chosen[kept] = c
                kept += 1
        if kept == n:
            break
        if corner < _N_CORNERS - 1:
            for u in range(kept):
                out[chosen[u]] = q[chosen[u]]
        n = kept
    return True


@kernel
def _damped(
    hessian: F64,
    gradient: F64,
    q: F64,
    placed: F64,
    chosen: Ints,
    damping: F64,
    move: F64,
) -> bool:
    """Moves (n,) of the coordinates chosen, the others being moved to where they are placed."""
    n = len(chosen)
    matrix = np.empty((n, n))
    for u in range(n):
        c = chosen[u]
        move[u] = -gradient[c]
        for other in range(len(q)):
            if placed[other] != q[other]:
                move[u] -= hessian[c, other] * (placed[other] - q[other])
        for v in range(u + 1):
            matrix[v, u] = hessian[c, chosen[v]]
        matrix[u, u] += damping[0] * matrix[u, u] + damping[1]
    if not _factor(matrix, n):
        return False
    _solve(matrix, n, move)
    return True


@kernel
def inverse_diagonal(matrix: F64, out: F64) -> None:
    """Diagonal (N,) of the inverse; inf where the matrix is not positive definite. Spoils it."""
    n = len(out)
    for i in range(n):
        for k in range(i):
            matrix[k, i] = matrix[i, k]
    if not _factor(matrix, n):
        out[:] = np.inf
        return
    column = np.empty(n)
    out[:] = 0.0
    for c in range(n):  # columns of the factor's inverse
        column[c:] = 0.0
        column[c] = 1.0
        for k in range(c, n):
            column[k] /= matrix[k, k]
            out[c] += column[k] * column[k]
            for i in range(k + 1, n):
                column[i] -= matrix[k, i] * column[k]
