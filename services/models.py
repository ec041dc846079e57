"""Footage and weights: obtained at first use by package name, checked, kept in the user's cache.

``ensure("blazepose")`` gives paths to files whose sha256 is right, whatever happened before: what
is missing, cut short or changed is fetched again. A folder is only ever changed by the holder of
its lock, and a file appears in it complete or not at all. What there is stands in
``services.asset_table``.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import platformdirs

from core.errors import AssetError
from services import asset_files
from services.asset_download import download_package
from services.asset_table import GROUPS, Asset, Conversion, Group, Package
from services.file_lock import file_lock

Progress = Callable[[str], None]
Download = Callable[[Package, Path], Path]
"""Puts the package's archive into a folder and gives its path; AssetError when it cannot."""

_PREFIX = "asset:"
_PART_SUFFIX = ".part"
_DOWNLOAD_PREFIX = ".download-"


class _Record(msgspec.Struct, frozen=True):
    """Stands beside a converted network and says what it is."""

    source_sha256: str
    drop_outputs: tuple[str, ...]
    revision: int
    sha256: str


def _say_nothing(_: str) -> None:
    pass


def ensure(
    group: str,
    *,
    offline: bool = False,
    progress: Progress = _say_nothing,
    cache_root: Path | None = None,
    groups: Mapping[str, Group] = GROUPS,
    download: Download = download_package,
) -> dict[str, Path]:
    """Paths of all files of a group, by name; what is missing or damaged is fetched first.

    ``progress`` is told in a sentence what takes time. ``cache_root`` None is the user's cache.
    With ``offline`` nothing is downloaded, but a network that is there may be converted.
    Raises AssetError: unknown group, files missing offline, a download that fails, a file that is
    not what was published, a cache that cannot be written.
    """
    wanted = _group(group, groups)
    folder = cache_folder(cache_root) / wanted.name
    if not _is_complete(wanted, folder):
        if offline:
            _require_present(wanted, folder)
        try:
            with file_lock(
                folder / ".lock", lambda: progress(f"{group}: waiting for another kinelive")
            ):
                _complete(wanted, folder, progress, download)
        except OSError as error:
            raise AssetError(
                f"{group}: cannot keep files in {folder} ({error}); free or permit that folder"
            ) from error
    return {name: folder / name for name in wanted.names}


def missing(
    group: str, *, cache_root: Path | None = None, groups: Mapping[str, Group] = GROUPS
) -> list[Asset]:
    """The published files of a group that are not in the cache, or damaged there."""
    wanted = _group(group, groups)
    return _lacking(wanted, cache_folder(cache_root) / wanted.name)


def resolve(
    path: str, *, cache_root: Path | None = None, groups: Mapping[str, Group] = GROUPS
) -> Path:
    """The cached file for ``asset:GROUP/NAME``; any other path as it is. Downloads nothing.

    Raises AssetError for an unknown name, and for a file that has not been fetched.
    """
    if not path.startswith(_PREFIX):
        return Path(path)
    group_name, _, name = path.removeprefix(_PREFIX).partition("/")
    group = _group(group_name, groups)
    folder = cache_folder(cache_root) / group.name
    if name not in group.names:
        raise AssetError(f"{path}: no such asset; {group.name} has {', '.join(group.names)}")
    if not _is_intact(group, folder, name):
        raise AssetError(
            f"{path}: missing or damaged in {folder}; run `kinelive fetch {group.name}`"
        )
    return folder / name


def cache_folder(cache_root: Path | None = None) -> Path:
    """Where the groups' folders are: the user's cache unless another place is given."""
    return platformdirs.user_cache_path("kinelive") if cache_root is None else cache_root


def _group(name: str, groups: Mapping[str, Group]) -> Group:
    if name not in groups:
        raise AssetError(f"no asset group {name!r}; there are {', '.join(groups)}")
    return groups[name]


def _lacking(group: Group, folder: Path) -> list[Asset]:
    # Everything is hashed each time: 20 MB take about 20 ms, and no cut or changed file passes.
    return [asset for asset in group.assets if _found(asset, folder) != asset.sha256]


def _found(asset: Asset, folder: Path) -> str | None:
    """The checksum of what is kept; None where there is nothing."""
    path = folder / asset.name
    return asset_files.digest_of(path) if asset.is_folder else asset_files.sha256_of(path)


def _is_converted(group: Group, conversion: Conversion, folder: Path) -> bool:
    """Whether the network is there, unchanged since it was made from today's source."""
    try:
        stored = _record_path(conversion, folder).read_bytes()
        record = msgspec.json.decode(stored, type=_Record)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return False
    made = asset_files.sha256_of(folder / conversion.name)
    return made is not None and record == _record(group, conversion, made)


