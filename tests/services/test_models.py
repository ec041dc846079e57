"""The cache against small wheels made here, then against the published ones."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.errors import AssetError
from services import models
from services.asset_table import GROUPS, Asset, Conversion, Group, Package
from tests.services import tflite_builder

CLIP, CALIBRATION = b"not a real clip" * 1000, b"focal length\n"
NETWORK = tflite_builder.build(
    [tflite_builder.Tensor(name, (1, 2, 2, 1)) for name in ("picture", "odds")],
    [tflite_builder.Step("LOGISTIC", (0,), 1)],
    [1],
)
CONTENTS = {"clip.mp4": CLIP, "rig.toml": CALIBRATION, "odds.tflite": NETWORK}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder: Path, contents: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "footage-1.0-py3-none-any.whl"
    about = "footage-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"footage/{name}", content)
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: footage\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return wheel


def groups(package: Package) -> dict[str, Group]:
    """The table of the wheel of CONTENTS."""
    assets = tuple(
        Asset(name, package, f"footage/{name}", len(content), sha256(content), "tests")
        for name, content in CONTENTS.items()
    )
    return {"small": Group("small", assets, (Conversion("odds.onnx", "odds.tflite", "tests"),))}


PACKAGE = Package("footage", "1.0", "none", None)
SMALL = groups(PACKAGE)


@dataclass
class Shelf:
    """A place to download from that counts."""

    wheel: Path
    asked: list[Package] = field(default_factory=list)

    def download(self, package: Package, folder: Path) -> Path:
        self.asked.append(package)
        copy = folder / self.wheel.name
        copy.write_bytes(self.wheel.read_bytes())
        return copy


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(write_wheel(tmp_path / "shelf", CONTENTS))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def ensure(
    cache: Path, download: models.Download, table: Mapping[str, Group] = SMALL
) -> dict[str, Path]:
    return models.ensure("small", cache_root=cache, groups=table, download=download)


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_files_arrive_whole_and_the_second_call_touches_nothing(cache: Path, shelf: Shelf) -> None:
    paths = ensure(cache, shelf.download)
    assert list(paths) == ["clip.mp4", "rig.toml", "odds.tflite", "odds.onnx"]
    assert {name: paths[name].read_bytes() for name in CONTENTS} == CONTENTS
    assert kept(cache) == sorted([*paths, "odds.onnx.json", ".lock"])
    before = {path: path.stat() for path in paths.values()}
    assert ensure(cache, shelf.download) == paths
    assert len(shelf.asked) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == {
        path: stat.st_mtime_ns for path, stat in before.items()
    }
    assert {path: path.stat().st_ino for path in before} == {
        path: stat.st_ino for path, stat in before.items()
    }


@pytest.mark.parametrize("damage", [CLIP[:-1], CLIP[:-1] + b"?", b""])
def test_a_damaged_file_is_fetched_again(cache: Path, shelf: Shelf, damage: bytes) -> None:
    clip = ensure(cache, shelf.download)["clip.mp4"]
    clip.write_bytes(damage)
    assert [asset.name for asset in models.missing("small", cache_root=cache, groups=SMALL)] == [
        "clip.mp4"
    ]
    assert ensure(cache, shelf.download)["clip.mp4"].read_bytes() == CLIP
    assert len(shelf.asked) == 2
    assert models.missing("small", cache_root=cache, groups=SMALL) == []


def test_what_an_interrupted_fetch_left_behind_goes(cache: Path, shelf: Shelf) -> None:
    left = cache / "small" / ".download-killed"
    left.mkdir(parents=True)
    (left / "footage.whl").write_bytes(b"PK")
    (cache / "small" / "clip.mp4.part").write_bytes(CLIP[:100])
    ensure(cache, shelf.download)
    assert not left.exists()
    assert "clip.mp4.part" not in kept(cache)


def test_an_interrupt_in_a_download_keeps_nothing(cache: Path, shelf: Shelf) -> None:
    def interrupted(package: Package, folder: Path) -> Path:
        (folder / "footage.whl").write_bytes(b"PK")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(cache, interrupted)
    assert kept(cache) == [".lock"]
    assert ensure(cache, shelf.download)["clip.mp4"].read_bytes() == CLIP


def refused(cache: Path, shelf: Shelf, table: Mapping[str, Group] = SMALL) -> str:
    with pytest.raises(AssetError, match=r"footage==1\.0.*sha256 differs") as caught:
        ensure(cache, shelf.download, table)
    assert kept(cache) == [".lock"]
    return str(caught.value)


@pytest.mark.parametrize("forged", [CLIP[:-1] + b"?", CLIP + b"?", b""])
def test_another_file_of_that_name_is_refused(cache: Path, tmp_path: Path, forged: bytes) -> None:
    wheel = write_wheel(tmp_path / "forged", CONTENTS | {"clip.mp4": forged})
    assert "footage/clip.mp4" in refused(cache, Shelf(wheel))


def test_a_wheel_without_the_file_is_refused(cache: Path, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "poor", {"rig.toml": CALIBRATION})
    assert "footage/clip.mp4" in refused(cache, Shelf(wheel))


def test_a_cut_wheel_is_refused(cache: Path, shelf: Shelf) -> None:
    shelf.wheel.write_bytes(shelf.wheel.read_bytes()[:-40])
    assert shelf.wheel.name in refused(cache, shelf)


def test_another_wheel_is_refused_where_its_hash_is_known(cache: Path, shelf: Shelf) -> None:
    right = replace(PACKAGE, sha256=sha256(shelf.wheel.read_bytes()))
    wrong = replace(PACKAGE, sha256=sha256(b"another"))
    assert shelf.wheel.name in refused(cache, shelf, groups(wrong))
    ensure(cache, shelf.download, groups(right))


def test_offline_names_the_files_their_package_and_the_command(cache: Path, shelf: Shelf) -> None:
    ensure(cache, shelf.download)["clip.mp4"].unlink()

    def ensure_offline() -> dict[str, Path]:
        return models.ensure(
            "small", offline=True, cache_root=cache, groups=SMALL, download=shelf.download
        )

    with pytest.raises(AssetError) as caught:
        ensure_offline()
    assert "clip.mp4 from footage==1.0" in str(caught.value)
    assert "rig.toml" not in str(caught.value)
    assert "`kinelive fetch small`" in str(caught.value)
    ensure(cache, shelf.download)
    ensure_offline()["odds.onnx"].unlink()
    assert ensure_offline()["odds.onnx"].exists()
    assert len(shelf.asked) == 2


@pytest.mark.parametrize("spoilt", ["odds.onnx", "odds.onnx.json"])
def test_a_damaged_conversion_is_redone_without_a_download(
    cache: Path, shelf: Shelf, spoilt: str
) -> None:
    network = ensure(cache, shelf.download)["odds.onnx"]
    converted = network.read_bytes()
    (cache / "small" / spoilt).write_bytes(b"{")
    assert ensure(cache, shelf.download)["odds.onnx"].read_bytes() == converted
    assert len(shelf.asked) == 1


def test_a_new_revision_of_the_converter_redoes_the_conversion(cache: Path, shelf: Shelf) -> None:
    before = ensure(cache, shelf.download)["odds.onnx"].stat().st_mtime_ns
    conversion = replace(SMALL["small"].conversions[0], revision=2)
    newer = {"small": replace(SMALL["small"], conversions=(conversion,))}
    assert ensure(cache, shelf.download, newer)["odds.onnx"].stat().st_mtime_ns > before
    assert len(shelf.asked) == 1


def test_resolve_maps_asset_names_and_leaves_other_paths(cache: Path, shelf: Shelf) -> None:
    def resolve(path: str) -> Path:
        return models.resolve(path, cache_root=cache, groups=SMALL)

    assert resolve("videos/cam01.mp4") == Path("videos/cam01.mp4")
    with pytest.raises(AssetError, match=r"asset:small/clip\.mp4.*`kinelive fetch small`"):
        resolve("asset:small/clip.mp4")
    ensure(cache, shelf.download)
    assert resolve("asset:small/clip.mp4").read_bytes() == CLIP
    assert resolve("asset:small/odds.onnx") == cache / "small" / "odds.onnx"
    with pytest.raises(AssetError, match=r"clip\.mp4, rig\.toml, odds\.tflite, odds\.onnx"):
        resolve("asset:small/none.mp4")
    with pytest.raises(AssetError, match="no asset group 'large'; there are small"):
        resolve("asset:large/clip.mp4")
    resolve("asset:small/clip.mp4").write_bytes(CLIP[1:])
    with pytest.raises(AssetError, match="damaged"):
        resolve("asset:small/clip.mp4")


def test_a_cache_that_cannot_be_written_is_an_asset_error(tmp_path: Path, shelf: Shelf) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    with pytest.raises(AssetError, match="cannot keep files in"):
        ensure(in_the_way, shelf.download)


def test_of_several_at_once_one_downloads(cache: Path, shelf: Shelf) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(ensure, cache, shelf.download) for _ in range(4)]
    assert [each.result()["clip.mp4"].read_bytes() for each in found] == [CLIP] * 4
    assert len(shelf.asked) == 1


def pip_package(wheel: Path) -> Package:
    """To be had by the real pip, from the wheel's folder alone."""
    return replace(PACKAGE, pip_options=("--no-index", "--find-links", str(wheel.parent)))


