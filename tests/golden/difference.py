"""Two messages field by field, number by number: which is the first that is not the same."""

from collections.abc import Callable, Iterator
from itertools import zip_longest

import msgspec
import numpy as np

from core.messages import array_fields, view

TOLERANCE = 1e-6
"""In the unit of the field (m, m2, m/s): where processors round differently."""
Same = Callable[[object, object], bool]
_Named = Iterator[tuple[str, object]]
_NOTHING = "", None


def first_difference(recorded: msgspec.Struct, computed: msgspec.Struct, same: Same) -> str:
    """Name the first field whose values are not the same, with both; empty where all are."""
    return _first_other(_fields(recorded), _fields(computed), same)


def first_difference_of_states(recorded: bytes, computed: bytes) -> str:
    """The same of what ``core.freezing`` wrote, bit for bit."""
    was, now = msgspec.msgpack.decode(recorded), msgspec.msgpack.decode(computed)
    return _first_other(_leaves(was), _leaves(now), exactly)


def _first_other(recorded: _Named, computed: _Named, same: Same) -> str:
    for (name, was), (other, now) in zip_longest(recorded, computed, fillvalue=_NOTHING):
        if name != other or not same(was, now):
            return f"{name or other}: recorded {was!r}, computed {now!r}"
    return ""


def exactly(was: object, now: object) -> bool:
    """Bit for bit: NaN is NaN, -0.0 is not 0.0."""
    if isinstance(was, np.generic) and isinstance(now, np.generic):
        return was.tobytes() == now.tobytes()
    return was == now


def nearly(was: object, now: object) -> bool:
    """Floats within ``TOLERANCE``, NaN where NaN; all else equal."""
    if isinstance(was, np.floating) and isinstance(now, np.floating):
        return bool(np.isclose(was, now, rtol=0.0, atol=TOLERANCE, equal_nan=True))
    return was == now


def _fields(part: msgspec.Struct, path: str = "") -> _Named:
    """Name and value of each field in order, arrays and lists of people taken apart."""
    arrays = array_fields(type(part))
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if name in arrays:
            for place, number in np.ndenumerate(view(part, name)):
                yield f"{path}{name}{list(place)}", number
        elif isinstance(value, tuple) and all(isinstance(one, msgspec.Struct) for one in value):
            yield f"{path}{name}, how many", len(value)
            for number, one in enumerate(value):
                yield from _fields(one, f"{path}{name}[{number}].")
        else:
            yield f"{path}{name}", value


def _leaves(tree: object, path: str = "") -> _Named:
    """Name and value of everything in a frozen state, arrays number by number."""
    match tree:
        case dict():
            for name, value in tree.items():
                yield from _leaves(value, f"{path}.{name}" if path else str(name))
        case [str() as dtype, list() as shape, bytes() as raw]:
            for place, number in np.ndenumerate(np.frombuffer(raw, dtype).reshape(shape)):
                yield f"{path}{list(place)}", number
        case list():
            yield f"{path}, how many", len(tree)
            for place, value in enumerate(tree):
                yield from _leaves(value, f"{path}[{place}]")
        case _:
            yield path, tree
