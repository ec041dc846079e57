"""Networks in files of unknown making: what their inputs and outputs are, and whether they fit.

A network is run once on a black picture, because declared shapes may be left open; that also warms
it up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import ConfigError
from core.pose import yolox
from core.pose.crops import Size
from core.skeletons import Skeleton
from services.inference import RUN_ERRORS, Runtime
from services.networks import Network, open_network
from services.preprocessing import Pixels

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImageNetwork:
    """A network that takes pictures of one size."""

    network: Network
    size: Size
    shapes: tuple[Shape, ...]
    """Of its outputs for one picture."""

    def run(self, pictures: Sequence[U8]) -> list[F32]:
        """Outputs for pictures (height, width, 3) BGR of its size."""
        return self.network.run(np.stack(pictures))


def open_image_network(
    path: Path, pixels: Pixels, runtime: Runtime, size: Size | None, crop_on: str = "host"
) -> ImageNetwork:
    """Load a network with one input (N, 3, height, width).

    Args:
        path: the ONNX file.
        pixels: how it wants them.
        runtime: what it is to run on.
        size: of the input, where the file leaves it open.
        crop_on: as of ``PoseConfig.crop_on``.

    Raises:
        AssetError: not a network.
        ConfigError: its input is of another kind, or it does not run.
    """
    network = open_network(path, (), pixels, runtime, crop_on)
    found = _input_size(network.session, path, size)
    try:
        outputs = network.run(np.zeros((1, found.height_px, found.width_px, 3), np.uint8))
    except RUN_ERRORS as error:
        raise ConfigError(
            f"{path}: does not run on one picture of {_of(found)}: {error}"
        ) from error
    return ImageNetwork(network, found, tuple(one.shape for one in outputs))


def _input_size(session: onnxruntime.InferenceSession, path: Path, size: Size | None) -> Size:
    inputs = session.get_inputs()
    shapes = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
    shape = inputs[0].shape
    fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4
    if not fits or (isinstance(shape[1], int) and shape[1] != 3):
        raise ConfigError(
            f"{path}: its input is {shapes}; one of float32 with 4 axes [batch, 3, height, width] "
            "is needed. Export it so, without pre-processing inside"
        )
    if isinstance(shape[0], int) and shape[0] != 1:
        raise ConfigError(
            f"{path}: takes {shape[0]} pictures, no more and no fewer; export it with a dynamic "
            "first axis, or with 1"
        )
    if all(isinstance(side, int) for side in shape[2:]):
        return Size(width_px=shape[3], height_px=shape[2])
    if size is None:
        raise ConfigError(
            f"{path}: height and width of its input are open ({shapes}); export it with fixed ones"
        )
    return size


def _of(size: Size) -> str:
    return f"{size.width_px}x{size.height_px} px"


def require_simcc(network: ImageNetwork, skeleton: Skeleton, path: Path) -> None:
    """Check that the outputs are RTMPose's, for this keypoint set.

    Raises:
        ConfigError: other outputs, or another number of keypoints.
    """
    shapes, count = network.shapes, len(skeleton.names)
    if len(shapes) != 2 or any(len(one) != 3 for one in shapes):
        raise ConfigError(
            f"{path}: outputs {_listed(shapes)}; RTMPose's simcc_x (N, keypoints, bins) and "
            f"simcc_y are needed{_one_stage_hint(network)}"
        )
    if {one[1] for one in shapes} != {count}:
        raise ConfigError(_miscounted(path, shapes[0][1], skeleton))
    per_px = shapes[0][2] / network.size.width_px, shapes[1][2] / network.size.height_px
    if per_px[0] != per_px[1]:
        raise ConfigError(
            f"{path}: {shapes[0][2]} and {shapes[1][2]} bins for a picture of {_of(network.size)}; "
            "SimCC has as many for each pixel across as down"
        )


def _one_stage_hint(network: ImageNetwork) -> str:
    if is_one_stage(network):
        return ". It is one-stage (RTMO): leave pose.detector_path out"
    return ""


def require_one_stage(network: ImageNetwork, skeleton: Skeleton, path: Path) -> None:
    """Check that the outputs are RTMO's, for this keypoint set.

    Raises:
        ConfigError: other outputs, or another number of keypoints.
    """
    if not is_one_stage(network):
        top_down = len(network.shapes) == 2 and all(len(one) == 3 for one in network.shapes)
        hint = ". It is top-down (RTMPose): name a detector in pose.detector_path"
        raise ConfigError(
            f"{path}: outputs {_listed(network.shapes)}; RTMO's dets (N, people, 5) and keypoints "
            f"(N, people, keypoints, 3) are needed{hint if top_down else ''}"
        )
    if network.shapes[1][2] != len(skeleton.names):
        raise ConfigError(_miscounted(path, network.shapes[1][2], skeleton))


def is_one_stage(network: ImageNetwork) -> bool:
    """Whether the outputs are RTMO's."""
    shapes = network.shapes
    return (
        len(shapes) == 2
        and (len(shapes[0]), len(shapes[1])) == (3, 4)
        and (shapes[0][2], shapes[1][3]) == (5, 3)
    )


def require_yolox(network: ImageNetwork, path: Path) -> None:
    """Check that the outputs are YOLOX's, in one of its two forms.

    Raises:
        ConfigError: other outputs.
    """
    first = network.shapes[0]
    suppressed = len(first) == 3 and first[2] == 5
    raw = len(first) == 3 and first[2] > 5 and first[1] == yolox.n_cells(network.size)
    if not suppressed and not raw:
        raise ConfigError(
            f"{path}: outputs {_listed(network.shapes)}; YOLOX's dets (N, boxes, 5) with labels, "
            f"or raw (N, {yolox.n_cells(network.size)}, 5 + classes) are needed"
        )


def is_raw(network: ImageNetwork) -> bool:
    """Whether YOLOX's output is the raw one."""
    return network.shapes[0][2] != 5


def _miscounted(path: Path, n_keypoints: int, skeleton: Skeleton) -> str:
    return (
        f"{path}: gives {n_keypoints} keypoints, and {skeleton.name} has {len(skeleton.names)}; "
        "name the set it was trained for in pose.skeleton, or its keypoints in pose.keypoints"
    )


def _listed(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(str(one) for one in shapes)
