"""How a session begins, and how a recorder that was started again goes on in it."""

import hashlib
import logging
import platform
import sys
import uuid
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import msgspec

from core.camera_config import without_password
from core.config import RunConfig
from core.errors import CalibrationError, SessionError
from services import calibration_files
from services.session_format import (
    BODY_MODEL,
    MANIFEST,
    RESERVE,
    STREAM,
    Life,
    Manifest,
    SegmentName,
    segment_names,
    unseal,
    write_manifest,
)

RESERVE_BYTES = 2**18
_PACKAGES = (
    "av",
    "mcap",
    "msgspec",
    "numba",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python",
    "pyzmq",
    "scipy",
)


def describe(
    run: RunConfig, run_id: str, calibration: Path, clock_offset_ns: int, started_wall_ns: int
) -> Manifest:
    """Build the manifest of a new session; ``run_id`` tells this run from any other.

    Raises:
        SessionError: the calibration cannot be read, or a camera's name is taken.
    """
    cameras = tuple(camera.name for camera in run.cameras)
    if STREAM in cameras:
        raise SessionError(f"a camera may not be called {STREAM!r}: its files have that name")
    try:
        calibration_name, text = calibration_files.as_text(calibration)
    except CalibrationError as error:
        raise SessionError(f"the calibration cannot be recorded: {error}") from error
    return Manifest(
        session=uuid.uuid4().hex,
        run_id=run_id,
        kinelive=_version("kinelive") or "unknown",
        python=sys.version,
        platform=platform.platform(),
        packages={name: found for name in _PACKAGES if (found := _version(name))},
        started_wall_ns=started_wall_ns,
        clock_offset_ns=clock_offset_ns,
        cameras=cameras,
        run=msgspec.structs.replace(run, cameras=tuple(map(without_password, run.cameras))),
        calibration_name=calibration_name,
        calibration_text=text,
        calibration_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def begin_life(folder: Path, fresh: Manifest, life_ns: int) -> Manifest:
    """Make the folder, or go on in it as the recorder's next life; writes the manifest.

    Raises:
        SessionError: the folder cannot be written, or holds another run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _earlier(folder, fresh)
        manifest = _with_life(earlier or fresh, segment_names(folder), life_ns)
        try:
            _keep_body_model(folder, manifest.run)
            write_manifest(folder, manifest)
            (folder / RESERVE).write_bytes(bytes(RESERVE_BYTES))
        except OSError as error:
            if earlier is None:
                raise
            logging.warning("%s: the disk is full: %s", folder, error)
    except OSError as error:
        raise SessionError(f"{folder} cannot be written: {error}; name another folder") from error
    return manifest


def _keep_body_model(folder: Path, run: RunConfig) -> None:
    """Put the body model of the run beside the manifest: what was computed with it can be again."""
    if not (run.kinematics.enabled and run.kinematics.packed):
        return
    path = folder / BODY_MODEL
    raw = Path(run.kinematics.packed).read_bytes()
    if not path.exists() or path.read_bytes() != raw:
        path.write_bytes(raw)


def _with_life(manifest: Manifest, there: Iterable[SegmentName], life_ns: int) -> Manifest:
    numbers = [life.number for life in manifest.lives] + [name.life for name in there]
    life = Life(number=1 + max(numbers, default=0), life_ns=life_ns)
    return msgspec.structs.replace(manifest, lives=(*manifest.lives, life), closed=False)


def _earlier(folder: Path, fresh: Manifest) -> Manifest | None:
    """The manifest to go on with; a damaged one is replaced, the segments still hold it."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        found = unseal((folder / MANIFEST).read_bytes())
    except SessionError as error:
        logging.warning("%s: %s; written anew", folder, error)
        return None
    if not found.same_run(fresh):
        raise SessionError(f"{folder} holds the recording of another run; name a new folder")
    return found
