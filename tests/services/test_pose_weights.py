"""Weights of pose models from a site on this machine, which cuts, breaks off and lies."""

import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import rtmlib

from core.config import PoseConfig
from core.errors import AssetError
from core.pose.catalogue import MODELS, PoseModel
from services import pose_weights
from services.web_download import web_download

NAME = "rtmpose_balanced"
DETECTOR, POSE = b"boxes" * 4000, b"keypoints" * 4000


class Site(ThreadingHTTPServer):
    """Serves ``files``; what ``faults`` says of a path goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []

    def addresses(self, model: PoseModel) -> dict[str, str]:
        del model
        root = f"http://127.0.0.1:{self.server_address[1]}"
        return {role: f"{root}/{role}-0a1b2c3d.zip" for role in ("detector", "pose")}


class _Answers(BaseHTTPRequestHandler):
    server: Site  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        site, fault = self.server, self.server.faults.get(self.path, "")
        site.asked.append(self.path)
        content = site.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        sent = content[: len(content) // 2] if fault else content
        promised = len(sent) if fault == "truncated" else len(content)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        pass


def archive(path: Path, members: dict[str, bytes]) -> bytes:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path.read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site() as site:
        for role, content in (("detector", DETECTOR), ("pose", POSE)):
            members = {"20230831/x/end2end.onnx": content, "20230831/x/deploy.json": b"{}"}
            site.files[f"/{role}-0a1b2c3d.zip"] = archive(tmp_path / f"{role}.zip", members)
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def ensure(cache: Path, site: Site, *, offline: bool = False) -> dict[str, Path]:
    return pose_weights.ensure(NAME, cache_root=cache, registry=site.addresses, offline=offline)


def kept(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_weights_arrive_whole_and_once(cache: Path, site: Site) -> None:
    paths = ensure(cache, site)
    assert {role: path.read_bytes() for role, path in paths.items()} == {
        "detector": DETECTOR,
        "pose": POSE,
    }
    assert kept(cache) == {
        f"{role}-0a1b2c3d.onnx{end}" for role in ("detector", "pose") for end in ("", ".json")
    }
    assert ensure(cache, site) == ensure(cache, site, offline=True) == paths
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("fault", "says"),
    [("broken off", "cut short after"), ("truncated", "not a whole zip archive")],
)
def test_half_a_download_leaves_nothing_and_the_next_one_is_whole(
    cache: Path, site: Site, fault: str, says: str
) -> None:
    site.faults["/pose-0a1b2c3d.zip"] = fault
    with pytest.raises(AssetError, match=says) as raised:
        ensure(cache, site)
    for told in ("pose-0a1b2c3d.onnx", "http://127.0.0.1", str(cache), "kinelive fetch"):
        assert told in str(raised.value)
    assert not any("pose-" in name for name in kept(cache))
    site.faults.clear()
    assert ensure(cache, site)["pose"].read_bytes() == POSE


def test_a_changed_file_is_fetched_again_and_refused_offline(cache: Path, site: Site) -> None:
    path = ensure(cache, site)["pose"]
    path.write_bytes(POSE[:-1])
    with pytest.raises(AssetError, match=r"changed or cut short.*downloading is off"):
        ensure(cache, site, offline=True)
    assert ensure(cache, site)["pose"].read_bytes() == POSE


def test_another_file_than_at_first_is_refused(cache: Path, site: Site, tmp_path: Path) -> None:
    path = ensure(cache, site)["pose"]
    path.unlink()
    other = {"end2end.onnx": POSE + b"!"}
    site.files["/pose-0a1b2c3d.zip"] = archive(tmp_path / "other.zip", other)
    with pytest.raises(AssetError, match="another network than the first download"):
        ensure(cache, site)
    assert not path.exists()


def test_without_a_network_it_says_what_to_put_where(cache: Path, site: Site) -> None:
    del site.files["/pose-0a1b2c3d.zip"]
    with pytest.raises(AssetError, match=r"refused with 404.*put it, as it is, into"):
        ensure(cache, site)
    nowhere = {"pose": "http://127.0.0.1:9/pose-1.zip"}
    with pytest.raises(AssetError, match=r"Connection refused.*get http://127.0.0.1:9/pose-1.zip"):
        pose_weights.ensure(NAME, cache_root=cache, registry=lambda _: nowhere)


@pytest.mark.parametrize("form", ["archive", "network"])
def test_what_is_put_there_by_hand_is_taken(cache: Path, site: Site, form: str) -> None:
    folder = cache / pose_weights.FOLDER
    folder.mkdir(parents=True)
    for role, content in (("detector", DETECTOR), ("pose", POSE)):
        if form == "archive":
            packed = site.files[f"/{role}-0a1b2c3d.zip"]
            (folder / f"{role}-0a1b2c3d.zip").write_bytes(packed)
        else:
            (folder / f"{role}-0a1b2c3d.onnx").write_bytes(content)
    assert ensure(cache, site, offline=True)["pose"].read_bytes() == POSE
    assert site.asked == []


def test_half_an_archive_put_there_by_hand_is_refused(cache: Path, site: Site) -> None:
    folder = cache / pose_weights.FOLDER
    folder.mkdir(parents=True)
    (folder / "detector-0a1b2c3d.zip").write_bytes(site.files["/detector-0a1b2c3d.zip"][:999])
    with pytest.raises(AssetError, match=r"detector-0a1b2c3d\.zip: not a whole zip archive"):
        ensure(cache, site, offline=True)


@pytest.mark.parametrize("members", [{}, {"a.onnx": b"1", "b/c.onnx": b"2"}])
def test_an_archive_holds_one_network(
    cache: Path, site: Site, tmp_path: Path, members: dict[str, bytes]
) -> None:
    site.files["/pose-0a1b2c3d.zip"] = archive(tmp_path / "odd.zip", {"readme": b""} | members)
    with pytest.raises(AssetError, match=f"holds {len(members)} networks"):
        ensure(cache, site)


def test_no_address_at_all(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="nothing: "):
        web_download("nothing", tmp_path / "x")


@pytest.mark.parametrize("model", [one for one in MODELS.values() if one.table[0]])
def test_every_model_of_the_catalogue_is_in_rtmlibs_tables(model: PoseModel) -> None:
    found = pose_weights.weights_of(model)
    assert set(found) == ({"pose"} if model.kind == "rtmo" else {"detector", "pose"})
    assert all(one.address.endswith(".zip") for one in found.values())
    owner, table, mode = model.table
    listed = getattr(getattr(rtmlib, owner), table)[mode]
    assert (listed.get("det_input_size"), listed["pose_input_size"]) == (model.detector, model.pose)


def test_networks_of_ones_own_must_be_there(tmp_path: Path) -> None:
    mine = PoseConfig(model="custom", pose_path=str(tmp_path / "a.onnx"), skeleton="HALPE_26")
    with pytest.raises(AssetError, match=r"pose\.pose_path: no such file"):
        pose_weights.ensure_for(mine)
    (tmp_path / "a.onnx").touch()
    assert pose_weights.ensure_for(mine) == {"pose": tmp_path / "a.onnx"}


def test_blazepose_comes_from_the_cache_as_ever() -> None:
    paths = pose_weights.ensure_for(PoseConfig(), offline=True)
    assert "pose_landmark_full.onnx" in paths
