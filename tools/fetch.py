"""``kinelive fetch``: put the footage and the weights into the cache, and show what is there.

Groups of files come from packages by name; weights of the listed pose models from their own site.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import tyro
from rich.console import Console
from rich.table import Table

from core.errors import AssetError
from core.pose.catalogue import MODELS
from services import models, pose_weights
from services.asset_download import download_package
from services.asset_table import GROUPS, Asset, Group
from services.models import Download, Progress, cache_folder

_USUAL = tuple(name for name, group in GROUPS.items() if not group.only_when_named)


class Fetched(msgspec.Struct, frozen=True):
    """One group in the cache after a fetch."""

    files: int
    bytes: int
    downloaded: int
    """Files that were missing or damaged before."""


class Report(msgspec.Struct, frozen=True):
    """What ``--json`` prints."""

    cache: str
    groups: dict[str, Fetched]


def fetch(
    groups: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    offline: bool = False,
    json: bool = False,
) -> int:
    """Download footage and weights, check them and keep them in the cache.

    What is there and whole is not downloaded again. Raises AssetError, with what to do, for a
    group that is unknown or cannot be completed.

    Args:
        groups: What to fetch, groups of files or pose models such as rtmpose_balanced; all groups
            but the larger BlazePose, and no further pose models, when none is named.
        offline: Download nothing; fail, naming the files, when something is missing.
        json: Print one line of JSON on standard output; the table goes to standard error.
    """
    messages = Console(stderr=True)
    with messages.status("checking the cache"):
        report = fetch_groups(groups or _USUAL, progress=messages.print, offline=offline)
    listing = messages if json else Console()
    listing.print(f"cache: {report.cache}", soft_wrap=True)
    table = listing_table([GROUPS[name] for name in report.groups if name in GROUPS])
    for name in report.groups:
        if name in MODELS and name not in GROUPS:
            _list_weights(table, name)
    listing.print(table)
    if json:
        print(msgspec.json.encode(report).decode())
    return 0


def fetch_groups(
    names: Sequence[str],
    *,
    progress: Progress,
    offline: bool = False,
    cache_root: Path | None = None,
    groups: Mapping[str, Group] = GROUPS,
    download: Download = download_package,
) -> Report:
    """Complete the named groups in the cache and say what they hold. Errors as ``ensure``."""
    fetched: dict[str, Fetched] = {}
    for asked in names:
        model = None if asked in groups else MODELS.get(asked)
        if model is not None and model.kind != "blazepose":
            fetched[asked] = _fetch_weights(asked, progress, offline, cache_root)
            continue
        name = asked if model is None else pose_weights.group_of(asked)
        if name not in groups:
            raise AssetError(f"{name!r} is none of {', '.join([*groups, *MODELS])}")
        before = models.missing(name, cache_root=cache_root, groups=groups)
        paths = models.ensure(
            name,
            offline=offline,
            progress=progress,
            cache_root=cache_root,
            groups=groups,
            download=download,
        )
        n_bytes = sum(map(_size, paths.values()))
        fetched[name] = Fetched(len(paths), n_bytes, len(before))
    return Report(str(cache_folder(cache_root)), fetched)


def _fetch_weights(
    name: str, progress: Progress, offline: bool, cache_root: Path | None
) -> Fetched:
    wanted = pose_weights.weights_of(MODELS[name], cache_root).values()
    lacking = sum(not one.is_whole() for one in wanted)
    paths = pose_weights.ensure(name, offline=offline, progress=progress, cache_root=cache_root)
    return Fetched(len(paths), sum(map(_size, paths.values())), lacking)


def _list_weights(table: Table, name: str) -> None:
    for role, one in pose_weights.weights_of(MODELS[name]).items():
        size = f"{_size(one.network) / 1000:,.0f}"
        table.add_row(f"{name}: {role}, {one.network.name}", size, one.address)


def listing_table(groups: Sequence[Group], cache_root: Path | None = None) -> Table:
    """One row a cached file: the name by which a configuration asks for it, size, origin."""
    table = Table(box=None)
    table.add_column("file", no_wrap=True)
    table.add_column("kB", justify="right", no_wrap=True)
    table.add_column("from", no_wrap=True)
    for group in groups:
        folder = cache_folder(cache_root) / group.name
        for entry in (*group.assets, *group.conversions):
            size = f"{_size(folder / entry.name) / 1000:,.0f}"
            is_published = isinstance(entry, Asset)
            origin = entry.package.requirement if is_published else "converted here"
            table.add_row(f"asset:{group.name}/{entry.name}", size, origin)
    return table


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())
