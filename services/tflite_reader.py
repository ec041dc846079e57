"""Reads a .tflite network into immutable values, apart from what is then done with them.

Only the operators of the BlazePose networks are understood; any other one is kept by name as
``Unsupported``, so that a network can still be used when nothing that is kept depends on it. The
weights come out as plain arrays: what the file does with DENSIFY (sparse storage) and DEQUANTIZE
(half precision) is done here. Source of the format: TensorFlow Lite, schema.fbs version 3 (the
classes in the package ``tflite`` are generated from it).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from tflite.AddOptions import AddOptions
from tflite.BuiltinOperator import BuiltinOperator
from tflite.ConcatenationOptions import ConcatenationOptions
from tflite.Conv2DOptions import Conv2DOptions
from tflite.DepthToSpaceOptions import DepthToSpaceOptions
from tflite.DepthwiseConv2DOptions import DepthwiseConv2DOptions
from tflite.Model import Model
from tflite.Padding import Padding
from tflite.Pool2DOptions import Pool2DOptions
from tflite.ResizeBilinearOptions import ResizeBilinearOptions
from tflite.TensorType import TensorType

from core.errors import AssetError
from services.tflite_sparse import Array, densify, integers

Pair = tuple[int, int]
"""Height, width."""

_IDENTIFIER = b"TFL3"
_OPERATOR_NAMES = {code: name for name, code in vars(BuiltinOperator).items() if name.isupper()}
_DTYPES: Mapping[int, type[np.generic]] = {
    TensorType.FLOAT32: np.float32,
    TensorType.FLOAT16: np.float16,
    TensorType.INT8: np.int8,
    TensorType.UINT8: np.uint8,
    TensorType.INT32: np.int32,
    TensorType.INT64: np.int64,
}


@dataclass(frozen=True, slots=True)
class Convolution:
    """Weights OHWI, or 1HWO when depthwise; then a bias (O,), which may be absent."""

    depthwise: bool
    strides: Pair
    dilations: Pair
    same_padding: bool
    activation: int


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Largest value of each window."""

    window: Pair
    strides: Pair
    same_padding: bool
    activation: int


@dataclass(frozen=True, slots=True)
class Addition:
    """Elementwise sum of two tensors, with broadcasting."""

    activation: int


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Tensors side by side along an axis of the file's layout (N, H, W, C)."""

    axis: int
    activation: int


@dataclass(frozen=True, slots=True)
class Resize:
    """Bilinear; ``coordinates`` is ONNX's name for how pixel positions correspond."""

    coordinates: Literal["align_corners", "half_pixel", "asymmetric"]


@dataclass(frozen=True, slots=True)
class DepthToSpace:
    """Channels rearranged into blocks of pixels."""

    block: int


@dataclass(frozen=True, slots=True)
class Plain:
    """An operator without options: what it does follows from its tensors."""

    kind: Literal["PAD", "RESHAPE", "LOGISTIC"]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """An operator that is not understood; ``kind`` says which."""

    kind: str


