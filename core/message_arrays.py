"""Arrays in messages: bytes on the wire, with the dtype and the shape in the field's annotation."""

from functools import cache
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray


class Array(msgspec.Struct, frozen=True):
    """What the bytes of an array field hold."""

    dtype: str
    shape: tuple[int | str, ...]


def _array(dtype: str, *shape: int | str) -> msgspec.Meta:
    return msgspec.Meta(extra={"array": Array(dtype, shape)})


F32xJ = Annotated[bytes, _array("<f4", "J")]
F32xJx2 = Annotated[bytes, _array("<f4", "J", 2)]
F32xJx3 = Annotated[bytes, _array("<f4", "J", 3)]
F32xJx6 = Annotated[bytes, _array("<f4", "J", 6)]
U8xJ = Annotated[bytes, _array("|u1", "J")]
F32xQ = Annotated[bytes, _array("<f4", "Q")]
I64xN = Annotated[bytes, _array("<i8", "N")]
U8xQ = Annotated[bytes, _array("|u1", "Q")]


def view(message: msgspec.Struct, field: str) -> NDArray[Any]:
    """Read-only array of an array field; the free letter of its shape follows from the length."""
    layout = array_fields(type(message))[field]
    flat = np.frombuffer(getattr(message, field), dtype=layout.dtype)
    return flat.reshape([-1 if isinstance(axis, str) else axis for axis in layout.shape])


@cache
def array_fields(kind: type[msgspec.Struct]) -> dict[str, Array]:
    """Return the array fields of a struct by name."""
    return {
        name: meta.extra["array"]
        for name, hint in get_type_hints(kind, include_extras=True).items()
        for meta in get_args(hint)[1:]
        if isinstance(meta, msgspec.Meta) and meta.extra and "array" in meta.extra
    }
