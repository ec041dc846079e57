"""The body model of a run: made once from OpenSim's files, kept in the user's cache as arrays."""

import hashlib
import tempfile
from pathlib import Path

import msgspec

from core.config import RunConfig
from core.errors import ConfigError
from core.kinematics.settings import KinematicsConfig
from services import body_models, marker_networks, models
from services.models import Progress, cache_folder
from tools import own_process

_FOLDER = "body_models"
_REVISION = 1  # to be raised when the same sources give other arrays
_MODELS = {"simple": "Model_Pose2Sim_simple.osim", "muscles": "Model_Pose2Sim_muscles_flex.osim"}
_MARKERS = {True: "Markers_LSTM.xml", False: "Markers_Halpe26.xml"}
_SETUPS = {
    True: "Scaling_Setup_Pose2Sim_LSTM.xml",
    False: "Scaling_Setup_Pose2Sim_Halpe26.xml",
}


def prepared(run: RunConfig, *, progress: Progress, offline: bool = False) -> RunConfig:
    """The run with its body model and networks in the cache, and their digests in the settings.

    Raises:
        AssetError: a published file that cannot be had.
        ModelError: a body model, marker set or scaling set-up that cannot be used.
        ConfigError: files of one's own that are not complete.
    """
    config = run.kinematics
    if not config.enabled:
        progress("joint angles are switched off: kinematics.enabled = false")
        return run
    digest = ""
    if config.augment:
        networks = marker_networks.load(offline=offline, progress=progress)
        digest = marker_networks.digest(networks)
    packed = _packed(config, progress=progress, offline=offline)
    filled = msgspec.structs.replace(
        config,
        packed=str(packed),
        packed_sha256=body_models.sha256(packed),
        networks_sha256=digest,
    )
    return msgspec.structs.replace(run, kinematics=filled)


def _packed(config: KinematicsConfig, *, progress: Progress, offline: bool) -> Path:
    osim, markers, setup = _sources(config, progress=progress, offline=offline)
    folder = cache_folder(None) / _FOLDER
    path = folder / f"{_name(osim, markers, setup)}.npz"
    if path.exists():
        return path
    progress(f"reading the body model {osim.name} with OpenSim, once")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as scratch:
        out = Path(scratch) / path.name
        chosen = () if markers is None else ("--markers", str(markers))
        own_process.call("tools.opensim_body_model", str(osim), str(setup), str(out), *chosen)
        out.replace(path)  # another kinelive may make the same one at the same time
    return path


def _sources(
    config: KinematicsConfig, *, progress: Progress, offline: bool
) -> tuple[Path, Path | None, Path]:
    """Model, marker set, and set-up of the scaling."""
    if config.osim and not config.scaling_setup:
        raise ConfigError(
            "kinematics.osim: a model of one's own needs kinematics.scaling_setup, a ScaleTool "
            "set-up (.xml), e.g. asset:opensim/Scaling_Setup_Pose2Sim_LSTM.xml"
        )
    files = models.ensure("opensim", offline=offline, progress=progress)
    osim = _own(config.osim) or files[_MODELS[config.model]]
    markers = _own(config.markers) or (None if config.osim else files[_MARKERS[config.augment]])
    return osim, markers, _own(config.scaling_setup) or files[_SETUPS[config.augment]]


def _own(path: str) -> Path | None:
    return models.resolve(path).resolve() if path else None


def _name(*sources: Path | None) -> str:
    """Digest of what the file is made of."""
    found = hashlib.sha256(f"revision {_REVISION}".encode())
    for path in sources:
        raw = b"" if path is None else _bytes(path)
        found.update(hashlib.sha256(raw).digest())
    return found.hexdigest()[:32]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}; see kinematics.osim") from error
