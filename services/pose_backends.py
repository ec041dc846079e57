"""The pose model that a run asks for, loaded."""

import numpy as np

from core.config import PoseConfig
from core.pose.backend import Backend
from core.pose.crops import Roi
from services import models
from services.backend_blazepose import open_blazepose
from services.inference import Runtime


def open_backend(config: PoseConfig, worker: int = 0) -> Backend:
    """Load the model from the cache, and run it once so that the first frame does not pay for it.

    Raises:
        AssetError: its files are not in the cache.
        ConfigError: it does not run on what was asked for.
    """
    files = models.ensure(models.pose_group(config.model), offline=True)
    backend = open_blazepose(files, config, Runtime.of(config, worker))
    picture = np.zeros((256, 256, 3), np.uint8)
    backend.detect([picture])
    backend.estimate([(picture, Roi(128.0, 128.0, 256.0, 0.0))])
    return backend
