"""Converts a BlazePose .tflite network to ONNX, without TensorFlow.

The result takes NHWC pictures named ``input`` with a free batch size N and computes in NCHW.
tf2onnx fails on the sparse weights of the detector and fixes the batch at 1. Sources: TensorFlow
Lite's schema and reference kernels (padding, resizing), the ONNX operator list, version 17.
"""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tflite.ActivationFunctionType import ActivationFunctionType

from core.errors import AssetError
from services import tflite_reader as reader
from services.tflite_reader import Array, Network, Operator, Pair

INPUT_NAME = "input"
_OPSET = 17
_IR_VERSION = 9
_HALF_FROM_SIZE = 64
"""Smaller constants stay float32: they are no gain and some must be (scales, limits)."""
_NCHW_FROM_NHWC = (0, 3, 1, 2)
_NHWC_FROM_NCHW = (0, 2, 3, 1)


def convert(
    tflite: bytes, *, drop_outputs: Collection[str] = (), half_storage: bool = True
) -> bytes:
    """A serialised ONNX ModelProto that computes the same as the .tflite network.

    One float32 input ``input`` (N, H, W, C); outputs keep their names and shapes, with N for the
    batch. Outputs in ``drop_outputs`` go, with all that only they need. ``half_storage`` stores
    each weight array that float16 holds exactly as float16: half the size, the same results.
    The same arguments give the same bytes.

    Raises AssetError for an operator that is not supported, ValueError for an unknown output.
    """
    network = reader.read(tflite)
    kept = _kept_outputs(network, drop_outputs)
    emission = _Emission(network, half_storage)
    for operator in _needed(network, kept):
        emission.emit(operator)
    model = emission.model(kept)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def same_padding(size: int, window: int, stride: int, dilation: int = 1) -> Pair:
    """Zeros before and after along one axis so that the output has ceil(size / stride) pixels.

    The odd one goes after, unlike with symmetric padding. Source: TensorFlow Lite, padding.h.
    """
    reach = (window - 1) * dilation + 1
    n_outputs = -(-size // stride)
    total = max((n_outputs - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def _kept_outputs(network: Network, drop_outputs: Collection[str]) -> tuple[int, ...]:
    names = {network.tensors[output].name for output in network.outputs}
    unknown = sorted(set(drop_outputs) - names)
    if unknown:
        raise ValueError(f"no outputs named {unknown}; the network has {sorted(names)}")
    return tuple(o for o in network.outputs if network.tensors[o].name not in drop_outputs)


def _needed(network: Network, kept: Sequence[int]) -> list[Operator]:
    """The operators on which the kept outputs depend, in order."""
    wanted, needed = set(kept), []
    for operator in reversed(network.operators):
        if operator.output in wanted:
            wanted.update(operator.inputs)
            needed.append(operator)
    return needed[::-1]


class _Emission:
    """The ONNX graph as it grows. Every tensor of rank 4 is NCHW in it, the others as read."""

    def __init__(self, network: Network, half_storage: bool) -> None:
        if len(network.inputs) != 1:
            raise AssetError(f"a network with one input is needed, this has {len(network.inputs)}")
        self._network = network
        self._half_storage = half_storage
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        picture = self._node("Transpose", [INPUT_NAME], perm=_NCHW_FROM_NHWC)
        self._values = {network.inputs[0]: picture}

    def emit(self, operator: Operator) -> None:
        """Append what computes the operator's output."""
        match operator.action:
            case reader.Convolution() as action:
                value = self._convolution(operator, action)
            case reader.MaxPool() as action:
                value = self._max_pool(operator, action)
            case reader.Addition(activation):
                rank = len(self._shape(operator.output))
                terms = [self._operand(tensor, rank) for tensor in operator.inputs]
                value = self._activated(self._node("Add", terms), activation)
            case reader.Concatenation() as action:
                value = self._concatenation(operator, action)
            case reader.Resize(coordinates):
                value = self._resize(operator, coordinates)
            case reader.DepthToSpace(block):
                source = self._value(operator.inputs[0])
                value = self._node("DepthToSpace", [source], blocksize=block, mode="DCR")
            case reader.Plain("PAD"):
                value = self._pad(operator)
            case reader.Plain("RESHAPE"):
                value = self._reshape(operator)
            case reader.Plain():
                value = self._node("Sigmoid", [self._value(operator.inputs[0])])
            case reader.Unsupported(kind):
                name = self._network.tensors[operator.output].name
                raise AssetError(f"the operator {kind} (it makes {name!r}) is not supported")
        self._values[operator.output] = value

    def model(self, kept: Sequence[int]) -> onnx.ModelProto:
        """The finished model with the kept outputs in the file's layout."""
        outputs = [self._output(tensor) for tensor in kept]
        picture = self._value_info(INPUT_NAME, self._network.inputs[0])
        graph = helper.make_graph(self._nodes, "network", [picture], outputs, self._constants)
        opset = helper.make_opsetid("", _OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="kinelive"
        )

    def _node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}".lower()
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, values: Array) -> str:
        name = f"constant_{len(self._constants)}"
        half = _as_half(values) if self._half_storage else None
        stored = np.ascontiguousarray(values if half is None else half)
        self._constants.append(numpy_helper.from_array(stored, name))
        return name if half is None else self._node("Cast", [name], to=TensorProto.FLOAT)

    def _value(self, tensor: int) -> str:
        if tensor not in self._values:
            name = self._network.tensors[tensor].name
            raise AssetError(f"the tensor {name!r} is a constant where a computed one is needed")
        return self._values[tensor]

    def _operand(self, tensor: int, rank: int) -> str:
        """A computed tensor, or a constant that broadcasts against one of ``rank``."""
        if tensor not in self._network.constants:
            return self._value(tensor)
        values = self._network.constants[tensor]
        values = values.reshape((1,) * (rank - values.ndim) + values.shape)
        return self._constant(values.transpose(_NCHW_FROM_NHWC) if rank == 4 else values)

    def _weights(self, tensor: int) -> NDArray[np.float32]:
        if tensor not in self._network.constants:
            name = self._network.tensors[tensor].name
            raise AssetError(f"the tensor {name!r} is computed where a constant is needed")
        return self._network.constants[tensor].astype(np.float32)

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return self._network.tensors[tensor].shape

    def _activated(self, value: str, activation: int) -> str:
        match activation:
            case ActivationFunctionType.NONE:
                return value
            case ActivationFunctionType.RELU:
                return self._node("Relu", [value])
            case ActivationFunctionType.RELU6:
                limits = [self._constant(np.array(limit, np.float32)) for limit in (0, 6)]
                return self._node("Clip", [value, *limits])
            case _:
                raise AssetError(f"the activation function {activation} is not supported")

    def _pads(self, tensor: int, window: Pair, strides: Pair, dilations: Pair) -> list[int]:
        """ONNX pads (top, left, bottom, right) for SAME padding of an input tensor."""
        _, height, width, _ = self._shape(tensor)
        top, bottom = same_padding(height, window[0], strides[0], dilations[0])
        left, right = same_padding(width, window[1], strides[1], dilations[1])
        return [top, left, bottom, right]

    def _convolution(self, operator: Operator, action: reader.Convolution) -> str:
        source = operator.inputs[0]
        weights = self._weights(operator.inputs[1])  # OHWI, or 1HWO
        weights = weights.transpose((3, 0, 1, 2) if action.depthwise else _NCHW_FROM_NHWC)  # OIHW
        window: Pair = (weights.shape[2], weights.shape[3])
        inputs = [self._value(source), self._constant(weights)]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            inputs.append(self._constant(self._weights(operator.inputs[2])))
        same = self._pads(source, window, action.strides, action.dilations)
        value = self._node(
            "Conv",
            inputs,
            kernel_shape=window,
            strides=action.strides,
            dilations=action.dilations,
            pads=same if action.same_padding else [0, 0, 0, 0],
            group=self._shape(source)[3] // weights.shape[1],
        )
        return self._activated(value, action.activation)

    def _max_pool(self, operator: Operator, action: reader.MaxPool) -> str:
        source = operator.inputs[0]
        same = self._pads(source, action.window, action.strides, (1, 1))
        value = self._node(
            "MaxPool",
            [self._value(source)],
            kernel_shape=action.window,
            strides=action.strides,
            pads=same if action.same_padding else [0, 0, 0, 0],
        )
        return self._activated(value, action.activation)

    def _concatenation(self, operator: Operator, action: reader.Concatenation) -> str:
        rank = len(self._shape(operator.output))
        axis = action.axis % rank
        axis = _NCHW_FROM_NHWC.index(axis) if rank == 4 else axis
        parts = [self._value(tensor) for tensor in operator.inputs]
        return self._activated(self._node("Concat", parts, axis=axis), action.activation)

    def _resize(self, operator: Operator, coordinates: str) -> str:
        before, after = self._shape(operator.inputs[0]), self._shape(operator.output)
        scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
        inputs = [self._value(operator.inputs[0]), "", self._constant(scales)]
        return self._node(
            "Resize", inputs, mode="linear", coordinate_transformation_mode=coordinates
        )

    def _pad(self, operator: Operator) -> str:
        amounts = self._network.constants[operator.inputs[1]].astype(np.int64)  # (rank, 2)
        if len(amounts) == 4:
            amounts = amounts[list(_NCHW_FROM_NHWC)]
        pads = self._constant(amounts.T.reshape(-1))  # all before, then all after
        return self._node("Pad", [self._value(operator.inputs[0]), pads], mode="constant")

    def _reshape(self, operator: Operator) -> str:
        source, shape = operator.inputs[0], self._shape(operator.output)
        value = self._as_read(source)
        if shape[0] != 1:
            raise AssetError(f"RESHAPE to {shape} is not supported: it would mix the batch")
        free = self._constant(np.array((0, *shape[1:]), np.int64))  # 0: as in the input
        value = self._node("Reshape", [value, free])
        return self._node("Transpose", [value], perm=_NCHW_FROM_NHWC) if len(shape) == 4 else value

    def _as_read(self, tensor: int) -> str:
        """A computed tensor in the layout of the file."""
        value = self._value(tensor)
        if len(self._shape(tensor)) != 4:
            return value
        return self._node("Transpose", [value], perm=_NHWC_FROM_NCHW)

    def _output(self, tensor: int) -> onnx.ValueInfoProto:
        name, value = self._network.tensors[tensor].name, self._as_read(tensor)
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"output_{name}"))
        return self._value_info(name, tensor)

    def _value_info(self, name: str, tensor: int) -> onnx.ValueInfoProto:
        shape = list(chain(["N"], self._shape(tensor)[1:]))
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _as_half(values: Array) -> NDArray[np.float16] | None:
    """The same numbers as float16; None where that would change one, or is no gain."""
    if values.dtype != np.float32 or values.size <= _HALF_FROM_SIZE:
        return None
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else None
