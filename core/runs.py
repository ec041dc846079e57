"""Stretches without gaps, for filters that must not reach across one."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def runs(present: NDArray[np.bool_]) -> list[slice]:
    """Stretches of a (T,) mask that are True throughout."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def over_runs(values: F64, shortest: int, smooth: Callable[[F64], F64]) -> F64:
    """Apply ``smooth``, (n, K) to (n, K), to each run between NaN of (T, ...) on its own.

    NaN stays NaN. Columns whose runs coincide come together, so that K is large. A run of fewer
    than ``shortest`` samples stays as it is.
    """
    columns = as_columns(values)
    smoothed = columns.copy()
    for together, present in equal_columns(np.isfinite(columns)):
        for run in runs(present):
            if run.stop - run.start >= shortest:
                smoothed[run, together] = smooth(columns[run, together])
    return smoothed.reshape(values.shape)


def as_columns(values: F64) -> F64:
    """(T, ...) as (T, K)."""
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def equal_columns(
    mask: NDArray[np.bool_],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Columns of a (T, K) mask that are equal: their numbers, and the mask (T,) they share."""
    if mask.size == 0:
        return
    patterns, which = np.unique(mask, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        yield np.flatnonzero(which.ravel() == number), pattern
