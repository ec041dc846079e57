"""Small ONNX networks with the inputs and outputs of RTMPose, YOLOX and RTMO that really measure.

They see the people of ``core.synthetic_pictures``: a keypoint is a ball of its colour beside the
suit of the person in the middle of the crop. So all that surrounds a network, from the order of
the colours to half pixels, is tested and timed without anybody's weights. A few tens of kB each.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from core.pose.crops import IMAGENET_MEAN_RGB, IMAGENET_SD_RGB, Size
from core.pose.yolox import grid
from core.synthetic_pictures import OTHER, PALETTE, SUITS

F64 = NDArray[np.float64]
_OPSET, _IR_VERSION = 17, 8
_TOLERANCE = 0.22  # distance of colours, of 1, at which they are no longer alike
_POOL = 5  # edges, where colours mix into others, are thinner
_PURE = 0.35  # part of such a window that must be of the colour
_NEAR = 7  # the same for the suit around, in cells of two pixels
_NEAR_ENOUGH = 0.05
_RADIUS = 7.0  # px around the best place in which a ball's middle is taken …
_ROUNDS = 3  # … again and again around what came out, so that the best place does not draw it
_FULL = 0.65 - 1e-3  # purity above the limit in the middle of a whole ball
_SIGMA_BINS = 6.0
_BINS_PER_PX = 2
_BOX_RIM_PX = 2.0
_FULL_AREA_PX = 60.0
_NOWHERE = 1e4
_COCO_CLASSES, _OTHER_CLASS = 80, 16


class _Graph:
    """Nodes and constants as they are added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        name = f"constant{len(self._constants)}"
        array = np.ascontiguousarray(np.asarray(values, kind))
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str | float, out: str = "", **attributes: Any) -> str:
        """Add a node; numbers among its inputs become constants. Returns its output's name."""
        name = out or f"value{len(self._nodes)}"
        named = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self._nodes.append(helper.make_node(operator, named, [name], **attributes))
        return name

    def axes(self, *numbers: int) -> str:
        return self.constant(numbers, np.int64)

    def save(self, path: Path, inputs: Sequence[Any], outputs: Sequence[Any]) -> Path:
        graph = helper.make_graph(self._nodes, path.stem, inputs, outputs, self._constants)
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())
        return path


def _likeness(graph: _Graph, picture: str, colours: F64, pool: int, stride: int) -> str:
    """Picture (N, 3, H, W) of 0..1 to (N, K, H', W'): how much of a window is of each colour."""
    unit = colours / 255
    both = graph.add("Concat", picture, graph.add("Mul", picture, picture), axis=1)
    weights = np.concatenate([-2 * unit, np.ones_like(unit)], axis=1)[:, :, None, None]
    square = graph.add("Conv", both, graph.constant(weights), graph.constant((unit**2).sum(axis=1)))
    near = graph.add("Relu", graph.add("Sub", 1.0, graph.add("Mul", square, _TOLERANCE**-2)))
    return _averaged(graph, near, pool, stride)


