"""The monitor over a real bus, a real port and real WebSockets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
import simplejpeg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.errors import CalibrationError
from core.messages import SCHEMA_VERSION
from services.monitor import mailbox, server
from tests.services import synthetic_run as play


class Reader:
    """What a page does: reads batches, files letters by key, acknowledges."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.letters: dict[str, Any] = {}
        self.order: list[str] = []

    def batch(self, seconds: float = 10.0) -> tuple[int, list[tuple[str, str, int, Any]]]:
        raw = self.socket.recv(timeout=seconds)
        assert isinstance(raw, bytes)
        number, letters = msgspec.msgpack.decode(raw)
        for key, _, _, message in letters:
            self.letters[key] = message
            self.order.append(key)
        return number, letters

    def say(self, **words: Any) -> None:
        self.socket.send(json.dumps(words))

    def read(self) -> None:
        number, _ = self.batch()
        if number:
            self.say(ack=number)

    def read_until(self, key: str) -> Any:
        while key not in self.letters:
            self.read()
        return self.letters[key]


@contextmanager
def reading(url: str, **options: Any) -> Iterator[Reader]:
    with connect(f"ws://{urlsplit(url).netloc}/ws", **options) as socket:
        yield Reader(socket)


@pytest.fixture
def run() -> Iterator[play.SyntheticRun]:
    with play.run_folder() as folder:
        yield play.SyntheticRun(folder, play.settings())


def test_hello_comes_first_and_says_what_holds_for_the_run(run):
    with play.monitor(run) as url, reading(url) as reader:
        reader.read()
        hello = reader.letters["hello"]
        assert reader.order[0] == "hello"
        assert hello["schema_version"] == SCHEMA_VERSION
        assert hello["session"] == "walk-07"
        assert hello["cameras"] == ["cam01", "cam02", "cam03", "cam04"]
        assert [one["name"] for one in hello["calibrated"]] == hello["cameras"]
        assert hello["skeletons"][0]["name"] == "HALPE_26"
        assert hello["late_after_ms"]["pose3d"] == pytest.approx(10_000 / 15)


def test_pose_angles_health_and_pictures_arrive(run):
    with play.playing(run), play.monitor(run) as url, reading(url) as reader:
        pose = reader.read_until("pose3d")
        said = next(one for one in run.poses if one.t_ns == pose["t_ns"])
        assert pose["persons"][0]["keypoints_m"] == said.persons[0].keypoints_m
        assert reader.read_until("angles")["coordinates"][0] == "knee_angle_l"
        assert reader.read_until("health/fusion")["process"] == "fusion"
        assert reader.read_until("camera/cam01")["driver"] == "file"
        view = reader.read_until("view/cam03")
        assert (view["width_px"], view["height_px"]) == (1920, 1080)
        assert view["keypoints2d"]["frame"] == view["frame"]
        assert simplejpeg.decode_jpeg(view["jpeg"]).shape == (540, 960, 3)


def test_without_keypoints_pictures_come_all_the_same(run):
    run.silent.add("keypoints2d")
    with play.playing(run), play.monitor(run) as url, reading(url) as reader:
        view = reader.read_until("view/cam01")
        assert view["keypoints2d"] is None


def test_a_page_that_does_not_read_gets_the_newest_and_no_backlog(run):
    with play.monitor(run) as url, reading(url) as slow, reading(url) as other, run:
        poses = [_said_and_read_by(other, run) for _ in range(40)]
        assert [slow.batch()[0] for _ in range(mailbox.MAX_IN_FLIGHT)] == [1, 2]
        slow.say(ack=2)
        number, letters = slow.batch()
        assert number == 3
        keys = [letter[0] for letter in letters]
        assert len(keys) == len(set(keys))
        assert slow.letters["pose3d"]["t_ns"] >= poses[-1]


def _said_and_read_by(reader: Reader, run: play.SyntheticRun) -> int:
    """Say instants until the reader has one of them; its time."""
    t_ns = run.say_instant().t_ns
    while reader.letters.get("pose3d", {"t_ns": 0})["t_ns"] < t_ns:
        run.say_instant()
        reader.read()
    return reader.letters["pose3d"]["t_ns"]


def test_foreign_pages_are_refused(run):
    with play.monitor(run) as url:
        with pytest.raises(InvalidStatus) as refused, reading(url, origin="http://evil.example"):
            pass
        assert refused.value.response.status_code == 403
        with reading(url, origin=url.rstrip("/")) as reader:
            reader.read()
            assert "hello" in reader.letters


def test_what_is_no_message_ends_the_connection(run):
    with play.monitor(run) as url, reading(url) as reader:
        reader.read()
        reader.socket.send('{"ack": "yes"}')
        with pytest.raises(ConnectionClosed):
            reader.batch()


def test_a_ping_is_answered_with_the_rig_clock(run):
    with play.monitor(run) as url, reading(url) as reader:
        before_ns = run.clock.now_ns()
        reader.say(ping=12.5)
        pong = reader.read_until("pong")
        assert pong["pong"] == 12.5
        assert before_ns <= pong["rig_ns"] <= run.clock.now_ns()


def test_latency_on_the_screen_becomes_a_gauge_of_the_monitor(run):
    def told(reader: Reader) -> bool:
        reader.say(screen_latency={"p50_ms": 120.5, "p95_ms": 160.0})
        reader.read()
        gauges = reader.letters.get("health/monitor", {}).get("gauges", {})
        return gauges.get("screen_latency_ms_p50") == 120.5

    with play.monitor(run) as url, reading(url) as reader:
        play.until(lambda: told(reader))
        assert reader.letters["health/monitor"]["gauges"]["screen_latency_ms_p95"] == 160.0
        assert reader.letters["health/monitor"]["gauges"]["pages"] == 1


def test_the_page_and_nothing_from_elsewhere_is_served(run):
    with play.monitor(run) as url:
        answer = httpx.get(url)
        assert answer.status_code == 200
        assert "<title>kinelive</title>" in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert httpx.get(f"{url}../pyproject.toml").status_code == 404


def test_it_ends_with_a_page_connected_that_reads_nothing(run):
    with play.monitor(run) as url, connect(f"ws://{urlsplit(url).netloc}/ws"):
        pass  # the monitor asserts that it ends


def test_a_damaged_calibration_stops_it_at_the_start(run):
    (run.folder / "calibration.json").write_text('[{"name": "cam01"}]')
    with pytest.raises(CalibrationError, match="width_px"):
        server.main(run.context("monitor"))


def test_without_calibration_there_are_no_frusta(tmp_path):
    assert server.read_calibration(tmp_path) == ()
