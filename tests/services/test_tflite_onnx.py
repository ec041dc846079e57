"""The converter against plain numpy on hand-built networks, then on the real BlazePose ones."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tflite
from numpy.typing import NDArray

from core.errors import AssetError
from services.models import ensure
from services.tflite_onnx import convert, same_padding
from tests.services.tflite_builder import Step, Tensor, build

F32 = NDArray[np.float32]
SEED = 7
PICTURE = (1, 4, 6, 4)


def one_step(
    kind: str,
    shape: tuple[int, ...],
    constants: Sequence[NDArray[Any]] = (),
    options: str = "",
    settings: Mapping[str, int] | None = None,
) -> bytes:
    """A network of one operator on a picture, with an output named ``out`` of ``shape``."""
    held = [Tensor(f"held{n}", values.shape, values) for n, values in enumerate(constants)]
    tensors = [Tensor("picture", PICTURE), Tensor("out", shape), *held]
    inputs = (0, *range(2, len(tensors)))
    return build(tensors, [Step(kind, inputs, 1, options, settings or {})], [1])


def run(model: bytes, pictures: F32) -> dict[str, F32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"input": pictures}), strict=True))  # pyright: ignore[reportReturnType]


def pictures(n: int = 1, shape: tuple[int, ...] = PICTURE[1:]) -> F32:
    return np.random.default_rng(SEED).uniform(-1, 1, (n, *shape)).astype(np.float32)


def convolved(picture: F32, weights: F32, stride: int, pads: tuple[tuple[int, int], ...]) -> F32:
    """One picture (1, H, W, C) with weights (O, h, w, C), by the definition."""
    padded = np.pad(picture[0], (*pads, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[1:3], axis=(0, 1))
    return np.einsum("yxchw,ohwc->yxo", windows[::stride, ::stride], weights)[None]


CONVOLUTION = {"DilationHFactor": 1, "DilationWFactor": 1}


def test_sparse_half_weights_with_odd_padding_convolve_as_defined() -> None:
    weights = np.zeros((3, 3, 3, 4), np.float16)
    weights[:, :, :, 1] = np.random.default_rng(SEED).normal(size=(3, 3, 3))
    n_rows = 27
    sparse = Tensor(
        "sparse", weights.shape, weights[..., 1].reshape(-1), range(n_rows + 1), [1] * n_rows
    )
    bias = np.array([0.5, -0.25, 8], np.float16)
    strides = {"StrideH": 2, "StrideW": 2, "Padding": tflite.Padding.SAME}
    activation = {"FusedActivationFunction": tflite.ActivationFunctionType.RELU6}
    network = build(
        [
            Tensor("picture", PICTURE),
            sparse,
            Tensor("filled", weights.shape),
            Tensor("weights", weights.shape),
            Tensor("bias16", (3,), bias),
            Tensor("bias", (3,)),
            Tensor("out", (1, 2, 3, 3)),
        ],
        [
            Step("DENSIFY", (1,), 2),
            Step("DEQUANTIZE", (2,), 3),
            Step("DEQUANTIZE", (4,), 5),
            Step("CONV_2D", (0, 3, 5), 6, "Conv2DOptions", CONVOLUTION | strides | activation),
        ],
        [6],
    )
    picture = pictures()
    expected = convolved(picture, weights.astype(np.float32), 2, ((0, 1), (0, 1))) + bias
    found = run(convert(network), picture)["out"]
    np.testing.assert_allclose(found, np.clip(expected, 0, 6), atol=1e-5)
    assert found.max() == 6


def test_depthwise_convolution_keeps_channels_apart() -> None:
    weights = np.random.default_rng(SEED).normal(size=(1, 3, 3, 4)).astype(np.float32)
    settings = CONVOLUTION | {"StrideH": 1, "StrideW": 1, "DepthMultiplier": 1}
    settings["Padding"] = tflite.Padding.VALID
    network = one_step(
        "DEPTHWISE_CONV_2D", (1, 2, 4, 4), [weights], "DepthwiseConv2DOptions", settings
    )
    diagonal = np.einsum("ihwc,co->ohwc", weights, np.eye(4, dtype=np.float32))
    expected = convolved(pictures(), diagonal, 1, ((0, 0), (0, 0)))
    np.testing.assert_allclose(run(convert(network), pictures())["out"], expected, atol=1e-5)


def test_max_pool_pads_with_nothing_that_could_win() -> None:
    settings = {"FilterHeight": 3, "FilterWidth": 3, "StrideH": 2, "StrideW": 2}
    settings["Padding"] = tflite.Padding.SAME
    network = one_step("MAX_POOL_2D", (1, 2, 3, 4), (), "Pool2DOptions", settings)
    picture = pictures() - 2
    padded = np.pad(picture[0], ((0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    expected = windows.max(axis=(-1, -2))[None, ::2, ::2]
    np.testing.assert_array_equal(run(convert(network), picture)["out"], expected)


def test_add_broadcasts_a_constant_along_the_channels() -> None:
    offset = np.array([1, 2, 3, -40], np.float32)
    relu = {"FusedActivationFunction": tflite.ActivationFunctionType.RELU}
    network = one_step("ADD", PICTURE, [offset], "AddOptions", relu)
    expected = np.maximum(pictures() + offset, 0)
    np.testing.assert_allclose(run(convert(network), pictures())["out"], expected, atol=1e-6)


def test_pad_adds_zeros_where_the_file_says() -> None:
    amounts = np.array([[0, 0], [1, 0], [0, 2], [0, 3]], np.int32)
    network = one_step("PAD", (1, 5, 8, 7), [amounts])
    expected = np.pad(pictures(), amounts.tolist())
    np.testing.assert_array_equal(run(convert(network), pictures())["out"], expected)


def test_depth_to_space_moves_channels_into_blocks() -> None:
    network = one_step("DEPTH_TO_SPACE", (1, 8, 12, 1), (), "DepthToSpaceOptions", {"BlockSize": 2})
    blocks = pictures().reshape(4, 6, 2, 2)
    expected = blocks.transpose(0, 2, 1, 3).reshape(1, 8, 12, 1)
    np.testing.assert_array_equal(run(convert(network), pictures())["out"], expected)


def test_resize_with_half_pixel_centres_interpolates() -> None:
    network = one_step(
        "RESIZE_BILINEAR",
        (1, 8, 12, 4),
        [np.array([8, 12], np.int32)],
        "ResizeBilinearOptions",
        {"HalfPixelCenters": 1},
    )
    rows, columns = (np.arange(8) + 0.5) / 2 - 0.5, (np.arange(12) + 0.5) / 2 - 0.5

    def along(values: F32, at: NDArray[np.float64], axis: int) -> F32:
        at = np.clip(at, 0, values.shape[axis] - 1)
        below = np.minimum(at.astype(int), values.shape[axis] - 2)
        share = (at - below).reshape([-1 if each == axis else 1 for each in range(4)])
        first, second = values.take(below, axis), values.take(below + 1, axis)
        return (first * (1 - share) + second * share).astype(np.float32)

    expected = along(along(pictures(), rows, 1), columns, 2)
    np.testing.assert_allclose(run(convert(network), pictures())["out"], expected, atol=1e-5)


def test_logistic_then_reshape_reads_the_pixels_in_the_files_order() -> None:
    network = build(
        [Tensor("picture", PICTURE), Tensor("odds", PICTURE), Tensor("out", (1, 24, 4))],
        [Step("LOGISTIC", (0,), 1), Step("RESHAPE", (1,), 2)],
        [2],
    )
    picture = pictures(3)
    expected = (1 / (1 + np.exp(-picture))).reshape(3, 24, 4)
    np.testing.assert_allclose(run(convert(network), picture)["out"], expected, atol=1e-6)


def test_concatenation_joins_along_the_files_axis() -> None:
    network = build(
        [Tensor("picture", PICTURE), Tensor("odds", PICTURE), Tensor("out", (1, 4, 6, 8))],
        [
            Step("LOGISTIC", (0,), 1),
            Step("CONCATENATION", (0, 1), 2, "ConcatenationOptions", {"Axis": 3}),
        ],
        [2],
    )
    found = run(convert(network), pictures())["out"]
    np.testing.assert_array_equal(found[..., :4], pictures())
    assert found.shape == (1, 4, 6, 8)


def test_an_unsupported_operator_is_named_unless_nothing_kept_needs_it() -> None:
    network = build(
        [Tensor("picture", PICTURE), Tensor("soft", PICTURE), Tensor("odds", PICTURE)],
        [Step("SOFTMAX", (0,), 1), Step("LOGISTIC", (0,), 2)],
        [1, 2],
    )
    with pytest.raises(AssetError, match=r"SOFTMAX.*'soft'"):
        convert(network)
    assert list(run(convert(network, drop_outputs=["soft"]), pictures())) == ["odds"]


def test_an_unsupported_activation_is_refused() -> None:
    tanh = {"FusedActivationFunction": tflite.ActivationFunctionType.TANH}
    with pytest.raises(AssetError, match="activation function 4"):
        convert(one_step("ADD", PICTURE, [np.ones(4, np.float32)], "AddOptions", tanh))


def test_a_reshape_that_mixes_the_batch_is_refused() -> None:
    with pytest.raises(AssetError, match="RESHAPE"):
        convert(one_step("RESHAPE", (4, 24)))


def test_other_bytes_are_refused() -> None:
    with pytest.raises(AssetError, match="TFL3"):
        convert(b"PK\x03\x04 something else")


def test_dropping_an_unknown_output_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"\['none'\].*\['out'\]"):
        convert(one_step("LOGISTIC", PICTURE), drop_outputs=["none"])


def test_weights_that_half_cannot_hold_stay_full() -> None:
    values = np.full((1, 4, 6, 4), 1 + 1e-6, np.float32)
    network = one_step("ADD", PICTURE, [values], "AddOptions")
    np.testing.assert_array_equal(run(convert(network), pictures())["out"], pictures() + values)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [5, 8, 224])
def test_same_padding_gives_one_output_a_stride(size: int, window: int, stride: int) -> None:
    before, after = same_padding(size, window, stride)
    assert 0 <= after - before <= 1
    assert (size + before + after - window) // stride + 1 == -(-size // stride)


@pytest.fixture(scope="module")
def blazepose() -> dict[str, Path]:
    return ensure("blazepose")


REAL = [
    ("pose_detection", (224, 224, 3), ()),
    ("pose_landmark_full", (256, 256, 3), ("Identity_2",)),
]


@pytest.mark.parametrize(("name", "shape", "dropped"), REAL)
def test_four_pictures_at_once_equal_four_times_one(
    blazepose: dict[str, Path], name: str, shape: tuple[int, ...], dropped: tuple[str, ...]
) -> None:
    model = blazepose[f"{name}.onnx"].read_bytes()
    batch = np.abs(pictures(4, shape))
    together = run(model, batch)
    apart = [run(model, picture[None]) for picture in batch]
    for output, values in together.items():
        one_by_one = np.concatenate([each[output] for each in apart])
        np.testing.assert_allclose(values, one_by_one, rtol=1e-5, atol=1e-4)
    assert not set(dropped) & set(together)


@pytest.mark.parametrize(("name", "shape", "dropped"), REAL)
def test_half_storage_halves_the_file_and_changes_no_result(
    blazepose: dict[str, Path], name: str, shape: tuple[int, ...], dropped: tuple[str, ...]
) -> None:
    network = blazepose[f"{name}.tflite"].read_bytes()
    half = convert(network, drop_outputs=dropped)
    full = convert(network, drop_outputs=dropped, half_storage=False)
    assert len(half) < 0.55 * len(full)
    picture = np.abs(pictures(1, shape))
    expected = run(full, picture)
    for output, values in run(half, picture).items():
        np.testing.assert_array_equal(values, expected[output])


@pytest.mark.parametrize(("name", "shape", "dropped"), REAL)
def test_the_same_network_gives_the_same_bytes(
    blazepose: dict[str, Path], name: str, shape: tuple[int, ...], dropped: tuple[str, ...]
) -> None:
    again = convert(blazepose[f"{name}.tflite"].read_bytes(), drop_outputs=dropped)
    kept = hashlib.sha256(blazepose[f"{name}.onnx"].read_bytes()).hexdigest()
    assert hashlib.sha256(again).hexdigest() == kept


def test_the_landmark_network_keeps_its_other_heads(blazepose: dict[str, Path]) -> None:
    network = blazepose["pose_landmark_full.tflite"].read_bytes()
    picture = np.abs(pictures(1, (256, 256, 3)))
    everything = run(convert(network), picture)
    shapes = {name: values.shape[1:] for name, values in everything.items()}
    assert shapes == {
        "Identity": (195,),
        "Identity_1": (1,),
        "Identity_2": (256, 256, 1),
        "Identity_3": (64, 64, 39),
        "Identity_4": (117,),
    }
    without = run(blazepose["pose_landmark_full.onnx"].read_bytes(), picture)
    assert set(everything) - set(without) == {"Identity_2"}
    np.testing.assert_array_equal(without["Identity"], everything["Identity"])