def _averaged(graph: _Graph, maps: str, pool: int, stride: int = 1) -> str:
    return graph.add(
        "AveragePool",
        maps,
        kernel_shape=[pool] * 2,
        pads=[pool // 2] * 4,
        strides=[stride] * 2,
        count_include_pad=1,
    )


class _Places(NamedTuple):
    """Names of values (N, K): the middle of each ball in px, pixel centres from 0, and how sure."""

    x: str
    y: str
    confidence: str


def _places(graph: _Graph, maps: str, weight: str, size: Size) -> _Places:
    """Find the best ball in each of the maps (N, K, H/2, W/2), weighted by (…, H/2, W/2)."""
    columns = size.width_px // 2
    x_px, y_px = np.arange(columns) * 2.0, np.arange(size.height_px // 2) * 2.0
    across = graph.constant(x_px[None, None, None, :])
    down = graph.constant(y_px[None, None, :, None])
    flat = graph.add("Reshape", graph.add("Mul", maps, weight), graph.axes(0, 0, -1))
    best = graph.add("ArgMax", flat, axis=2, keepdims=0)
    cells = (graph.add(one, best, graph.axes(columns)) for one in ("Mod", "Div"))
    x, y = (graph.add("Mul", graph.add("Cast", one, to=TensorProto.FLOAT), 2.0) for one in cells)
    near = maps
    for _ in range(_ROUNDS):
        near = _around(graph, maps, (x, across), (y, down))
        x, y = (_middle_of(graph, near, places) for places in (across, down))
    peak = graph.add("ReduceMax", near, axes=[2, 3], keepdims=0)
    return _Places(x, y, graph.add("Clip", graph.add("Mul", peak, 1 / _FULL), 0.0, 1.0))


def _around(graph: _Graph, maps: str, *axes: tuple[str, str]) -> str:
    """Maps weighted by a bell around a place, given as (its coordinate, those of the cells)."""
    for centre, places in axes:
        there = graph.add("Unsqueeze", centre, graph.axes(2, 3))
        away = graph.add("Pow", graph.add("Sub", places, there), 2.0)
        maps = graph.add("Mul", maps, graph.add("Exp", graph.add("Mul", away, -0.5 / _RADIUS**2)))
    return maps


def _middle_of(graph: _Graph, maps: str, places: str) -> str:
    both = graph.axes(2, 3)
    total = graph.add("Max", graph.add("ReduceSum", maps, both, keepdims=0), 1e-6)
    moment = graph.add("ReduceSum", graph.add("Mul", maps, places), both, keepdims=0)
    return graph.add("Div", moment, total)


def _tensor(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def _input(size: Size, batch: int | str) -> list[Any]:
    return [_tensor("input", [batch, 3, size.height_px, size.width_px])]


def write_rtmpose(
    path: Path, size: Size, *, n_keypoints: int = len(PALETTE), batch: int | str = "batch"
) -> Path:
    """Write a top-down network: input (N, 3, H, W) RGB as mmpose scales it, output SimCC.

    ``batch`` is the first axis: a name where any number may come, or the one number that may.
    """
    graph = _Graph()
    sd, mean = (
        np.array(one)[None, :, None, None] / 255 for one in (IMAGENET_SD_RGB, IMAGENET_MEAN_RGB)
    )
    picture = graph.add("Add", graph.add("Mul", "input", graph.constant(sd)), graph.constant(mean))
    alike = _likeness(graph, picture, PALETTE[:n_keypoints, ::-1], _POOL, 2)
    balls = graph.add("Relu", graph.add("Sub", alike, _PURE))
    mine = graph.add("Mul", balls, _beside_own_suit(graph, picture, size))
    found = _places(graph, mine, graph.constant(_middle(size)), size)
    last = graph.axes(-1)
    sure = graph.add("Unsqueeze", found.confidence, last)
    outputs = []
    for place, side_px, name in (
        (found.x, size.width_px, "simcc_x"),
        (found.y, size.height_px, "simcc_y"),
    ):
        bins = np.arange(_BINS_PER_PX * side_px, dtype=np.float64)[None, None]
        middle = graph.add("Mul", graph.add("Unsqueeze", place, last), float(_BINS_PER_PX))
        away = graph.add("Pow", graph.add("Sub", graph.constant(bins), middle), 2.0)
        bell = graph.add("Exp", graph.add("Mul", away, -0.5 / _SIGMA_BINS**2))
        graph.add("Mul", bell, sure, out=name)
        outputs.append(_tensor(name, [batch, n_keypoints, bins.size]))
    return graph.save(path, _input(size, batch), outputs)


def _middle(size: Size) -> F64:
    """Weights (1, 1, H/2, W/2): the middle of the crop counts most."""
    x = (np.arange(size.width_px // 2) * 4.0 - size.width_px) / size.width_px
    y = (np.arange(size.height_px // 2) * 4.0 - size.height_px) / size.height_px
    return np.exp(-4 * (x[None, :] ** 2 + y[:, None] ** 2))[None, None]


def _beside_own_suit(graph: _Graph, picture: str, size: Size) -> str:
    """Mask (N, 1, H/2, W/2) of what lies beside the suit that fills the middle of the crop."""
    suits = _likeness(graph, picture, SUITS[:, ::-1], 3, 2)
    weighted = graph.add("Mul", suits, graph.constant(_middle(size)))
    share = graph.add("ReduceSum", weighted, graph.axes(2, 3), keepdims=1)
    most = graph.add("ReduceMax", share, axes=[1], keepdims=1)
    own = graph.add("Cast", graph.add("GreaterOrEqual", share, most), to=TensorProto.FLOAT)
    mine = graph.add("ReduceSum", graph.add("Mul", suits, own), graph.axes(1), keepdims=1)
    near = graph.add("Greater", _averaged(graph, mine, _NEAR), _NEAR_ENOUGH)
    return graph.add("Cast", near, to=TensorProto.FLOAT)


def write_yolox(path: Path, size: Size, *, raw: bool = False, batch: int | str = "batch") -> Path:
    """Write a detector: input (N, 3, H, W) BGR 0..255, one box around each suit.

    Suppressed form: ``dets`` (N, 5, 5) and ``labels`` (N, 5). Raw form: ``output`` (N, M, 85) with
    the same box in several cells. The fifth box is of a thing of another class.
    """
    graph = _Graph()
    boxes, score = _suit_boxes(graph, np.concatenate([SUITS, OTHER]), size)
    if raw:
        outputs = [_raw(graph, boxes, score, size, batch)]
        return graph.save(path, _input(size, batch), outputs)
    n_boxes = len(SUITS) + 1
    graph.add("Concat", boxes, score, axis=2, out="dets")
    classes = np.array([[0] * len(SUITS) + [1]])
    none = graph.add("Mul", graph.add("Squeeze", score, graph.axes(2)), 0.0)
    label = graph.add("Add", none, graph.constant(classes))
    graph.add("Cast", label, to=TensorProto.INT64, out="labels")
    outputs = [
        _tensor("dets", [batch, n_boxes, 5]),
        _tensor("labels", [batch, n_boxes], TensorProto.INT64),
    ]
    return graph.save(path, _input(size, batch), outputs)


def _suit_boxes(graph: _Graph, colours: F64, size: Size) -> tuple[str, str]:
    """Boxes (N, P, 4) around each colour in a picture 0..255, and scores (N, P, 1) by the area."""
    picture = graph.add("Mul", "input", 1 / 255)
    alike = _likeness(graph, picture, colours, 3, 1)
    on = graph.add("Cast", graph.add("Greater", alike, 0.6), to=TensorProto.FLOAT)
    low, high = [], []
    for axis, side_px in ((2, size.width_px), (3, size.height_px)):
        any_there = graph.add("Greater", graph.add("ReduceMax", on, axes=[axis], keepdims=0), 0.5)
        for edge, shift, none, operator in (
            (low, -_BOX_RIM_PX, _NOWHERE, "ReduceMin"),
            (high, 1 + _BOX_RIM_PX, -_NOWHERE, "ReduceMax"),
        ):
            places = graph.constant(np.arange(side_px)[None, None] + shift)
            there = graph.add("Where", any_there, places, graph.constant(none))
            edge.append(graph.add(operator, there, axes=[2], keepdims=1))
    boxes = graph.add("Concat", *low, *high, axis=2)
    area = graph.add("ReduceSum", on, graph.axes(2, 3), keepdims=0)
    score = graph.add("Clip", graph.add("Mul", area, 1 / _FULL_AREA_PX), 0.0, 1.0)
    return boxes, graph.add("Unsqueeze", score, graph.axes(-1))


def _raw(graph: _Graph, boxes: str, score: str, size: Size, batch: int | str) -> Any:
    """Add the raw form: each cell says the box whose middle is nearest, the surer the nearer."""
    cells, strides = grid(size)
    low, high = (
        graph.add("Slice", boxes, graph.axes(a), graph.axes(b), graph.axes(2))
        for a, b in ((0, 2), (2, 4))
    )
    middle = graph.add("Mul", graph.add("Add", low, high), 0.5)  # (N, P, 2)
    side = graph.add("Max", graph.add("Sub", high, low), 1.0)
    centres = graph.constant(((cells + 0.5) * strides)[None, None])  # (1, 1, M, 2)
    away = graph.add("Sub", centres, graph.add("Unsqueeze", middle, graph.axes(2)))
    farther = graph.add("ReduceMax", graph.add("Abs", away), axes=[3], keepdims=0)  # (N, P, M)
    reach = graph.constant(1 / (1.5 * strides.T[None]))
    near = graph.add("Relu", graph.add("Sub", 1.0, graph.add("Mul", farther, reach)))
    sure = graph.add("Mul", graph.add("Sqrt", near), score)
    best = graph.add("ReduceMax", sure, axes=[1], keepdims=1)
    chosen = graph.add("Cast", graph.add("GreaterOrEqual", sure, best), to=TensorProto.FLOAT)
    share = graph.add("Div", chosen, graph.add("ReduceSum", chosen, graph.axes(1), keepdims=1))
    per_cell = graph.add("Transpose", share, perm=[0, 2, 1])  # (N, M, P)
    stride = graph.constant(1 / strides[None])
    place = graph.add("Mul", graph.add("MatMul", per_cell, middle), stride)
    place = graph.add("Sub", place, graph.constant(cells[None]))
    extent = graph.add("Log", graph.add("Mul", graph.add("MatMul", per_cell, side), stride))
    classes = np.zeros((len(SUITS) + 1, _COCO_CLASSES))
    classes[:-1, 0], classes[-1, _OTHER_CLASS] = 1.0, 1.0
    classed = graph.add("MatMul", per_cell, graph.constant(classes))
    there = graph.add("Transpose", best, perm=[0, 2, 1])
    graph.add("Concat", place, extent, there, classed, axis=2, out="output")
    return _tensor("output", [batch, len(cells), 5 + _COCO_CLASSES])


def write_rtmo(
    path: Path, size: Size, *, batch: int | str = "batch", n_keypoints: int = 17
) -> Path:
    """Write a one-stage network: input (N, 3, H, W) BGR 0..255, ``dets`` and ``keypoints``."""
    graph = _Graph()
    n_boxes = len(SUITS)
    boxes, score = _suit_boxes(graph, SUITS, size)
    picture = graph.add("Mul", "input", 1 / 255)
    balls = _likeness(graph, picture, PALETTE[:n_keypoints], 3, 2)
    balls = graph.add("Relu", graph.add("Sub", balls, _PURE))  # (N, K, H/2, W/2)
    suits = _averaged(graph, _likeness(graph, picture, SUITS, 3, 2), _POOL)
    beside = graph.add("Cast", graph.add("Greater", suits, _NEAR_ENOUGH), to=TensorProto.FLOAT)
    each = graph.add(
        "Mul",
        graph.add("Unsqueeze", balls, graph.axes(1)),
        graph.add("Unsqueeze", beside, graph.axes(2)),
    )  # (N, P, K, H/2, W/2)
    rows, columns = size.height_px // 2, size.width_px // 2
    maps = graph.add("Reshape", each, graph.axes(0, n_boxes * n_keypoints, rows, columns))
    found = _places(graph, maps, graph.constant(1.0), size)
    parts = [
        graph.add("Reshape", one, graph.axes(0, n_boxes, n_keypoints, 1))
        for one in (found.x, found.y, found.confidence)
    ]
    graph.add("Concat", *parts, axis=3, out="keypoints")
    graph.add("Concat", boxes, score, axis=2, out="dets")
    outputs = [
        _tensor("dets", [batch, n_boxes, 5]),
        _tensor("keypoints", [batch, n_boxes, n_keypoints, 3]),
    ]
    return graph.save(path, _input(size, batch), outputs)
