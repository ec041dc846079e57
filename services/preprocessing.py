"""What happens to pixels before a network, as a graph that runs where the network runs.

A small ONNX graph of its own in front of each network: its result stays on the device and is handed
on there. So a quarter of the bytes goes to a GPU, and the published network stays the file it is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CROPS = "crops"
PICTURES = "pictures"
WHICH = "which"
GRID = "crop_from_grid"
TENSORS = "tensors"
_OPSET = 17
_IR_VERSION = 8
_BGR_TO_RGB = np.array([2, 1, 0], np.int64)
_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


@dataclass(frozen=True, slots=True)
class Pixels:
    """How a network wants its pixels: ``pixel * scale + bias``, float32."""

    scale: tuple[float, ...]
    """(3,) for each channel, in the network's order."""
    bias: tuple[float, ...]
    rgb: bool
    """Red first; blue first otherwise, as pictures come."""
    channels_first: bool

    @staticmethod
    def standardised(mean: tuple[float, ...], sd: tuple[float, ...]) -> "Pixels":
        """RGB, channels first, ``(pixel - mean) / sd``; both (3,) in the order red, green, blue."""
        scale = tuple(1 / one for one in sd)
        bias = tuple(-m * s for m, s in zip(mean, scale, strict=True))
        return Pixels(scale, bias, rgb=True, channels_first=True)


AS_THEY_ARE = Pixels((1.0,) * 3, (0.0,) * 3, rgb=False, channels_first=True)
"""BGR, 0 to 255, channels first."""


class _Graph:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def saved(self, inputs: list[onnx.ValueInfoProto], output: onnx.ValueInfoProto) -> bytes:
        graph = helper.make_graph(self.nodes, "pixels", inputs, [output], self.constants)
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


def of_crops(pixels: Pixels) -> bytes:
    """Graph from ``crops`` (N, H, W, 3) uint8 BGR to ``tensors`` as the network wants them."""
    graph = _Graph()
    if pixels.channels_first:
        _from_planes(graph, graph.op("Transpose", CROPS, perm=_TO_FIRST), pixels)
    else:
        _from_pixels(graph, pixels)
    crops = helper.make_tensor_value_info(CROPS, TensorProto.UINT8, ["N", "H", "W", 3])
    return graph.saved([crops], _tensors(pixels, "H", "W"))


def of_pictures(pixels: Pixels, width_px: int, height_px: int) -> bytes:
    """Graph that cuts the crops out of whole pictures as well.

    Inputs: ``pictures`` (P, H, W, 3) uint8 BGR, ``which`` (N,) int64 picture of each crop,
    ``crop_from_grid`` (N, 2, 3) float32 from ``grid_affine``. Bilinear; outside is black.
    """
    graph = _Graph()
    taken = graph.op("Gather", PICTURES, WHICH, axis=0)
    planes = graph.op("Transpose", taken, perm=_TO_FIRST)
    whole = graph.op("Cast", planes, to=TensorProto.FLOAT)
    base = _pixel_centres(width_px, height_px).reshape(1, -1, 3)
    turned = graph.op("Transpose", GRID, perm=[0, 2, 1])
    flat = graph.op("MatMul", graph.constant(base), turned)
    shape = np.array([0, height_px, width_px, 2], np.int64)
    grid = graph.op("Reshape", flat, graph.constant(shape))
    cut = graph.op("GridSample", whole, grid, mode="bilinear", padding_mode="zeros")
    _from_planes(graph, cut, pixels)
    inputs = [
        helper.make_tensor_value_info(PICTURES, TensorProto.UINT8, ["P", "H", "W", 3]),
        helper.make_tensor_value_info(WHICH, TensorProto.INT64, ["N"]),
        helper.make_tensor_value_info(GRID, TensorProto.FLOAT, ["N", 2, 3]),
    ]
    return graph.saved(inputs, _tensors(pixels, height_px, width_px))


def grid_affine(
    matrix: NDArray[np.float64], offset_px: NDArray[np.float64], picture: tuple[int, int]
) -> NDArray[np.float32]:
    """(2, 3) that takes crop coordinates to those of the sampler, -1..1 over a picture.

    ``matrix`` (2, 2) and ``offset_px`` (2,) take continuous crop to continuous picture coordinates;
    ``picture`` is its height and width.
    """
    size = np.array([picture[1], picture[0]], np.float64)
    scale = 2 / size
    return np.column_stack([matrix * scale[:, None], offset_px * scale - 1]).astype(np.float32)


def _pixel_centres(width_px: int, height_px: int) -> NDArray[np.float32]:
    """(height, width, 3): x, y, 1 of each pixel of a crop, continuous."""
    y, x = np.mgrid[:height_px, :width_px].astype(np.float32) + np.float32(0.5)
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def _from_planes(graph: _Graph, planes: str, pixels: Pixels) -> None:
    """From (N, 3, H, W) in the order blue, green, red to the network's tensors."""
    if pixels.rgb:
        planes = graph.op("Gather", planes, graph.constant(_BGR_TO_RGB), axis=1)
    shape = (3, 1, 1)
    if not pixels.channels_first:
        planes, shape = graph.op("Transpose", planes, perm=_TO_LAST), (3,)
    real = graph.op("Cast", planes, to=TensorProto.FLOAT)
    scale = graph.constant(np.array(pixels.scale, np.float32).reshape(shape))
    bias = graph.constant(np.array(pixels.bias, np.float32).reshape(shape))
    graph.op("Add", graph.op("Mul", real, scale), bias, out=TENSORS)


def _from_pixels(graph: _Graph, pixels: Pixels) -> None:
    """The same with the channels last: order and scale as one matrix, the fastest on a CPU."""
    order = _BGR_TO_RGB if pixels.rgb else np.arange(3)
    matrix = np.zeros((3, 3), np.float32)
    matrix[order, np.arange(3)] = pixels.scale
    real = graph.op("Cast", CROPS, to=TensorProto.FLOAT)
    if not any(pixels.bias):
        graph.op("MatMul", real, graph.constant(matrix), out=TENSORS)
        return
    scaled = graph.op("MatMul", real, graph.constant(matrix))
    graph.op("Add", scaled, graph.constant(np.array(pixels.bias, np.float32)), out=TENSORS)


def _tensors(pixels: Pixels, height: int | str, width: int | str) -> onnx.ValueInfoProto:
    shape = ["N", 3, height, width] if pixels.channels_first else ["N", height, width, 3]
    return helper.make_tensor_value_info(TENSORS, TensorProto.FLOAT, shape)
