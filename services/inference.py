"""ONNX Runtime sessions.

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
from onnxruntime.capi import (
    onnxruntime_pybind11_state as ort_errors,  # pyright: ignore[reportAttributeAccessIssue]
)

from core.errors import AssetError, ConfigError

F32 = NDArray[np.float32]
LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What ONNX Runtime raises for files it cannot load; they have no common base of their own."""
RUN_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What it raises for pictures that a network cannot take."""

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
        AssetError: the file is missing or is no network.
        ConfigError: a GPU was asked for by name and ONNX Runtime runs on something else.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=providers(wanted))
    except LOAD_ERRORS as error:
        raise AssetError(
            f"{model}: not a network that ONNX Runtime can load: {error}. If the file was cut "
            "short or changed, fetch or copy it again; if not, export it again as ONNX"
        ) from error
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
class Network:
    """A loaded network with one input whose first axis counts the pictures."""

    session: onnxruntime.InferenceSession
    outputs: tuple[str, ...]
    """Those that are wanted, in this order."""

    @property
    def provider(self) -> str:
        """What it really runs on."""
        return provider_of(self.session)

    @property
    def takes_batches(self) -> bool:
        """Whether several pictures can go through it at once."""
        return not isinstance(self.session.get_inputs()[0].shape[0], int)

    def run(self, tensors: F32) -> list[F32]:
        """Outputs for pictures (N, ...); one after the other where the export takes only one."""
        if self.takes_batches:
            return self._run(tensors)
        each = [self._run(tensors[i : i + 1]) for i in range(len(tensors))]
        return [np.concatenate(parts) for parts in zip(*each, strict=True)]

    def _run(self, tensors: F32) -> list[F32]:
        name = self.session.get_inputs()[0].name
        return [np.asarray(one) for one in self.session.run(list(self.outputs), {name: tensors})]