Action = (
    Convolution | MaxPool | Addition | Concatenation | Resize | DepthToSpace | Plain | Unsupported
)


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name and shape as in the file: NHWC, batch 1."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """One step; tensors by number, -1 for an optional input that is absent."""

    action: Action
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True, slots=True)
class Network:
    """Operators in the order in which they can be computed."""

    tensors: tuple[Tensor, ...]
    constants: Mapping[int, Array]
    """By tensor number: dense, float16 already widened to float32 where the network does so."""
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read(tflite: bytes) -> Network:
    """The first subgraph of a .tflite file.

    Raises AssetError when the bytes are not a .tflite file.
    """
    if tflite[4:8] != _IDENTIFIER:
        raise AssetError("not a .tflite network: the identifier TFL3 is missing")
    model = Model.GetRootAs(tflite, 0)
    graph: Any = model.Subgraphs(0)
    tables = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    tensors = tuple(Tensor(t.Name().decode(), integers(t.ShapeAsNumpy())) for t in tables)
    stored = _stored_constants(model, tables)
    operators = [_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())]
    constants, remaining = _fold(stored, operators)
    inputs, outputs = integers(graph.InputsAsNumpy()), integers(graph.OutputsAsNumpy())
    return Network(tensors, constants, remaining, inputs, outputs)


def _stored_constants(model: Any, tables: Sequence[Any]) -> dict[int, Array]:
    """The tensors whose values lie in the file, by number."""
    constants: dict[int, Array] = {}
    for number, table in enumerate(tables):
        stored = model.Buffers(table.Buffer()).DataAsNumpy()
        if not isinstance(stored, np.ndarray) or table.Type() not in _DTYPES:
            continue
        values = np.frombuffer(stored.tobytes(), _DTYPES[table.Type()])
        shape = integers(table.ShapeAsNumpy())
        sparsity = table.Sparsity()
        dense = values.reshape(shape) if sparsity is None else densify(sparsity, values, shape)
        constants[number] = dense
    return constants


def _operator(model: Any, table: Any) -> Operator:
    code = model.OperatorCodes(table.OpcodeIndex())
    kind = _OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    action = _ACTIONS[kind](table) if kind in _ACTIONS else Unsupported(kind)
    return Operator(action, integers(table.InputsAsNumpy()), int(table.Outputs(0)))


def _options(table: Any, options: Any) -> Any:
    union = table.BuiltinOptions()
    options.Init(union.Bytes, union.Pos)
    return options


def _convolution(options: Any, depthwise: bool) -> Convolution:
    return Convolution(
        depthwise=depthwise,
        strides=(options.StrideH(), options.StrideW()),
        dilations=(options.DilationHFactor(), options.DilationWFactor()),
        same_padding=options.Padding() == Padding.SAME,
        activation=options.FusedActivationFunction(),
    )


def _max_pool(table: Any) -> MaxPool:
    options = _options(table, Pool2DOptions())
    return MaxPool(
        window=(options.FilterHeight(), options.FilterWidth()),
        strides=(options.StrideH(), options.StrideW()),
        same_padding=options.Padding() == Padding.SAME,
        activation=options.FusedActivationFunction(),
    )


def _concatenation(table: Any) -> Concatenation:
    options = _options(table, ConcatenationOptions())
    return Concatenation(options.Axis(), options.FusedActivationFunction())


def _resize(table: Any) -> Resize:
    options = _options(table, ResizeBilinearOptions())
    if options.AlignCorners():
        return Resize("align_corners")
    return Resize("half_pixel" if options.HalfPixelCenters() else "asymmetric")


_ACTIONS: Mapping[str, Callable[[Any], Action]] = {
    "CONV_2D": lambda table: _convolution(_options(table, Conv2DOptions()), False),
    "DEPTHWISE_CONV_2D": lambda table: _convolution(
        _options(table, DepthwiseConv2DOptions()), True
    ),
    "MAX_POOL_2D": _max_pool,
    "ADD": lambda table: Addition(_options(table, AddOptions()).FusedActivationFunction()),
    "CONCATENATION": _concatenation,
    "RESIZE_BILINEAR": _resize,
    "DEPTH_TO_SPACE": lambda table: DepthToSpace(
        _options(table, DepthToSpaceOptions()).BlockSize()
    ),
    "PAD": lambda _: Plain("PAD"),
    "RESHAPE": lambda _: Plain("RESHAPE"),
    "LOGISTIC": lambda _: Plain("LOGISTIC"),
}


def _fold(
    stored: Mapping[int, Array], operators: Sequence[Operator]
) -> tuple[dict[int, Array], tuple[Operator, ...]]:
    """Carry out DENSIFY and DEQUANTIZE of float16 on constants; the other operators remain."""
    constants, remaining = dict(stored), []
    for operator in operators:
        values = constants.get(operator.inputs[0]) if operator.inputs else None
        match operator.action:
            case Unsupported("DENSIFY") if values is not None:
                constants[operator.output] = values
            case Unsupported("DEQUANTIZE") if values is not None and values.dtype == np.float16:
                constants[operator.output] = values.astype(np.float32)
            case _:
                remaining.append(operator)
    return constants, tuple(remaining)
