"""Machine code for inner loops: the one place that imports numba.

Trap: numba's cache on disk looks at the file a kernel stands in, not at those of the kernels it
calls. So a kernel calls kernels of its own file only.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = {"cache": True, "fastmath": False, "nogil": True, "error_model": "numpy"}


def kernel(function: Function) -> Function:
    """Compile at the first call, or load what an earlier process compiled.

    Strict IEEE arithmetic in the written order, one thread: the same input gives the same bits.
    Division by zero gives inf or NaN, as in numpy arrays.
    """
    return cast("Function", numba.njit(**_OPTIONS)(function))


def part(function: Function) -> Function:
    """Compile into the kernels of its file that call it: as ``kernel``, without a call's price.

    A call counts references to every array handed over, those of a whole ``NamedTuple`` too, which
    takes longer than a small loop.
    """
    return cast("Function", numba.njit(inline="always", **_OPTIONS)(function))


def plain(values: NDArray[Any]) -> F64:
    """Give an array as kernels take it: float64, C order, writable; a copy only where needed.

    numba compiles once more for every other kind of array, seconds in the middle of a recording.
    """
    if values.dtype == np.float64 and values.flags.carray:
        return values
    return np.array(values, dtype=np.float64, order="C")
