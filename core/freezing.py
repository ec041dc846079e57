"""States to bytes and back, to the last bit: MessagePack, arrays with their dtype and shape."""

from typing import Any, TypeVar

import msgspec
import numpy as np

S = TypeVar("S")


def freeze(state: Any) -> bytes:
    """A state of structs, plain values and arrays as MessagePack."""
    return msgspec.msgpack.encode(state, enc_hook=_array_out)


def thaw(raw: bytes, kind: type[S]) -> S:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return msgspec.msgpack.decode(raw, type=kind, dec_hook=_array_in)


def _array_out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return [little.dtype.str, list(value.shape), little.tobytes()]
    raise NotImplementedError(type(value))


def _array_in(_: type, value: Any) -> Any:
    dtype, shape, raw = value
    native = np.dtype(dtype).newbyteorder("=")
    return np.frombuffer(raw, dtype=dtype).reshape(shape).astype(native)  # a copy, as kernels need