PROCESS = """
import sys
from pathlib import Path
from services import models
from tests.services import test_models

cache, wheel = map(Path, sys.argv[1:])
table = test_models.groups(test_models.pip_package(wheel))
models.ensure("small", cache_root=cache, groups=table, progress=print)
"""


def test_two_processes_with_the_real_pip_share_one_download(cache: Path, shelf: Shelf) -> None:
    command: Sequence[str] = [sys.executable, "-c", PROCESS, str(cache), str(shelf.wheel)]
    repository = Path(models.__file__).parents[1]
    running = [
        subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert "".join(said).count("downloading footage==1.0") == 1
    assert ensure(cache, shelf.download)["clip.mp4"].read_bytes() == CLIP
    assert shelf.asked == []


def test_when_pip_fails_its_words_are_shown(cache: Path, tmp_path: Path) -> None:
    nowhere = pip_package(tmp_path / "nothing" / "here.whl")
    with pytest.raises(AssetError, match=r"footage==1\.0.*online(?s:.*)pip said(?s:.*)ERROR"):
        ensure(cache, models.download_package, groups(nowhere))
    assert kept(cache) == [".lock"]


@pytest.mark.parametrize("group", GROUPS.values(), ids=lambda group: group.name)
def test_the_table_can_be_carried_out(group: Group) -> None:
    assert len(set(group.names)) == len(group.names)
    assert all(len(bytes.fromhex(asset.sha256)) == 32 for asset in group.assets)
    assert {each.source for each in group.conversions} <= {asset.name for asset in group.assets}


def test_the_published_footage_has_four_cameras() -> None:
    paths = models.ensure("demo")
    cameras = [f"cam0{number}" for number in range(1, 5)]
    assert all(paths[f"{camera}.mp4"].read_bytes()[4:8] == b"ftyp" for camera in cameras)
    pictures = [f"{camera}_0{number}_int.jpg" for camera in cameras for number in range(1, 8)]
    assert {"Calib.qca.txt", "Config.toml", *pictures} <= set(paths)
    assert models.resolve("asset:demo/cam01.mp4") == paths["cam01.mp4"]