def _record(group: Group, conversion: Conversion, sha256: str) -> _Record:
    source = next(asset for asset in group.assets if asset.name == conversion.source)
    return _Record(source.sha256, conversion.drop_outputs, conversion.revision, sha256)


def _part(path: Path) -> Path:
    return path.with_name(path.name + _PART_SUFFIX)


def _record_path(conversion: Conversion, folder: Path) -> Path:
    return folder / f"{conversion.name}.json"


def _is_intact(group: Group, folder: Path, name: str) -> bool:
    asset = next((asset for asset in group.assets if asset.name == name), None)
    if asset is not None:
        return _found(asset, folder) == asset.sha256
    conversion = next(each for each in group.conversions if each.name == name)
    return _is_converted(group, conversion, folder)


def _is_complete(group: Group, folder: Path) -> bool:
    return all(_is_intact(group, folder, name) for name in group.names)


def _require_present(group: Group, folder: Path) -> None:
    lacking = _lacking(group, folder)
    if lacking:
        raise AssetError(
            f"{group.name}: {len(lacking)} of {len(group.assets)} files are missing or damaged in"
            f" {folder}, and downloading is off: {_by_package(lacking)}."
            f" Run `kinelive fetch {group.name}` online"
        )


def _by_package(assets: Sequence[Asset]) -> str:
    """In words: NAME, NAME from PACKAGE==VERSION; NAME from ..."""
    packages = dict.fromkeys(asset.package for asset in assets)
    listings = {
        package: ", ".join(asset.name for asset in assets if asset.package == package)
        for package in packages
    }
    return "; ".join(f"{names} from {each.requirement}" for each, names in listings.items())


def _complete(group: Group, folder: Path, progress: Progress, download: Download) -> None:
    """Fetch and convert what is not there. The caller holds the folder's lock."""
    _sweep(folder)
    lacking = _lacking(group, folder)  # again: another process may just have fetched it
    for package in dict.fromkeys(asset.package for asset in lacking):
        progress(f"{group.name}: downloading {package.requirement}")
        wanted = [asset for asset in lacking if asset.package == package]
        with tempfile.TemporaryDirectory(dir=folder, prefix=_DOWNLOAD_PREFIX) as scratch:
            contents = _members(package, download(package, Path(scratch)), wanted)
        for name, content in contents.items():
            asset_files.store(folder / name, content, _part(folder / name))
    for conversion in group.conversions:
        if not _is_converted(group, conversion, folder):
            progress(f"{group.name}: converting {conversion.source} to {conversion.name}")
            _convert(group, conversion, folder)


def _sweep(folder: Path) -> None:
    """Remove what an interrupted fetch left behind."""
    for part in folder.glob(f"*{_PART_SUFFIX}"):
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    for scratch in folder.glob(f"{_DOWNLOAD_PREFIX}*"):
        shutil.rmtree(scratch)


def _members(
    package: Package, wheel: Path, assets: Sequence[Asset]
) -> dict[str, asset_files.Content]:
    """Contents of the wheel's files by name, after all of them have been checked."""
    if package.sha256 is not None and asset_files.sha256_of(wheel) != package.sha256:
        raise _refusal(package, wheel.name)
    try:
        with asset_files.open_archive(wheel) as archive:
            return {asset.name: _member(archive, asset) for asset in assets}
    except asset_files.DAMAGED as error:
        raise _refusal(package, wheel.name) from error


def _member(archive: zipfile.ZipFile, asset: Asset) -> asset_files.Content:
    if asset.is_folder:
        contents = asset_files.members(archive, asset.member, asset.size)
        if asset_files.digest(contents) != asset.sha256:
            raise _refusal(asset.package, asset.member)
        return contents
    try:
        entry = archive.getinfo(asset.member)
    except KeyError as error:
        raise _refusal(asset.package, asset.member) from error
    content = archive.read(entry) if entry.file_size == asset.size else b""
    if hashlib.sha256(content).hexdigest() != asset.sha256:
        raise _refusal(asset.package, asset.member)
    return content


def _refusal(package: Package, what: str) -> AssetError:
    return AssetError(
        f"{package.requirement}: {what} is not the file that was published (its sha256 differs);"
        " nothing was kept. Check which package index pip is set to use, then run `kinelive fetch`"
    )


def _convert(group: Group, conversion: Conversion, folder: Path) -> None:
    from services import tflite_onnx  # onnx is loaded only when there is something to convert

    source = (folder / conversion.source).read_bytes()
    network = tflite_onnx.convert(source, drop_outputs=conversion.drop_outputs)
    record = _record(group, conversion, hashlib.sha256(network).hexdigest())
    asset_files.store(folder / conversion.name, network, _part(folder / conversion.name))
    path = _record_path(conversion, folder)
    asset_files.store(path, msgspec.json.encode(record), _part(path))
