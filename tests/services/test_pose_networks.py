"""Networks that do not fit are refused with what to do."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from core.errors import AssetError, ConfigError
from core.skeletons import HALPE_26, SKELETONS
from services.backend_rtmo import open_rtmo
from services.backend_rtmpose import open_rtmpose
from tests.services import pose_scenes as scenes
from tests.services.pose_scenes import CONFIG, CPU


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return scenes.write_networks(tmp_path_factory.mktemp("networks"))


def shaped(path: Path, shape: list, n_outputs: int = 1) -> Path:
    """A network whose outputs are its input."""
    tensors = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in ("input", *(f"out{i}" for i in range(n_outputs)))
    ]
    nodes = [onnx.helper.make_node("Identity", ["input"], [f"out{i}"]) for i in range(n_outputs)]
    graph = onnx.helper.make_graph(nodes, "identity", tensors[:1], tensors[1:])
    opset = [onnx.helper.make_opsetid("", 17)]
    path.write_bytes(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    )
    return path


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda f, t: f["pose"].read_bytes()[:5000], AssetError, "cut short"),
        (lambda f, t: b"no network", AssetError, "not a network"),
        (lambda f, t: None, AssetError, "no such file"),
        (lambda f, t: shaped(t / "a", [1, 3, 256]).read_bytes(), ConfigError, "4 axes"),
        (lambda f, t: shaped(t / "a", [1, 256, 192, 3]).read_bytes(), ConfigError, "4 axes"),
        (lambda f, t: shaped(t / "a", [4, 3, 256, 192]).read_bytes(), ConfigError, "4 pictures"),
        (lambda f, t: shaped(t / "a", ["n", 3, "h", "w"]).read_bytes(), ConfigError, "are open"),
        (lambda f, t: shaped(t / "a", [1, 3, 256, 192]).read_bytes(), ConfigError, "simcc_x"),
        (lambda f, t: f["rtmo"].read_bytes(), ConfigError, "leave pose.detector_path out"),
        (lambda f, t: f["detector"].read_bytes(), ConfigError, "simcc_x"),
    ],
)
def test_a_bad_pose_network_is_refused_with_what_to_do(
    files: dict[str, Path],
    tmp_path: Path,
    make: Callable[[dict[str, Path], Path], bytes | None],
    error: type[Exception],
    says: str,
) -> None:
    path = tmp_path / "mine.onnx"
    content = make(files, tmp_path)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=says) as raised:
        open_rtmpose(files["detector"], path, HALPE_26, CONFIG, CPU)
    assert "mine.onnx" in str(raised.value)


def test_another_number_of_keypoints_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="26 keypoints, and COCO_17 has 17; name the set"):
        open_rtmpose(files["detector"], files["pose"], SKELETONS["COCO_17"], CONFIG, CPU)
    with pytest.raises(ConfigError, match="17 keypoints, and HALPE_26 has 26"):
        open_rtmo(files["rtmo"], HALPE_26, CONFIG, CPU)


def test_networks_in_each_others_places_are_refused(files: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="YOLOX's dets"):
        open_rtmpose(files["pose"], files["pose"], HALPE_26, CONFIG, CPU)
    with pytest.raises(ConfigError, match=r"name a detector in pose\.detector_path"):
        open_rtmo(files["pose"], HALPE_26, CONFIG, CPU)
