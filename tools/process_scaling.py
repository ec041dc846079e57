"""Body models scaled to the people of a recording: the files of it, and the other process."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from core.errors import ConfigError
from core.kinematics.tree import F64, Tree
from core.process_kinematics import KinematicsConfig
from services import models
from tools import model_files, opensim_jobs, own_process
from tools.opensim_jobs import Scaled
from tools.own_process import Started
from tools.process_markers import Followed

_MODELS = {"simple": "Model_Pose2Sim_simple.osim", "muscles": "Model_Pose2Sim_muscles_flex.osim"}
_SETS = {
    True: ("Markers_LSTM.xml", "Scaling_Setup_Pose2Sim_LSTM.xml"),
    False: ("Markers_Halpe26.xml", "Scaling_Setup_Pose2Sim_Halpe26.xml"),
}


@dataclass(frozen=True, slots=True, eq=False)
class ScaledModel:
    """A body model that fits one person."""

    tree: Tree
    osim: str
    """Text of the file."""
    said: Scaled


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What a model is made of."""

    osim: Path
    markers: Path | None
    setup: Path


def own_files(config: KinematicsConfig) -> dict[str, Path]:
    """The files that the settings name, by setting.

    Raises:
        ConfigError: one that is not there.
        AssetError: an asset that is not.
    """
    names = {"osim": config.osim, "markers": config.markers, "scaling_setup": config.scaling_setup}
    files = {name: models.resolve(path) for name, path in names.items() if path}
    for name, path in files.items():
        if not path.is_file():
            raise ConfigError(f"kinematics.{name}: {path}: no such file")
    return files


def files_of(config: KinematicsConfig, *, augmented: bool) -> ModelFiles:
    """Files of the model with markers of the set that is followed; fetched if need be.

    Raises:
        AssetError: they cannot be had.
        ConfigError: a file of the settings that is not there.
    """
    own = own_files(config)
    published = models.ensure("opensim")
    markers, setup = _SETS[augmented]
    return ModelFiles(
        own.get("osim", published[_MODELS[config.model]]),
        own.get("markers", None if "osim" in own else published[markers]),
        own.get("scaling_setup", published[setup]),
    )


class Scaler:
    """Scales models, one person after the other, by processes that may be started ahead.

    OpenSim and the model take a second or several to load, and need nothing of the recording.
    """

    def __init__(self, config: KinematicsConfig) -> None:
        """Nothing is started yet."""
        self._config = config
        self._ready: tuple[ModelFiles, Started] | None = None

    def __enter__(self) -> "Scaler":
        """Take it as it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started for nobody."""
        if self._ready:
            self._ready[1].stop()

    def start(self) -> None:
        """Let a process get ready for the next person, unless one is or files must be fetched."""
        if self._ready or not self._config.enabled or models.missing("opensim"):
            return
        files = files_of(self._config, augmented=self._config.augment)
        self._ready = files, _started(files)

    def scale(self, followed: Followed) -> ScaledModel:
        """Scale the model to one person.

        Raises:
            ModelError: OpenSim cannot use the files, or the factors are of nobody.
            AssetError: the models cannot be had.
        """
        files = files_of(self._config, augmented=followed.augmented is not None)
        if self._ready and self._ready[0] != files:
            self._ready[1].stop()
            self._ready = None
        _, process = self._ready or (files, _started(files))
        self._ready = None
        try:
            return _scaled(followed, process, self._config)
        finally:
            process.stop()


def _started(files: ModelFiles) -> Started:
    markers = () if files.markers is None else ("--markers", str(files.markers.resolve()))
    named = (str(files.osim.resolve()), str(files.setup.resolve()))
    return Started("tools.opensim_scale", *named, *markers)


def _scaled(followed: Followed, process: Started, config: KinematicsConfig) -> ScaledModel:
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        folder = Path(scratch)
        with (folder / "points.npz").open("wb") as file:
            np.savez(file, points_m=followed.table.points_m[followed.upright])
        job = opensim_jobs.Scale(
            symmetric=config.symmetric,
            trimmed_share=config.trimmed_share,
            points=str(folder / "points.npz"),
            marker_names=followed.table.markers,
            mass_kg=followed.subject.mass_kg,
            scaled_osim=str(folder / "scaled.osim"),
            tree=str(folder / "tree.npz"),
            said=str(folder / "said.json"),
        )
        process.finish(msgspec.json.encode(job).decode())
        said = msgspec.json.decode((folder / "said.json").read_bytes(), type=Scaled)
        tree = model_files.load_npz(folder / "tree.npz")
        return ScaledModel(tree, (folder / "scaled.osim").read_text(encoding="utf-8"), said)


def with_markers_at(osim: str, places_m: Mapping[str, F64]) -> str:
    """Text of a model with markers at other places (3,) on their bodies."""
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        folder = Path(scratch)
        (folder / "in.osim").write_text(osim, encoding="utf-8")
        job = opensim_jobs.Place(
            osim=str(folder / "in.osim"),
            places_m={name: tuple(place.tolist()) for name, place in places_m.items()},
            out=str(folder / "out.osim"),
        )
        (folder / "job.json").write_bytes(msgspec.json.encode(job))
        own_process.call("tools.opensim_place", str(folder / "job.json"))
        return (folder / "out.osim").read_text(encoding="utf-8")
