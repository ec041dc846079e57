"""Body models as arrays (.npz), as a run's preparation has made them: read and checked.

Apart from ``tools.body_models``, which makes them with OpenSim: live processes only read.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.kinematics import body_model, live
from core.kinematics.body_model import BodyModel
from core.kinematics.live import Body
from core.kinematics.settings import KinematicsConfig
from services import marker_networks


def sha256(path: Path) -> str:
    """Digest of a body model's file.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"body model {path}: cannot be read: {error}") from error


def read(path: Path, wanted_sha256: str) -> BodyModel:
    """Read a body model that is the one that the run was prepared with.

    Raises:
        ModelError: it is not there, or another one.
    """
    if sha256(path) != wanted_sha256:
        raise ModelError(f"body model {path}: not the one of this run; start the run again")
    try:
        with np.load(path) as arrays:
            return body_model.unpack(dict(arrays))
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"body model {path}: not one of this build: {error}") from error


def body_of(config: KinematicsConfig, path: Path) -> Body:
    """Body model and networks of a run, ready for ``core.kinematics.live.step``.

    Raises:
        ModelError: the model at ``path``, or the networks, are not those of the run.
        AssetError: the networks are not in the cache.
    """
    model = read(path, config.packed_sha256)
    networks = marker_networks.load(offline=True) if config.augment else None
    if networks is not None and marker_networks.digest(networks) != config.networks_sha256:
        raise ModelError(
            "the marker networks in the cache are not those that the run was prepared with; "
            "use the version of kinelive that recorded it"
        )
    return live.body_of(model, networks, config)
