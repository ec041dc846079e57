"""The recorder's loop, its answers to a full disk, and once over real sockets."""

import time
from collections import Counter
from pathlib import Path

import pytest

from core.config import RecorderConfig
from core.errors import SessionError
from core.messages import Health, Packet
from services import recorder
from services.bus import Received
from services.inventory import take_inventory
from services.session import open_session
from tests.services import recorder_process
from tests.services import session_builder as builder


class Tape:
    """Brings batches one after the other; the end of the tape is the time to stop."""

    def __init__(self, batches: list[list[Received]]) -> None:
        self._batches = batches

    def drain(self, timeout_ms: int) -> list[Received]:
        return self._batches.pop(0) if self._batches else []

    def wait(self, timeout: float) -> bool:
        return not self._batches


def test_the_loop_hands_on_all_and_each_round_is_safe(tmp_path: Path) -> None:
    desk = builder.Desk(builder.run_config(tmp_path))
    heard = builder.packets(60)
    batches = [heard[i : i + 9] for i in range(0, len(heard), 9)]
    tape, beats = Tape(batches), list[int]()

    def beat() -> None:
        beats.append(1)
        if len(beats) % 3 == 0:
            desk.disk.round(1.0)

    with desk.writer:
        recorder.loop(tape, desk.backlog, desk.clock, tape, 0.05, beat)
        desk.disk.round(1.0)
    assert len(beats) == 20
    session = open_session(tmp_path / "session")  # never closed, yet all is there
    assert not session.closed
    for name in builder.CAMERAS:
        assert [one.raw for one in session.packets(name)] == [
            one.raw for one in heard if one.key == f"packet/{name}"
        ]
    assert session.damage == []


def test_a_clock_set_back_does_not_stop_the_recording(tmp_path: Path) -> None:
    desk = builder.Desk(builder.run_config(tmp_path))
    heard = builder.packets(40)
    with desk.writer:
        for i in range(0, len(heard), 3):
            if i == 60:
                desk.clock.t_ns -= 10**15
            desk.hear(heard[i : i + 3])
        desk.finish()
    session = open_session(tmp_path / "session")
    assert len(list(session.packets("cam01"))) == 40
    inventory = take_inventory(session)
    assert inventory.complete
    assert inventory.duration_s < 10


def test_draining_ends_when_nothing_comes_or_time_is_up(tmp_path: Path) -> None:
    desk = builder.Desk(builder.run_config(tmp_path))
    with desk.writer:
        clock = desk.clock
        tape = Tape([[one] for one in builder.packets(20)])
        recorder.drain(tape, desk.backlog, clock, clock.t_ns + 100_000_000)
        assert len(tape.drain(0)) == 1  # there is more, but the time was up
        recorder.drain(tape, desk.backlog, clock, clock.t_ns + 10**12)
        desk.disk.finish(7, Counter({"lost packet/cam01": 3}), time.monotonic() + 60)
    session = open_session(tmp_path / "session")
    assert session.manifest.clock_offset_ns == 7
    inventory = take_inventory(session)
    assert sum(one.count for one in inventory.topics.values()) == 59
    assert inventory.drops_by_reason == {"lost packet/cam01": 3}


def test_video_goes_first_when_space_runs_short(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "session"), min_free_gb=2.0)
    run = builder.run_config(tmp_path, config)
    said = builder.Speaker("pose.0")
    words = [said.say("keypoints2d", builder.keypoints("cam01", i)) for i in range(9)]
    video = builder.packets(9, ["cam01"])
    free_bytes = [10**10]
    folder = Path(config.session)
    drops = Counter[str]()
    with builder.writer_of(run, free_bytes=lambda: free_bytes[0], drops=drops) as writer:
        for i in range(9):
            free_bytes[0] = (10**10, 15 * 10**8, 10**8)[i // 3]
            writer.flush(builder.START_NS + i)
            writer.write(words[i], builder.START_NS + i)
            writer.write(video[i], builder.START_NS + i)
        writer.close(builder.START_NS + 10, 0, {})
    assert drops == {"disk_full_video cam01": 6, "disk_full": 3}
    inventory = take_inventory(open_session(folder))
    assert inventory.topics["keypoints2d/cam01"].count == 6
    assert inventory.topics["packet/cam01"].count == 3
    assert inventory.drops == 9


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = RecorderConfig(session=str(tmp_path / "file" / "session"))
    with pytest.raises(SessionError, match="name another folder"):
        builder.writer_of(builder.run_config(tmp_path, config))


def test_a_session_without_a_name_is_called_by_the_time() -> None:
    config = RecorderConfig(directory="/some/where")
    folder = recorder.session_folder(config, builder.START_NS)
    assert folder == Path("/some/where/2023-11-14T22-13-20Z")
    assert recorder.session_folder(RecorderConfig(session="/a/b"), 0) == Path("/a/b")


def test_over_real_sockets(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "session"), flush_ms=50)
    with recorder_process.start(builder.run_config(tmp_path, config)) as process:
        number = process.talk_until(lambda: process.taken >= 500)
        process.child.terminate()
        assert process.child.wait(recorder_process.DEADLINE_S) == 0
    session = open_session(tmp_path / "session")
    inventory = take_inventory(session)
    assert inventory.complete
    assert inventory.gaps_by_topic == {}
    *_, last = session.packets("cam01")
    assert isinstance(last.message, Packet)
    assert last.message.packet == number - 1  # what was said before the end is there
    words = [one for one in session.messages(["health"]) if one.header.source == "recorder"]
    assert isinstance(words[-1].message, Health)
    assert words[-1].message.state == "stopped"
