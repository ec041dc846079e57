"""ONNX Runtime sessions: opened on what was asked for, or not at all.

``onnxruntime-gpu`` without a usable GPU silently runs on the CPU, and lists CUDA as available all
the same. So what a session really got is read back from it, and asking for a GPU that is not there
is an error.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from onnxruntime.capi import (
    onnxruntime_pybind11_state as runtime_errors,  # pyright: ignore[reportAttributeAccessIssue]
)

from core.config import PoseConfig
from core.errors import AssetError, ConfigError
from services import models

_PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_GPU_DEVICES = ("/dev/nvidia0", "/dev/dxg")  # native, and under WSL
_USUAL_BATCH, _LARGEST_BATCH = 8, 32
_LOAD_ERRORS = (
    runtime_errors.Fail,
    runtime_errors.InvalidArgument,
    runtime_errors.InvalidGraph,
    runtime_errors.InvalidProtobuf,
    runtime_errors.NotImplemented,
    runtime_errors.RuntimeException,
)
"""What ONNX Runtime raises for files it cannot load; they have no common base of their own."""
RUN_ERRORS = (
    runtime_errors.Fail,
    runtime_errors.InvalidArgument,
    runtime_errors.NotImplemented,
    runtime_errors.RuntimeException,
)
"""What it raises for pictures that a network cannot take."""

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Runtime:
    """What networks are to run on."""

    provider: str = "auto"
    device: int = 0
    """Number of the GPU."""
    fp16: bool = False
    allow_cpu: bool = False

    @staticmethod
    def of(config: PoseConfig, worker: int = 0) -> "Runtime":
        """What a pose worker runs on; the workers take the GPUs in turn."""
        device = config.devices[worker % len(config.devices)] if config.devices else 0
        return Runtime(config.provider, device, config.fp16, config.allow_cpu)


def gpu_present() -> bool:
    """Whether the machine shows an NVIDIA GPU at all."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def providers(wanted: str) -> list[str]:
    """Execution providers to ask for, the best first; the CPU takes what the others cannot.

    ``auto`` leaves TensorRT out: it builds engines for minutes before the first frame.
    """
    if wanted == "auto":
        wanted = "cuda" if gpu_present() else "cpu"
    built_in = onnxruntime.get_available_providers()
    ranked = list(_PROVIDERS)
    return [
        _PROVIDERS[name] for name in ranked[ranked.index(wanted) :] if _PROVIDERS[name] in built_in
    ]


def open_session(model: Path | bytes, runtime: Runtime) -> onnxruntime.InferenceSession:
    """Load a network on one thread without spinning: workers are the parallelism.

    Raises:
        AssetError: the file is not a network that ONNX Runtime can run.
        ConfigError: a GPU was asked for by name and ONNX Runtime runs on something else.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    name = "the graph before a network" if isinstance(model, bytes) else model.name
    source = model if isinstance(model, bytes) else str(model)
    asked = providers(runtime.provider)
    try:
        session = onnxruntime.InferenceSession(
            source, options, providers=[(one, _options(one, model, runtime)) for one in asked]
        )
    except runtime_errors.NoSuchFile as error:
        raise AssetError(f"{model}: there is no such file") from error
    except _LOAD_ERRORS as error:
        raise AssetError(
            f"{name}: not a network that ONNX Runtime can run ({_first_line(error)}). If the file "
            "was cut short or changed, fetch or copy it again; if not, export it again as ONNX"
        ) from error
    _check(session.get_providers()[0], name, runtime)
    return session


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _options(provider: str, model: Path | bytes, runtime: Runtime) -> Options:
    if provider == _PROVIDERS["cpu"]:
        return {}
    if provider == _PROVIDERS["cuda"]:
        # The default tries all algorithms again for each new batch size: seconds, in the live path.
        return {"device_id": runtime.device, "cudnn_conv_algo_search": "HEURISTIC"}
    folder = models.cache_folder() / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "device_id": runtime.device,
        "trt_fp16_enable": runtime.fp16,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder),
        **_batch_profile(model),
    }


def _batch_profile(model: Path | bytes) -> Options:
    """TensorRT options that make one engine serve all batch sizes, where only the batch varies."""
    if isinstance(model, bytes):
        return {}
    entry = onnx.load(str(model), load_external_data=False).graph.input[0]
    sizes = [one.dim_value for one in entry.type.tensor_type.shape.dim]
    if not sizes or sizes[0] or not all(sizes[1:]):
        return {}
    batches = {"min": 1, "opt": _USUAL_BATCH, "max": _LARGEST_BATCH}
    return {
        f"trt_profile_{bound}_shapes": f"{entry.name}:{_times([batch, *sizes[1:]])}"
        for bound, batch in batches.items()
    }


def _times(sizes: Sequence[int]) -> str:
    return "x".join(str(size) for size in sizes)


def _check(got: str, name: str, runtime: Runtime) -> None:
    """Compare what a session got with what was asked for."""
    if runtime.provider != "auto" and got != _PROVIDERS[runtime.provider]:
        said = f"pose.provider = {runtime.provider!r}, but ONNX Runtime runs {name} on {got}"
        if not runtime.allow_cpu:
            raise ConfigError(
                f"{said}. Install the GPU libraries with `uv sync --extra cuda` and check the "
                "driver with `kinelive doctor`, or set pose.provider to 'auto' or 'cpu', or "
                "pose.allow_cpu to true."
            )
        logging.warning("%s; going on, as pose.allow_cpu says", said)
    elif runtime.provider == "auto" and gpu_present() and got == _PROVIDERS["cpu"]:
        logging.warning("a GPU is present but %s runs on the CPU; see `kinelive doctor`", name)


def provider_of(session: onnxruntime.InferenceSession) -> str:
    """What a session really runs on, in short: ``CPU``, ``CUDA`` …"""
    return session.get_providers()[0].removesuffix("ExecutionProvider")
