"""Weights of the pose models: obtained at first use from where rtmlib lists them, checked, kept.

A file is kept completely or not at all, as in ``services.models``. The models' site publishes no
checksums: that of the first download is recorded beside the file, and holds from then on.
"""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from core.config import PoseConfig
from core.errors import AssetError
from core.pose import catalogue
from core.pose.catalogue import MODELS, PoseModel
from services import asset_files, models
from services.file_lock import file_lock
from services.models import Progress, cache_folder
from services.web_download import Download, web_download

Registry = Callable[[PoseModel], Mapping[str, str]]
"""Addresses of a model's archives, by what they are: ``detector``, ``pose``."""

FOLDER = "pose_models"
"""The asset group of that kind of model."""
_CHUNK_BYTES = 2**20
_SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class _Record(msgspec.Struct, frozen=True):
    """Stands beside a network and says what it is."""

    address: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """One network of a model: an archive on a site, and the file that is kept of it."""

    address: str
    folder: Path

    @property
    def archive(self) -> Path:
        """Where somebody puts the archive by hand."""
        return self.folder / PurePosixPath(self.address).name

    @property
    def network(self) -> Path:
        """What is kept."""
        return self.folder / f"{PurePosixPath(self.address).stem}.onnx"

    @property
    def record(self) -> Path:
        """What is known of it."""
        return self.network.with_name(f"{self.network.name}.json")

    def recorded(self) -> str | None:
        """The checksum of the first download; None where there was none."""
        try:
            return msgspec.json.decode(self.record.read_bytes(), type=_Record).sha256
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def is_whole(self) -> bool:
        """Whether the network is there, as it was at first."""
        found = asset_files.sha256_of(self.network)
        return found is not None and found == self.recorded()


def rtmlib_addresses(model: PoseModel) -> Mapping[str, str]:
    """Addresses of a model's archives, from rtmlib's tables."""
    import rtmlib  # loads ONNX Runtime and OpenCV: only where something is looked up

    owner, table, entry = model.table
    listed = getattr(getattr(rtmlib, owner), table)[entry]
    roles = {"det": "detector", "pose": "pose"}
    return {role: listed[key] for key, role in roles.items() if key in listed}


def _mirror(address: str) -> str | None:
    from rtmlib.tools.file import get_mirror_url

    return get_mirror_url(address)


def weights_of(
    model: PoseModel, cache_root: Path | None = None, registry: Registry = rtmlib_addresses
) -> dict[str, Weights]:
    """The networks of a model by what they are, whether they are there or not."""
    folder = cache_folder(cache_root) / FOLDER
    return {role: Weights(address, folder) for role, address in registry(model).items()}


def ensure_for(
    pose: PoseConfig, *, offline: bool = False, progress: Progress = lambda _: None
) -> dict[str, Path]:
    """Files of the pose model that a run asks for; what is missing is fetched.

    Raises:
        AssetError: files are missing and cannot be fetched.
    """
    if pose.model != catalogue.CUSTOM:
        return ensure(pose.model, offline=offline, progress=progress)
    named = {"detector": pose.detector_path, "pose": pose.pose_path}
    for role, path in named.items():
        if path and not Path(path).is_file():
            raise AssetError(f"pose.{role}_path: no such file: {path}")
    return {role: Path(path) for role, path in named.items() if path}


def group_of(blazepose: str) -> str:
    """Asset group with the files of one of BlazePose's models."""
    return "blazepose" if blazepose == "blazepose_full" else blazepose


def ensure(
    name: str,
    *,
    offline: bool = False,
    progress: Progress = lambda _: None,
    cache_root: Path | None = None,
    registry: Registry = rtmlib_addresses,
    download: Download = web_download,
) -> dict[str, Path]:
    """Paths to the files of a listed model; of BlazePose by name, of others by what they are.

    Raises:
        AssetError: a file is missing offline, cannot be downloaded, or is not what it was. It says
            which, from where, and where to put it by hand.
    """
    model = MODELS[name]
    if model.kind == "blazepose":
        group = group_of(name)
        return models.ensure(group, offline=offline, progress=progress, cache_root=cache_root)
    wanted = weights_of(model, cache_root, registry)
    for one in wanted.values():
        if not one.is_whole():
            _complete(name, one, progress, None if offline else download)
    return {role: one.network for role, one in wanted.items()}


def _complete(name: str, one: Weights, progress: Progress, download: Download | None) -> None:
    """Fetch a network, or take it from where somebody put it; no ``download``: offline."""
    try:
        with file_lock(
            one.folder / f".{one.network.name}.lock",
            lambda: progress(f"{name}: waiting for another kinelive"),
        ):
            if one.is_whole() or _taken_as_it_is(one):
                return
            if one.archive.exists():
                _unpack(one, one.archive)
            elif download is None:
                raise AssetError(_by_hand(name, one, "downloading is off"))
            else:
                _fetch(name, one, progress, download)
    except OSError as error:
        raise AssetError(
            f"{name}: cannot keep files in {one.folder} ({error}); free or permit that folder"
        ) from error


def _taken_as_it_is(one: Weights) -> bool:
    """Record a network that somebody put there by hand; False where there is none."""
    found = asset_files.sha256_of(one.network)
    if found is None or one.record.exists():
        return False
    _write_record(one, found)
    return True


def _fetch(name: str, one: Weights, progress: Progress, download: Download) -> None:
    part = one.archive.with_name(f"{one.archive.name}.part")
    failures = []
    try:
        for address in filter(None, (one.address, _mirror(one.address))):
            progress(f"{name}: downloading {address}")
            try:
                download(address, part)
                _unpack(one, part)
            except AssetError as error:
                failures.append(str(error))
            else:
                return
    finally:
        part.unlink(missing_ok=True)
    raise AssetError(_by_hand(name, one, "; ".join(failures)))


def _by_hand(name: str, one: Weights, why: str) -> str:
    state = "was changed or cut short" if one.network.exists() else "is not there"
    return (
        f"{name}: {one.network.name} {state}, and could not be fetched: {why}. Run `kinelive fetch "
        f"{name}` online, or get {one.address} on another machine and put it, as it is, into "
        f"{one.folder}"
    )


def _unpack(one: Weights, archive: Path) -> None:
    """Keep the network of an archive, if it is whole and the same as at first."""
    part = one.network.with_name(f"{one.network.name}.part")
    try:
        sha256 = _extract(archive, part)
        before = one.recorded()
        if before is not None and sha256 != before:
            raise AssetError(
                f"{archive}: holds another network than the first download (sha256 {sha256[:12]}…, "
                f"then {before[:12]}…); remove {one.record} if that is meant to be"
            )
        part.replace(one.network)
        _write_record(one, sha256)
    finally:
        part.unlink(missing_ok=True)


def _extract(archive: Path, part: Path) -> str:
    """Write the one network of an archive to ``part``; its checksum."""
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = [entry for entry in opened.infolist() if entry.filename.endswith(".onnx")]
            if len(inside) != 1:
                raise AssetError(f"{archive}: holds {len(inside)} networks (.onnx), not one")
            with opened.open(inside[0]) as source, part.open("wb") as target:
                sha256 = hashlib.sha256()
                while chunk := source.read(_CHUNK_BYTES):
                    sha256.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            return sha256.hexdigest()
    except _SPOILT as error:
        raise AssetError(f"{archive}: not a whole zip archive ({error})") from error


def _write_record(one: Weights, sha256: str) -> None:
    content = msgspec.json.encode(_Record(one.address, sha256))
    asset_files.store(one.record, content, one.record.with_name(f"{one.record.name}.part"))
