"""Pickles of plain values and numpy arrays, read without running anything that stands in them.

A pickle names functions and has them called. Here no name leads to the real thing: the few that
arrays need lead to records of what was asked for, from which arrays of numbers are made afterwards;
any other name ends the reading.
"""

import io
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from core.errors import CalibrationError

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 20
_NUMBERS = re.compile(r"[biuf][1248]")
_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    RecursionError,
)


class _Kind:
    """The record of a dtype."""

    def __init__(self, code: object = "", *_: object) -> None:
        if not isinstance(code, str) or not _NUMBERS.fullmatch(code):
            raise pickle.UnpicklingError(f"an array of {code!r}, not of numbers")
        self.code, self.order = code, "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = ">" if state[1] == ">" else "<"

    def of(self, content: bytes) -> np.ndarray:
        return np.frombuffer(content, dtype=f"{self.order}{self.code}")


class _Array:
    """The record of an array."""

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, content = state
        if not isinstance(kind, _Kind) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array that is none")
        self.value = kind.of(content).reshape(shape, order="F" if is_fortran else "C")


def _scalar(kind: object, content: object) -> object:
    if not isinstance(kind, _Kind) or not isinstance(content, bytes):
        raise pickle.UnpicklingError("a number that is none")
    return kind.of(content)[0].item()


def _from_buffer(content: object, kind: object, shape: Any, order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, kind, order == "F", bytes(content)))  # type: ignore[arg-type]
    return array


def _latin(text: object, coding: object) -> bytes:
    if not isinstance(text, str) or coding != "latin1":
        raise pickle.UnpicklingError("a coding that is none")
    return text.encode("latin1")


_ALLOWED: Mapping[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _latin,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Give a harmless stand-in for what arrays need, nothing else."""
        found = _ALLOWED.get((module_name, global_name))
        if found is None:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} in it: not only arrays")
        return found


def unpickle(content: bytes) -> object:
    """Read numbers, words, containers and numpy arrays of numbers.

    Raises:
        CalibrationError: broken, too large, or anything else in it.
    """
    if len(content) > _MAX_BYTES:
        raise CalibrationError(f"{len(content)} bytes: too large for a calibration")
    try:
        return _values(_Reader(io.BytesIO(content)).load(), _MAX_DEPTH)
    except _BROKEN as error:
        raise CalibrationError(f"a pickle that is not read: {error}") from error


def _values(found: object, depth: int) -> object:
    """Put the arrays in the place of their records."""
    if depth == 0:
        raise pickle.UnpicklingError("containers within containers")
    if isinstance(found, _Array):
        return found.value
    if isinstance(found, dict):
        return {key: _values(value, depth - 1) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_values(value, depth - 1) for value in found]
    if found is None or isinstance(found, bool | int | float | str | bytes):
        return found
    raise pickle.UnpicklingError(f"{type(found).__name__}: not a plain value")
