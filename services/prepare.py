"""A configuration file to a run that can start: paths absolute, assets found."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core import config
from core.config import RunConfig
from core.errors import ConfigError, SessionError
from core.recorder_config import Name, folder_name
from services import models
from services.session_format import MANIFEST


def read_run(path: Path) -> RunConfig:
    """Read a run's settings and resolve its paths against the file's folder.

    Raises:
        ConfigError: no such file, or it says something we cannot honour.
        AssetError: a named asset is not in the cache.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    run = config.read(text, path.name)
    folder = path.resolve().parent
    cameras = tuple(
        camera if camera.host else msgspec.structs.replace(camera, path=found(camera.path, folder))
        for camera in run.cameras
    )
    pose = msgspec.structs.replace(
        run.pose,
        detector_path=found(run.pose.detector_path, folder),
        pose_path=found(run.pose.pose_path, folder),
    )
    return msgspec.structs.replace(
        run, cameras=cameras, calibration=found(run.calibration, folder), pose=pose
    )


def asset_groups(path: Path) -> list[str]:
    """Names of the asset groups that a configuration file mentions."""
    run = config.read(path.read_text(encoding="utf-8"), path.name)
    paths = [run.calibration, run.pose.detector_path, run.pose.pose_path]
    paths += [camera.path for camera in run.cameras if not camera.host]
    named = {one.removeprefix("asset:").split("/")[0] for one in paths if one.startswith("asset:")}
    return sorted(named)


def with_session(run: RunConfig, out: Path | None) -> RunConfig:
    """Settle where the run is recorded: ``out``, or a new folder (``folder_name``).

    Raises:
        SessionError: there is a session already; nothing is ever written over.
    """
    if not run.recorder.enabled:
        return run
    named = out or (Path(run.recorder.session) if run.recorder.session else None)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    name = folder_name(run.recorder, stamp)
    folder = (named or Path(run.recorder.directory) / name).resolve()
    if (folder / MANIFEST).exists():
        raise SessionError(f"{folder}: holds a session already; choose another --out")
    recorder = msgspec.structs.replace(run.recorder, session=str(folder))
    return msgspec.structs.replace(run, recorder=recorder)


def with_names(run: RunConfig, subject: str | None, trial: str | None) -> RunConfig:
    """Say who is recorded, doing what; None leaves it as configured.

    Raises:
        ConfigError: a name is too long.
    """
    given = {"subject": subject, "trial": trial}
    names = {key: name for key, name in given.items() if name is not None}
    for key, name in names.items():
        try:
            msgspec.convert(name, Name)
        except msgspec.ValidationError as error:
            raise ConfigError(f"--{key}: {error}; put more into recorder.notes") from error
    return msgspec.structs.replace(run, recorder=msgspec.structs.replace(run.recorder, **names))


def with_footage_seconds(run: RunConfig, seconds: float) -> RunConfig:
    """Stop every camera after so much footage; 0 = never."""
    cameras = tuple(msgspec.structs.replace(one, play_s=seconds) for one in run.cameras)
    return msgspec.structs.replace(run, cameras=cameras)


def with_monitor(run: RunConfig, *, enabled: bool, port: int | None) -> RunConfig:
    """Switch the page on or off; ``port`` None leaves it as configured."""
    monitor = msgspec.structs.replace(
        run.monitor, enabled=enabled, port=run.monitor.port if port is None else port
    )
    return msgspec.structs.replace(run, monitor=monitor)


def found(path: str, folder: Path) -> str:
    """An absolute path, of a named asset in the cache, or of a file seen from a folder.

    Raises:
        AssetError: a named asset is not in the cache.
    """
    if not path or path.startswith("asset:"):
        return str(models.resolve(path)) if path else path
    return str(folder / Path(path).expanduser())
