"""Writes small .tflite files for tests, by way of the schema's generated classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

_TYPES = {
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.float16): tflite.TensorType.FLOAT16,
    np.dtype(np.int32): tflite.TensorType.INT32,
}


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None = None
    segments: Sequence[int] = ()
    """With ``indices``: the last dimension is sparse (CSR) and ``values`` are those stored."""
    indices: Sequence[int] = ()


@dataclass(frozen=True)
class Step:
    kind: str
    inputs: tuple[int, ...]
    output: int
    options: str = ""
    settings: Mapping[str, int] = field(default_factory=dict)


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _integers(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return builder.CreateNumpyVector(np.asarray(values, np.int32))


def _table(builder: flatbuffers.Builder, kind: str, **fields: int) -> int:
    getattr(tflite, f"{kind}Start")(builder)
    for name, value in fields.items():
        getattr(tflite, f"{kind}Add{name}")(builder, value)
    return getattr(tflite, f"{kind}End")(builder)


def _index_vector(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    stored = builder.CreateNumpyVector(np.asarray(values, np.uint8))
    return _table(builder, "Uint8Vector", Values=stored)


def dense_level(builder: flatbuffers.Builder, size: int) -> int:
    return _table(builder, "DimensionMetadata", Format=0, DenseSize=size)


def csr_level(builder: flatbuffers.Builder, segments: Sequence[int], indices: Sequence[int]) -> int:
    kind = tflite.SparseIndexVector.Uint8Vector
    return _table(
        builder,
        "DimensionMetadata",
        Format=1,
        ArraySegments=_index_vector(builder, segments),
        ArraySegmentsType=kind,
        ArrayIndices=_index_vector(builder, indices),
        ArrayIndicesType=kind,
    )


def sparsity(
    builder: flatbuffers.Builder, order: Sequence[int], blocks: Sequence[int], levels: list[int]
) -> int:
    return _table(
        builder,
        "SparsityParameters",
        TraversalOrder=_integers(builder, order),
        BlockMap=_integers(builder, blocks),
        DimMetadata=_vector(builder, levels),
    )


def _tensor(builder: flatbuffers.Builder, number: int, tensor: Tensor) -> int:
    fields: dict[str, int] = {}
    if tensor.segments:
        levels = [dense_level(builder, size) for size in tensor.shape[:-1]]
        levels.append(csr_level(builder, tensor.segments, tensor.indices))
        fields["Sparsity"] = sparsity(builder, range(len(tensor.shape)), (), levels)
    dtype = np.dtype(np.float32) if tensor.values is None else tensor.values.dtype
    return _table(
        builder,
        "Tensor",
        Name=builder.CreateString(tensor.name),
        Shape=_integers(builder, tensor.shape),
        Type=_TYPES[dtype],
        Buffer=number,
        **fields,
    )


def _buffer(builder: flatbuffers.Builder, values: NDArray[Any] | None) -> int:
    if values is None:
        return _table(builder, "Buffer")
    stored = builder.CreateNumpyVector(np.frombuffer(values.tobytes(), np.uint8))
    return _table(builder, "Buffer", Data=stored)


def _step(builder: flatbuffers.Builder, codes: Sequence[str], step: Step) -> int:
    fields: dict[str, int] = {}
    if step.options:
        fields["BuiltinOptions"] = _table(builder, step.options, **step.settings)
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, step.options)
    return _table(
        builder,
        "Operator",
        OpcodeIndex=codes.index(step.kind),
        Inputs=_integers(builder, step.inputs),
        Outputs=_integers(builder, (step.output,)),
        **fields,
    )


def build(tensors: Sequence[Tensor], steps: Sequence[Step], outputs: Sequence[int]) -> bytes:
    """A .tflite file; tensor 0 is its input."""
    builder = flatbuffers.Builder(1024)
    codes = list(dict.fromkeys(step.kind for step in steps))
    numbers = [getattr(tflite.BuiltinOperator, code) for code in codes]
    graph = _table(
        builder,
        "SubGraph",
        Tensors=_vector(builder, [_tensor(builder, n, t) for n, t in enumerate(tensors)]),
        Inputs=_integers(builder, (0,)),
        Outputs=_integers(builder, outputs),
        Operators=_vector(builder, [_step(builder, codes, step) for step in steps]),
    )
    code_tables = [
        _table(builder, "OperatorCode", BuiltinCode=n, DeprecatedBuiltinCode=n) for n in numbers
    ]
    model = _table(
        builder,
        "Model",
        Version=3,
        OperatorCodes=_vector(builder, code_tables),
        Subgraphs=_vector(builder, [graph]),
        Buffers=_vector(builder, [_buffer(builder, tensor.values) for tensor in tensors]),
    )
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())
