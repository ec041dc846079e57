"""The parts of the monitor: ports, origins, mailboxes, pace, pictures, the page's build."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import simplejpeg

from capture.ring import RingWriter
from core import synthetic
from core.config import MonitorConfig
from core.errors import ConfigError
from core.messages import SCHEMA_VERSION, Event, FrameDescriptor, Header, Health, Keypoints2D
from services.bus import Received
from services.monitor import bundle, listen, mailbox, server
from services.monitor import origin as origins
from services.monitor.tiles import Pace, Tiles
from services.monitor.wire import Letter

MS = 1_000_000


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        (None, "127.0.0.1:8765", True),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("http://127.0.0.1:3000", "127.0.0.1:8765", False),
        ("http://evil.example", "127.0.0.1:8765", False),
        ("http://rebound.example:8765", "rebound.example:8765", False),
        ("null", "127.0.0.1:8765", False),
    ],
)
def test_own_pages_are_those_of_this_machine(origin, host, own):
    assert origins.is_own_page(origin, host) is own


def test_a_port_in_use_leads_to_the_next():
    with listen.bind("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        with listen.bind("127.0.0.1", taken) as second:
            assert taken < second.getsockname()[1] < taken + listen.PORTS_TRIED


def test_a_host_that_is_not_ours_is_a_setup_error():
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        listen.bind("192.0.2.1", 8765)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:")]
)
def test_the_url_is_one_that_a_browser_here_can_open(host, url):
    with listen.bind(host, 0) as listening:
        assert listen.url_of(listening).startswith(url)


def _letter(key: str, text: str = "") -> Letter:
    return Letter(key, "x", 1, msgspec.Raw(msgspec.msgpack.encode(text)))


def test_a_mailbox_keeps_the_newest_of_each_key_and_the_last_events():
    box = mailbox.Mailbox()
    for i in range(60):
        box.put(_letter("pose3d", str(i)))
        box.put(_letter("event", str(i)))
    taken = box.take()
    assert [one.key for one in taken].count("pose3d") == 1
    events = [msgspec.msgpack.decode(one.message) for one in taken if one.key == "event"]
    assert events == [str(i) for i in range(10, 60)]
    assert box.take() == ()


def _received(key: str, source: str, life_ns: int) -> Received:
    message = Health(t_ns=1, process=source, state="running", pid=1)
    if key == "event":
        message = Event(t_ns=1, name="start", text="")
    return Received(key, Header(SCHEMA_VERSION, source, life_ns, 0), message, b"")


def test_a_new_life_is_a_restart_and_an_old_one_is_not():
    lives = server.Lives()
    assert not lives.see([_received("health", "fusion", 10), _received("event", "fusion", 20)])
    assert lives.see([_received("health", "fusion", 30)])
    assert not lives.see([_received("health", "fusion", 30), _received("health", "fusion", 10)])
    assert lives.restarts == {"fusion": 1}


@pytest.mark.parametrize("rate_hz", [15, 30, 60])
def test_pace_lets_the_rate_through_and_bears_jitter(rate_hz):
    rng = np.random.default_rng(1)
    times = (np.arange(10 * rate_hz) + rng.uniform(-0.2, 0.2, 10 * rate_hz)) / rate_hz
    pace = Pace(15)
    admitted = sum(pace.admits(int(t * 1e9)) for t in times)
    assert 145 <= admitted <= 152


def test_pace_goes_on_when_time_begins_anew():
    pace = Pace(15)
    assert pace.admits(10_000 * MS)
    assert pace.admits(5_000 * MS)
    assert not pace.admits(5_010 * MS)
    assert pace.admits(5_067 * MS)


class Camera:
    """One camera with a ring of two slots, and the tiles that look at it."""

    def __init__(self, folder: Path, writer: RingWriter) -> None:
        self.tiles = Tiles(MonitorConfig(tile_hz=1000, tile_height_px=60), folder)
        self._writer = writer

    def frame(self, number: int) -> None:
        slot, lock = self._writer.write(np.full((120, 160, 3), number, np.uint8))
        self.tiles.see_frame(
            FrameDescriptor(
                t_ns=number * 100 * MS,
                camera="cam01",
                frame=number,
                ring=self._writer.path.name,
                slot=slot,
                lock=lock,
                width_px=160,
                height_px=120,
                full_width_px=320,
                full_height_px=240,
                time_origin="file",
                time_uncertainty_ns=0,
            )
        )


@pytest.fixture
def camera(tmp_path) -> Iterator[Camera]:
    with RingWriter(tmp_path / "cam01.1.ring", 2, 120 * 160 * 3) as writer:
        yield Camera(tmp_path, writer)


def _people(frame: int) -> Keypoints2D:
    return synthetic.keypoints("cam01", frame, frame * 100 * MS, np.zeros((26, 2)))


def test_people_go_out_with_the_picture_they_were_found_in(camera):
    camera.frame(1)
    camera.frame(2)
    camera.tiles.see_people(_people(1))
    view = camera.tiles.make_one()
    assert view is not None
    assert view.keypoints2d is not None
    assert (view.frame, view.keypoints2d.frame) == (1, 1)
    assert simplejpeg.decode_jpeg(view.jpeg).shape == (60, 80, 3)
    assert not camera.tiles.waiting


def test_a_picture_written_over_gives_way_to_the_newest_without_people(camera):
    for number in (1, 2, 3):
        camera.frame(number)
    camera.tiles.see_people(_people(1))
    view = camera.tiles.make_one()
    assert view is not None
    assert (view.frame, view.keypoints2d) == (3, None)
    assert camera.tiles.drops == {"picture overwritten": 1}


def test_pictures_go_without_people_after_half_a_second_and_with_them_again(camera):
    for number in range(1, 7):
        camera.frame(number)
    assert not camera.tiles.waiting
    camera.frame(7)
    assert camera.tiles.waiting
    camera.tiles.forget_waiting()
    camera.frame(8)
    camera.tiles.forget_waiting()
    camera.tiles.see_people(_people(7))
    camera.frame(9)
    camera.tiles.see_people(_people(9))
    view = camera.tiles.make_one()
    assert view is not None
    assert view.frame == 9
    assert view.keypoints2d is not None


def test_a_ring_that_is_gone_is_no_picture_and_is_counted(camera, tmp_path):
    camera.frame(1)
    (tmp_path / "cam01.1.ring").unlink()
    camera.tiles.see_people(_people(1))
    assert camera.tiles.make_one() is None
    assert camera.tiles.drops["ring gone"] >= 1
    camera.tiles.drop_dead_rings()


def test_a_page_is_stale_when_a_source_of_it_changes(tmp_path):
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("1")
    assert bundle.is_stale(web)
    (web / "dist").mkdir()
    (web / "dist" / "sources.sha256").write_text(bundle.sources_digest(web))
    assert not bundle.is_stale(web)
    (web / "src" / "main.ts").write_text("2")
    assert bundle.is_stale(web)


def test_the_lock_file_names_no_host():
    text = (bundle.WEB / "package-lock.json").read_text()
    assert "://" not in text
    assert '"resolved"' not in text


def test_without_node_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(bundle.node_tools.shutil, "which", lambda _: None)
    monkeypatch.setattr(bundle.node_tools.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(bundle.BundleError, match=r"install Node\.js"):
        bundle.build(force=True)
