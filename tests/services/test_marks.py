"""Moments named by a page, by HTTP and by the command line: recorded and shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from core import config
from core.config import MonitorConfig, RecorderConfig, RunConfig
from core.errors import ConfigError, ProcessError
from core.messages import MARK, MAX_MARK_CHARS, Event
from services import live_run, run_folder
from services.inventory import take_inventory
from services.marks import marks_of
from services.monitor.ears import MAX_MARKS_WAITING, TOO_MANY_MARKS, Ears
from services.monitor.listen import MAX_BYTES_FROM_PAGE
from services.monitor.wire import MARK_PATH
from services.session import open_session
from services.session_index import sessions_below
from tests.services import recorder_process
from tests.services import session_builder as builder
from tests.services import synthetic_run as play
from tests.services.recorder_process import RecorderProcess
from tests.services.test_monitor import reading
from tools.inspect import inspect
from tools.mark import mark as command

JSON = {"content-type": "application/json"}


def test_a_mark_is_clean_text_with_its_time_and_only_so_many_wait():
    ears = Ears()
    event = ears.mark(" jump\t3\x1b[2J\ud800 \n", 7)
    assert event == Event(t_ns=7, name=MARK, text="jump 3 [2J", process="monitor")
    said = [ears.mark("", i) for i in range(MAX_MARKS_WAITING + 3)]
    assert sum(one is None for one in said) == 4
    assert ears.drops[TOO_MANY_MARKS] == 4
    assert len(ears.take_marks()) == MAX_MARKS_WAITING
    assert ears.take_marks() == []


def settings(tmp_path: Path) -> RunConfig:
    run = builder.run_config(tmp_path, RecorderConfig(session=str(tmp_path / "session")))
    return msgspec.structs.replace(run, monitor=MonitorConfig(port=0))


@contextmanager
def live(run: RunConfig) -> Iterator[tuple[RecorderProcess, str]]:
    """The real recorder and the real monitor, and where its page is."""
    with recorder_process.start(run, also="monitor") as process:
        process.talk_until(lambda: process.taken >= 100)
        yield process, (process.folder / "monitor.url").read_text()


def test_marks_of_page_http_and_command_are_recorded_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with live(settings(tmp_path)) as (process, url), reading(url) as page:
        page.read()
        before_ns = process.clock.now_ns()
        page.say(mark="from the page")
        play.until(lambda: told(page, "from the page"))
        assert command("from the command", url=url) == 0
        said = httpx.post(url + MARK_PATH[1:], json={"text": "by HTTP"}).json()
        assert before_ns < said["t_ns"] <= process.clock.now_ns()
        play.until(lambda: told(page, "by HTTP"))
        process.child.terminate()
        assert process.child.wait(recorder_process.DEADLINE_S) == 0
    (found,) = sessions_below(tmp_path)
    assert (found.state, found.marks) == ("closed", 3)
    session = open_session(tmp_path / "session")
    marks = marks_of(session, before_ns)
    assert [one.text for one in marks] == ["from the page", "from the command", "by HTTP"]
    assert marks[-1].t_ns == said["t_ns"]
    assert marks == tuple(sorted(marks, key=lambda one: one.t_ns))
    assert "UTC: from the command" in capsys.readouterr().out
    assert inspect(session.path) == 0
    assert "s: by HTTP" in capsys.readouterr().out
    assert [one.t_ns for one in take_inventory(session).marks] == [one.t_ns for one in marks]


def told(page, text: str) -> bool:
    page.read()
    return page.letters.get("event", {}).get("text") == text


def test_what_is_no_mark_or_comes_from_elsewhere_is_refused():
    with play.run_folder() as folder:
        run = play.SyntheticRun(folder, play.settings())
        with play.monitor(run) as url, run.context("recorder").subscriber() as bus:
            at, own = url + MARK_PATH[1:], url.rstrip("/")
            long = b'{"text": "", "x": "' + b"y" * MAX_BYTES_FROM_PAGE + b'"}'

            def status(body: bytes, **headers: str) -> int:
                return httpx.post(at, content=body, headers={**JSON, **headers}).status_code

            assert status(b"{}", origin="http://evil.example") == 403
            assert status(b"{}", origin="http://evil.example", host="evil.example") == 403
            assert httpx.post(at, content=b"{}").status_code == 415
            assert httpx.post(at, data={"text": "x"}).status_code == 415
            assert httpx.get(at).status_code in (404, 405)
            assert status(long) == 413
            too_many_chars = msgspec.json.encode({"text": "x" * (MAX_MARK_CHARS + 1)})
            for wrong in (b"", b"[]", b'{"text": 1}', b"\xff", b"[" * 3000, too_many_chars):
                assert status(wrong) == 400
            assert status(b'{"text": "good"}', origin=own) == 200
            heard = play.until(lambda: marks_on(bus) or None)
            assert [one.text for one in heard] == ["good"]


def marks_on(bus) -> list[Event]:
    said = [one.message for one in bus.drain(100)]
    return [one for one in said if isinstance(one, Event) and one.name == MARK]


def test_the_command_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_folder, "live", list[Path])
    with pytest.raises(ConfigError, match="no run is live"):
        command("x")
    with pytest.raises(ConfigError, match="at most 200"):
        command("x" * 201)
    folders = [run_with_page(tmp_path / str(i), f"http://127.0.0.1:{i}/") for i in (1, 2)]
    monkeypatch.setattr(run_folder, "live", lambda: folders)
    with pytest.raises(ConfigError, match="--url"):
        command("x")
    with pytest.raises(ProcessError, match="does not answer"):
        command("x", url="http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="live: http"):
        live_run.find("http://127.0.0.1:3/")
    (folders[0] / "monitor.url").unlink()
    monkeypatch.setattr(run_folder, "live", lambda: folders[:1])
    with pytest.raises(ConfigError, match=r"monitor\.enabled"):
        command("x")


def run_with_page(folder: Path, url: str) -> Path:
    run = settings(folder)
    (folder / "run.json").write_bytes(config.write(run))
    (folder / "monitor.url").write_text(url)
    return folder


def test_the_folders_of_live_runs_are_found(tmp_path: Path):
    folder, _ = run_folder.create(settings(tmp_path))
    try:
        assert folder in run_folder.live()
        (folder / "pid").write_text(str(2**22 + 1))
        assert folder not in run_folder.live()
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
