"""A folder of many small files as one asset."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import AssetError
from services import asset_files, models
from services.asset_table import Asset, Group
from tests.services.test_models import PACKAGE, Shelf, write_wheel

CONTENTS = {"poses/a/1.json": b"one", "poses/a/2.json": b"two", "poses/b.json": b"", "odd": b"?"}
INSIDE = {name.removeprefix("poses/"): one for name, one in CONTENTS.items() if "poses" in name}
FOLDER = Asset(
    "poses", PACKAGE, "footage/poses", 6, asset_files.digest(INSIDE), "tests", is_folder=True
)
TABLE = {"small": Group("small", (FOLDER,))}


def ensure(cache: Path, shelf: Shelf, asset: Asset = FOLDER) -> Path:
    table = {"small": Group("small", (asset,))}
    found = models.ensure("small", cache_root=cache, groups=table, download=shelf.download)
    return found["poses"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(write_wheel(tmp_path / "shelf", CONTENTS))


def test_a_folder_arrives_whole_and_once(tmp_path, shelf):
    folder = ensure(tmp_path, shelf)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json")}
    assert {name: path.read_bytes() for name, path in files.items()} == INSIDE
    ensure(tmp_path, shelf)
    assert len(shelf.asked) == 1
    resolved = models.resolve("asset:small/poses", cache_root=tmp_path, groups=TABLE)
    assert resolved == folder


def test_a_folder_that_was_touched_is_fetched_again(tmp_path, shelf):
    folder = ensure(tmp_path, shelf)
    (folder / "a/1.json").write_bytes(b"eno")
    ensure(tmp_path, shelf)
    (folder / "a/2.json").unlink()
    ensure(tmp_path, shelf)
    (folder / "more.json").write_bytes(b"")
    ensure(tmp_path, shelf)
    assert len(shelf.asked) == 4
    assert asset_files.digest_of(folder) == FOLDER.sha256


def test_what_an_interrupted_fetch_left_behind_goes(tmp_path, shelf):
    (tmp_path / "small/poses.part/a").mkdir(parents=True)
    (tmp_path / "small/poses.part/a/3.json").write_bytes(b"three")
    assert asset_files.digest_of(ensure(tmp_path, shelf)) == FOLDER.sha256
    assert not (tmp_path / "small/poses.part").exists()


@pytest.mark.parametrize("asset", [replace(FOLDER, sha256="0" * 64), replace(FOLDER, size=5)])
def test_another_folder_is_refused(tmp_path, shelf, asset):
    with pytest.raises(AssetError, match=r"footage/poses is not the file that was published"):
        ensure(tmp_path, shelf, asset)
    assert not (tmp_path / "small/poses").exists()


def test_names_and_borders_of_files_count():
    assert len({asset_files.digest(one) for one in (
        {"a": b"xy"}, {"a": b"x"}, {"b": b"xy"}, {"a": b"x", "y": b""}, {"ax": b"y"},
    )}) == 5  # fmt: skip
