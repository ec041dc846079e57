"""The pose model that a run asks for, loaded."""

from pathlib import Path

import numpy as np

from core.config import PoseConfig
from core.pose import catalogue
from core.pose.backend import Backend
from core.pose.catalogue import MODELS, Kind
from core.pose.crops import Roi, Size
from services import pose_weights
from services.backend_blazepose import open_blazepose
from services.backend_rtmo import open_rtmo
from services.backend_rtmpose import open_rtmpose
from services.inference import Runtime


def open_backend(config: PoseConfig, worker: int = 0) -> Backend:
    """Load the model from the cache, and run it once so that the first frame does not pay for it.

    Raises:
        AssetError: its files are not in the cache, or are no networks.
        ConfigError: it does not run on what was asked for, or is not what it was said to be.
    """
    backend = _opened(
        config, Runtime.of(config, worker), pose_weights.ensure_for(config, offline=True)
    )
    picture = np.zeros((256, 256, 3), np.uint8)
    backend.detect([picture])
    backend.estimate([(picture, Roi(128.0, 128.0, 256.0, 0.0))])
    return backend


def _opened(config: PoseConfig, runtime: Runtime, files: dict[str, Path]) -> Backend:
    kind, detector, pose = _kind(config)
    skeleton = catalogue.skeleton_of(config)
    if kind == "blazepose":
        return open_blazepose(files, config, runtime)
    if kind == "rtmo":
        return open_rtmo(files["pose"], skeleton, config, runtime, pose)
    sizes = detector, pose
    return open_rtmpose(files["detector"], files["pose"], skeleton, config, runtime, sizes)


def _kind(config: PoseConfig) -> tuple[Kind, Size | None, Size | None]:
    """What is to be opened, and the sizes of its inputs where they are known."""
    if config.model == catalogue.CUSTOM:
        return ("rtmpose" if config.detector_path else "rtmo"), None, None
    model = MODELS[config.model]
    return model.kind, model.detector, model.pose
