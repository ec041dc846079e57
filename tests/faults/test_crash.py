"""Killed recorders, full disks: what was flushed is there, and nothing false is."""

import contextlib
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import RecorderConfig
from core.messages import Keypoints2D, Packet
from services.inventory import take_inventory
from services.session import Session, open_session
from tests.services import recorder_process
from tests.services import session_builder as builder

pytestmark = pytest.mark.faults


def assert_whole_prefix(session: Session, n_bytes: int) -> int:
    """All that is there was said like this, without a hole; returns how many messages it is."""
    total = 0
    for name in builder.CAMERAS:
        packets = [one.message for one in session.packets(name)]
        first = packets[0].packet if isinstance(packets[0], Packet) else -1
        for number, message in enumerate(packets, start=first):
            assert message == builder.packet(name, number, n_bytes)
        found = [one.message for one in session.messages([f"keypoints2d/{name}"])]
        first = found[0].frame if isinstance(found[0], Keypoints2D) else -1
        for number, message in enumerate(found, start=first):
            assert message == builder.keypoints(name, number)
        total += len(packets) + len(found)
    return total + len(list(session.messages(["health"])))


def test_kill_9_keeps_what_was_flushed(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "session"), flush_ms=50)
    with recorder_process.start(builder.run_config(tmp_path, config)) as process:
        process.talk_until(lambda: process.taken >= 300, packet_bytes=20_000)
        flushed = process.taken
        process.talk_until(lambda: process.taken > flushed, packet_bytes=20_000)  # a second later
        process.child.kill()
        process.child.wait()
    session = open_session(tmp_path / "session")
    assert assert_whole_prefix(session, 20_000) >= flushed
    inventory = take_inventory(session)
    assert not inventory.complete
    assert inventory.gaps == 0
    assert not session.is_damaged  # a crash is no damage


def test_a_restarted_recorder_goes_on_beside_the_first(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "session"), flush_ms=50)
    run = builder.run_config(tmp_path, config)
    with recorder_process.start(run) as process:
        process.talk_until(lambda: process.taken >= 200)
        process.child.kill()
        process.child.wait()
        process.spawn_again()
        process.talk_until(lambda: process.taken >= 200)
        process.child.terminate()
        assert process.child.wait(recorder_process.DEADLINE_S) == 0
    session = open_session(tmp_path / "session")
    lives = {one.recorder_life for one in session.messages()}
    assert lives == {1, 2}
    inventory = take_inventory(session)
    assert inventory.closed
    assert not session.is_damaged


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root only")
    command = [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_costs_messages_and_nothing_else(small_disk: Path, tmp_path: Path) -> None:
    config = RecorderConfig(session=str(small_disk / "session"), min_free_gb=0, min_free_minutes=0)
    run = builder.run_config(tmp_path, config)
    camera, pose = builder.Speaker("camera.cam01"), builder.Speaker("pose.0")
    drops = Counter[str]()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    with builder.writer_of(run, drops=drops) as writer:
        now_ns = builder.START_NS
        for number in range(600):
            now_ns += 10_000_000
            video = builder.packet("cam01", number, 10_000)
            writer.write(camera.say("packet", video), now_ns)
            words = builder.keypoints("cam01", number)
            writer.write(pose.say("keypoints2d", words), now_ns)
            if number % 5 == 4:
                writer.flush(now_ns)
            if number == 400:
                ballast.unlink()
        writer.close(now_ns, 0, {})
    session = open_session(small_disk / "session")
    stored = (one.message for one in session.packets("cam01"))
    found = [one for one in stored if isinstance(one, Packet)]
    said = [one.message for one in session.messages()]
    assert drops["disk_full_video cam01"] == 600 - len(found) > 0
    assert drops["disk_full"] == 600 - len(said)
    assert found == [builder.packet("cam01", one.packet, 10_000) for one in found]
    assert found[-1].packet > 500  # it went on
    assert not session.is_damaged
    assert session.closed
    assert session.manifest.lives[0].drops == dict(drops)
    inventory = take_inventory(session)
    assert inventory.drops == drops.total()


def fill(path: Path) -> None:
    """Let a file take all the space there is."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_a_disk_full_from_the_start_to_the_end(small_disk: Path, tmp_path: Path) -> None:
    config = RecorderConfig(session=str(small_disk / "session"), min_free_gb=0, min_free_minutes=0)
    run = builder.run_config(tmp_path, config)
    drops = Counter[str]()
    with builder.writer_of(run, drops=drops) as writer:
        ballast = small_disk / "ballast"
        fill(ballast)
        now_ns = builder.feed(writer, builder.packets(30))
        writer.close(now_ns, 0, {})
    assert drops == {f"disk_full_video {name}": 30 for name in builder.CAMERAS}
    session = open_session(small_disk / "session")
    assert session.closed  # room to say so was kept
    inventory = take_inventory(session)
    assert (inventory.topics, inventory.drops, inventory.damage) == ({}, 90, ())
