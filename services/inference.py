"""ONNX Runtime sessions, and the networks run in them.

``onnxruntime-gpu`` without a usable GPU silently runs on the CPU, and lists CUDA as available all
the same. So what a session really got is read back from it, and asking for a GPU that is not there
is an error.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.config import PoseConfig
from core.errors import ConfigError
from core.pose import blazepose
from core.pose.blazepose import Detection, Landmarks
from core.pose.crops import Roi, crop, letterbox_affine, roi_affine

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

_PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_GPU_DEVICES = ("/dev/nvidia0", "/dev/dxg")  # native, and under WSL


def gpu_present() -> bool:
    """Whether the machine shows an NVIDIA GPU at all."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def providers(wanted: str) -> list[str]:
    """Execution providers to ask for, the best first."""
    if wanted != "auto":
        return [_PROVIDERS[wanted]]
    if not gpu_present():
        return [_PROVIDERS["cpu"]]
    built_in = onnxruntime.get_available_providers()
    return [name for name in _PROVIDERS.values() if name in built_in]


def open_session(model: Path, wanted: str) -> onnxruntime.InferenceSession:
    """Load a network on one thread without spinning: workers are the parallelism.

    Raises:
        ConfigError: a GPU was asked for by name and ONNX Runtime runs on something else.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=providers(wanted))
    got = session.get_providers()[0]
    if wanted != "auto" and got != _PROVIDERS[wanted]:
        raise ConfigError(
            f"pose.provider = {wanted!r}, but ONNX Runtime runs {model.name} on {got}. "
            "Install the GPU libraries with `uv sync --extra cuda` and check the driver with "
            "`kinelive doctor`, or set pose.provider to 'auto' or 'cpu'."
        )
    if wanted == "auto" and gpu_present() and got == _PROVIDERS["cpu"]:
        logging.warning(
            "a GPU is present but %s runs on the CPU; see `kinelive doctor`", model.name
        )
    return session


def provider_of(session: onnxruntime.InferenceSession) -> str:
    """What a session really runs on, in short: ``CPU``, ``CUDA`` …"""
    return session.get_providers()[0].removesuffix("ExecutionProvider")


@dataclass(frozen=True, slots=True)
class BlazePose:
    """The two networks of BlazePose."""

    detector: onnxruntime.InferenceSession
    landmarker: onnxruntime.InferenceSession
    config: PoseConfig

    @property
    def provider(self) -> str:
        """What the landmark network really runs on."""
        return provider_of(self.landmarker)

    def detect(self, picture: U8) -> list[Detection]:
        """Find people in a picture (H, W, 3) BGR, the most certain first."""
        size = blazepose.DETECTOR_PX
        affine = letterbox_affine(picture.shape[1], picture.shape[0], size)
        tensor = _rgb(crop(picture, affine, size), 1 / 127.5) - 1
        boxes, logits = _run(self.detector, ("Identity", "Identity_1"), tensor)
        return blazepose.detections(boxes[0], logits[0], affine, self.config.min_detection)

    def landmarks(self, picture: U8, roi: Roi) -> Landmarks:
        """Landmarks of the person in a region of a picture (H, W, 3) BGR."""
        size = blazepose.LANDMARK_PX
        affine = roi_affine(roi, size)
        tensor = _rgb(crop(picture, affine, size), 1 / 255)
        outputs = ("Identity", "Identity_1", "Identity_3")
        points, presence, heatmap = _run(self.landmarker, outputs, tensor)
        return blazepose.landmarks(points[0], float(presence[0, 0]), heatmap[0], affine)


def open_blazepose(folder_of: dict[str, Path], config: PoseConfig) -> BlazePose:
    """Load both networks from the files of the asset group ``blazepose``."""
    return BlazePose(
        detector=open_session(folder_of["pose_detection.onnx"], config.provider),
        landmarker=open_session(folder_of["pose_landmark_full.onnx"], config.provider),
        config=config,
    )


def _rgb(bgr: U8, scale: float) -> F32:
    return bgr[:, :, ::-1].astype(np.float32) * np.float32(scale)


def _run(session: onnxruntime.InferenceSession, outputs: tuple[str, ...], tensor: F32) -> list[F32]:
    return [np.asarray(one) for one in session.run(list(outputs), {"input": tensor[None]})]
