"""Networks with their pre-processing: batches, crops on the device, errors; real ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.errors import AssetError, ConfigError
from core.pose.crops import Roi, Size
from services.inference import Runtime, gpu_present, open_session
from services.networks import Network, open_network
from services.preprocessing import Pixels

SIZE = Size(48, 64)
RGB = Pixels.standardised((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
BLUE_LAST = Pixels((1 / 127.5,) * 3, (-1.0,) * 3, rgb=True, channels_first=False)


def identity(folder: Path, batch: int | str, *, channels_first: bool = True) -> Path:
    """A network that gives back what it is given."""
    shape = [batch, 3, SIZE.height_px, SIZE.width_px]
    shape = shape if channels_first else [batch, SIZE.height_px, SIZE.width_px, 3]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("input", "output")]
    node = helper.make_node("Identity", ["input"], ["output"])
    graph = helper.make_graph([node], "identity", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    path = folder / f"identity_{batch}.onnx"
    onnx.save(model, path)
    return path


def opened(folder: Path, batch: int | str = "N", pixels: Pixels = RGB, crop_on: str = "host"):
    model = identity(folder, batch, channels_first=pixels.channels_first)
    return open_network(model, ("output",), pixels, Runtime("cpu"), crop_on)


def pictures(n: int) -> list[np.ndarray]:
    """Smooth colour pictures (120, 90, 3), each another."""
    y, x = np.mgrid[:120, :90]
    return [
        np.stack([x * 2 + i, y * 2 - i, (x + y) % 200 + 3 * i], axis=-1).clip(0, 255).astype("u1")
        for i in range(n)
    ]


def crops(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *SIZE[::-1], 3), dtype=np.uint8)


def test_pixels_come_standardised_red_first(tmp_path):
    cuts = crops(3)
    (tensors,) = opened(tmp_path).run(cuts)
    mean, sd = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    expected = ((cuts[..., ::-1] - mean) / sd).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(tensors, expected, atol=1e-5)


def test_the_order_of_colours_is_red_first_and_nothing_else(tmp_path):
    red = np.zeros((1, *SIZE[::-1], 3), np.uint8)
    red[..., 2] = 255  # pictures are BGR
    (tensors,) = opened(tmp_path, pixels=BLUE_LAST).run(red)
    np.testing.assert_allclose(tensors[0, 5, 5], [1, -1, -1], atol=1e-6)
    (planes,) = opened(tmp_path).run(red)
    assert planes[0, 0].mean() > 2
    assert planes[0, 2].mean() < -1.8


@pytest.mark.parametrize("pixels", [RGB, BLUE_LAST])
def test_a_batch_is_its_pictures_one_by_one_to_the_last_bit(tmp_path, pixels):
    cuts, network = crops(5), opened(tmp_path, pixels=pixels)
    (together,) = network.run(cuts)
    alone = [network.run(cuts[i : i + 1])[0] for i in range(5)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_an_export_for_one_picture_is_looped(tmp_path):
    fixed, free = opened(tmp_path, 1), opened(tmp_path)
    assert not fixed.takes_batches
    assert free.takes_batches
    np.testing.assert_array_equal(fixed.run(crops(4))[0], free.run(crops(4))[0])


def test_outputs_are_kept_when_the_network_runs_again(tmp_path):
    network = opened(tmp_path)
    (first,) = network.run(crops(2))
    kept = first.copy()
    network.run(255 - crops(2))
    np.testing.assert_array_equal(first, kept)


def regions(network: Network):
    first, second = pictures(2)
    jobs = [
        (first, Roi(45, 60, 80, 0.0)),
        (second, Roi(40, 66, 55, 0.4)),
        (first, Roi(5, 5, 60, 0)),
    ]
    return network.run_regions(jobs, SIZE)


def test_crops_on_the_device_are_those_of_the_host_to_a_grey_level(tmp_path):
    (host,), affines = regions(opened(tmp_path, pixels=BLUE_LAST))
    (device,), same = regions(opened(tmp_path, pixels=BLUE_LAST, crop_on="device"))
    inside = np.abs(host - device)[:2] * 127.5
    assert inside.max() < 1.0  # OpenCV rounds to whole levels
    np.testing.assert_allclose(affines[1].matrix, same[1].matrix)
    assert np.median(np.abs(host - device)[2]) * 127.5 < 1.0


def test_pictures_of_several_sizes_are_cut_on_the_host(tmp_path):
    first, small = pictures(1)[0], np.full((60, 45, 3), 90, np.uint8)
    jobs = [(first, Roi(45, 60, 80, 0.0)), (small, Roi(22, 30, 20, 0.0))]
    (tensors,), _ = opened(tmp_path, crop_on="device").run_regions(jobs, SIZE)
    assert len(tensors) == 2


def test_a_file_that_is_no_network_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(identity(tmp_path, 1).read_bytes()[:40])
    with pytest.raises(AssetError, match=r"broken\.onnx: not a network .*fetch or copy it again"):
        open_session(path, Runtime("cpu"))
    with pytest.raises(AssetError, match="no such file"):
        open_session(tmp_path / "none.onnx", Runtime("cpu"))


def test_a_network_of_another_kind_is_refused(tmp_path):
    with pytest.raises(AssetError, match="has no output simcc_x, only output"):
        open_network(identity(tmp_path, 1), ("simcc_x",), RGB, Runtime("cpu"))


@pytest.mark.skipif(gpu_present(), reason="there is a GPU")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_gpu_that_is_not_there_is_an_error_unless_the_cpu_may_do(tmp_path, provider, caplog):
    model = identity(tmp_path, "N")
    with pytest.raises(ConfigError, match=r"uv sync --extra cuda.*allow_cpu"):
        open_network(model, ("output",), RGB, Runtime(provider))
    network = open_network(model, ("output",), RGB, Runtime(provider, allow_cpu=True))
    assert network.provider == "CPU"
    assert len(network.run(crops(2))[0]) == 2
    assert "going on" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_present(), reason="needs a GPU")
@pytest.mark.parametrize("crop_on", ["host", "device"])
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_gpu_gives_what_the_cpu_gives(tmp_path, provider, crop_on):
    model = identity(tmp_path, "N", channels_first=False)
    network = open_network(model, ("output",), BLUE_LAST, Runtime(provider), crop_on)
    (there,), _ = regions(network)
    (here,), _ = regions(opened(tmp_path, pixels=BLUE_LAST, crop_on=crop_on))
    np.testing.assert_allclose(there, here, atol=2e-2)
