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
    MANIFEST,
    STREAM,
    Life,
    Manifest,
    SegmentName,
    segment_names,
    unseal,
)
from services.session_places import Place, remedy

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


def begin_life(folder: Path, fresh: Manifest, life_ns: int, second: Path | None = None) -> Manifest:
    """Make the folder, or go on in it as the recorder's next life; writes the manifest.

    ``second``: the folder to go on in when the first takes nothing, also from the start.

    Raises:
        SessionError: no folder can be written, or one holds another run.
    """
    folders = [folder] if second is None else [folder, second]
    if second is not None and second.absolute() == folder.absolute():
        raise SessionError(f"{folder}: recorder.second_directory is the same; name another disk")
    earlier = [found for one in folders if (found := _earlier(one, fresh)) is not None]
    newest = max(earlier, key=lambda one: len(one.lives), default=fresh)
    there = [name for one in folders for name in _names(one)]
    manifest = _with_life(newest, there, life_ns)
    errors = [_begin(one, manifest, [x for x in folders if x != one]) for one in folders[:1]]
    if second is not None and errors[0] is not None:
        errors.append(_begin(second, manifest, [folder]))
    if all(errors) and not earlier:
        raise SessionError(f"{'; '.join(filter(None, errors))}; name another folder")
    for error in filter(None, errors):
        logging.warning("%s", error)
    return manifest


def _begin(folder: Path, manifest: Manifest, others: list[Path]) -> str | None:
    """Make a folder a session that begins; what is wrong where it cannot be."""
    place = Place(folder, lambda _: 0)
    try:
        place.prepare(manifest, others)
    except OSError as error:
        return f"{folder} cannot be written: {remedy(error)}"
    return None


def _names(folder: Path) -> list[SegmentName]:
    try:
        return segment_names(folder)
    except OSError:
        return []


def _with_life(manifest: Manifest, there: Iterable[SegmentName], life_ns: int) -> Manifest:
    numbers = [life.number for life in manifest.lives] + [name.life for name in there]
    life = Life(number=1 + max(numbers, default=0), life_ns=life_ns)
    return msgspec.structs.replace(manifest, lives=(*manifest.lives, life), closed=False)


def _earlier(folder: Path, fresh: Manifest) -> Manifest | None:
    """The manifest to go on with; a damaged one is replaced, the segments still hold it."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError:
        return None
    try:
        found = unseal(raw)
    except SessionError as error:
        logging.warning("%s: %s; written anew", folder, error)
        return None
    if not found.same_run(fresh):
        raise SessionError(f"{folder} holds the recording of another run; name a new folder")
    return found
