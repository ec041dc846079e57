"""Disks that fill up, fail, go away and come back: what can be kept is kept, and it is said."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.config import RecorderConfig
from core.errors import SessionError
from services.bus import Received
from services.inventory import take_inventory
from services.session import open_session
from services.session_format import MANIFEST
from tests.faults import disks
from tests.services import session_builder as builder
from tests.services.session_builder import Desk, Told, retold, told

pytestmark = pytest.mark.faults


def talk(rounds: int, packet_bytes: int = 20_000) -> list[list[Received]]:
    """Rounds of three frames of each camera, with their keypoints."""
    voices = {name: builder.Speaker(f"camera.{name}") for name in builder.CAMERAS}
    pose = builder.Speaker("pose.0")
    return [
        [
            one
            for number in range(3 * i, 3 * i + 3)
            for name, voice in voices.items()
            for one in (
                voice.say("packet", builder.packet(name, number, packet_bytes)),
                pose.say("keypoints2d", builder.keypoints(name, number)),
            )
        ]
        for i in range(rounds)
    ]


def flat(rounds: list[list[Received]]) -> list[Received]:
    return [one for batch in rounds for one in batch]


def words(told_of: Told) -> Told:
    """Without the video."""
    return {name: raw for name, raw in told_of.items() if not name[0].startswith("packet")}


@contextmanager
def desk(folder: Path, **config: object) -> Iterator[Desk]:
    """A recorder whose rounds the test does, 100 ms of its clock each; writes into ``folder``/s."""
    settings = {"min_free_gb": 0, "min_free_minutes": 0, **config}
    recorder = RecorderConfig(session=str(folder / "s"), **settings)  # pyright: ignore[reportArgumentType]
    found = Desk(builder.run_config(folder.parent / "rig", recorder))
    with found.writer:
        yield found


def assert_all_counted(said: list[Received], found: Told, of: Desk) -> None:
    """Nothing false is there, and what is not there was counted."""
    assert found.items() <= told(said).items()
    assert len(said) - len(found) == of.drops.total()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with disks.tmpfs(tmp_path / "small", 20) as place:
        yield place


def test_video_stops_at_the_floor_before_the_disk_is_full(small: Path) -> None:
    said = talk(120)
    with desk(small, min_free_gb=0.005, warn_minutes=10, backlog_mb=2) as here:
        for batch in said:
            here.clock.t_ns += 90_000_000
            here.hear(batch)
        least_free = shutil.disk_usage(small).free
        here.finish()
    session = open_session(small / "s")
    assert_all_counted(flat(said), retold(session), here)
    assert words(retold(session)) == words(told(flat(said)))  # keypoints go on
    assert here.events[:2] == ["disk_filling", "disk_filling"]
    assert "disk full in" in here.said[0][1]
    assert here.events[-1] == "video_stopped"
    assert "disk_failed" not in here.events  # it never came to that
    assert set(here.drops) <= {f"disk_full_video {name}" for name in builder.CAMERAS}
    assert least_free > 3_000_000
    assert session.closed
    assert take_inventory(session).gaps == 0  # all that is missing is accounted for


def test_video_comes_back_when_there_is_room_again(small: Path) -> None:
    said = talk(60)
    ballast = small / "ballast"
    ballast.write_bytes(bytes(10_000_000))
    with desk(small, min_free_gb=0.005, backlog_mb=1) as here:
        for number, batch in enumerate(said):
            if number == 40:
                ballast.unlink()
            here.hear(batch)
        here.finish()
    session = open_session(small / "s")
    found = retold(session)
    assert_all_counted(flat(said), found, here)
    assert here.events[-2:] == ["video_stopped", "video_resumed"]
    numbers = [seq for key, _, _, seq in found if key == "packet/cam03"]
    assert min(numbers) == 0
    assert len(numbers) < 180
    assert max(numbers) > 175


def test_a_full_disk_goes_on_in_the_second_folder_without_a_loss(
    small: Path, tmp_path: Path
) -> None:
    said = talk(120)
    second = tmp_path / "second"
    with desk(small, second_directory=str(second)) as here:
        for batch in said:
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    assert "disk_failed" in here.events
    assert "make room" in dict(here.said)["disk_failed"]
    assert str(second) in dict(here.said)["recording_in"]
    for folder in (small / "s", second / "s"):
        session = open_session(folder)
        assert retold(session) == told(flat(said))
        assert session.damage == []
        assert session.closed
        assert len(session.folders) == 2


def test_each_part_is_a_session_alone(small: Path, tmp_path: Path) -> None:
    said = talk(120)
    with desk(small, second_directory=str(tmp_path / "second")) as here:
        for batch in said:
            here.hear(batch)
        here.finish()
    parts = [tmp_path / "alone", tmp_path / "also"]
    shutil.copytree(small / "s", parts[0])
    shutil.copytree(tmp_path / "second" / "s", parts[1])
    shutil.rmtree(small / "s")
    shutil.rmtree(tmp_path / "second")
    found = [retold(open_session(part)) for part in parts]
    assert all(found)
    assert found[0] | found[1] == told(flat(said))
    assert not found[0].keys() & found[1].keys()
    session = open_session(parts[0])
    session.check()
    assert {one.kind for one in session.damage} == {"missing"}  # it knows of the other part


def test_parts_are_found_where_they_were_moved_to_together(small: Path, tmp_path: Path) -> None:
    said = talk(120)
    second = small.parent / "second"
    with desk(small, second_directory=str(second)) as here:
        for batch in said:
            here.hear(batch)
        here.finish()
    moved = tmp_path / "moved"
    shutil.copytree(small / "s", moved / "small" / "s")
    shutil.copytree(second / "s", moved / "second" / "s")
    shutil.rmtree(small / "s")
    shutil.rmtree(second)
    assert retold(open_session(moved / "small" / "s")) == told(flat(said))


def test_at_the_floor_the_second_folder_comes_before_anything_is_lost(
    small: Path, tmp_path: Path
) -> None:
    said = talk(120)
    with desk(small, min_free_gb=0.004, second_directory=str(tmp_path / "second")) as here:
        for batch in said:
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    assert "disk_failed" not in here.events
    assert retold(open_session(small / "s")) == told(flat(said))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[disks.LoopDisk]:
    with disks.loop_disk(tmp_path) as found:
        yield found


def test_a_disk_that_turns_read_only_and_comes_back_costs_nothing(disk: disks.LoopDisk) -> None:
    said = talk(40)
    with desk(disk.place) as here:
        for number, batch in enumerate(said):
            if number == 10:
                disk.fail()
            if number == 25:
                disk.unmount()
                disk.mount()
            here.clock.t_ns += 200_000_000
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    session = open_session(disk.place / "s")
    assert retold(session) == told(flat(said))
    assert session.closed
    text = dict(here.said)["disk_failed"]
    assert "read-only" in text
    assert "mount it for writing again" in text
    assert here.events[-1] == "disk_back"


def test_a_disk_that_stays_read_only_keeps_the_keypoints_and_counts_the_rest(
    disk: disks.LoopDisk,
) -> None:
    said = talk(40)
    with desk(disk.place, backlog_mb=1) as here:
        for number, batch in enumerate(said):
            if number == 10:
                disk.fail()
            here.clock.t_ns += 200_000_000
            here.hear(batch)
            if number == 39:
                disk.unmount()
                disk.mount()
        here.finish()
    found = retold(open_session(disk.place / "s"))
    assert_all_counted(flat(said), found, here)
    assert words(found) == words(told(flat(said)))
    assert set(here.drops) <= {f"disk_error_video {name}" for name in builder.CAMERAS}
    assert here.drops.total() > 0


def test_a_disk_that_is_gone_is_not_filled_up_in_its_empty_place(disk: disks.LoopDisk) -> None:
    said = talk(30)
    with desk(disk.place) as here:
        for number, batch in enumerate(said):
            if number == 10:
                disk.fail()
                disk.unmount()
            if number == 20:
                assert list(disk.place.iterdir()) == []
                disk.mount()
            here.clock.t_ns += 200_000_000
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    assert retold(open_session(disk.place / "s")) == told(flat(said))
    assert "mount its disk again" in str(here.said)


def test_a_folder_removed_under_it_is_made_again(tmp_path: Path) -> None:
    said = talk(20)
    place = tmp_path / "place"
    with desk(place) as here:
        for number, batch in enumerate(said):
            if number == 10:
                shutil.rmtree(place)
            here.clock.t_ns += 300_000_000
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    session = open_session(place / "s")
    found = retold(session)
    assert found.items() <= told(flat(said)).items()
    later = told(flat(said[10:]))
    assert later.items() <= found.items()
    assert "the folder is gone" in dict(here.said)["disk_failed"]
    session.check()
    assert {one.kind for one in session.damage} == {"missing"}  # what was removed is told of


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_rights_is_refused_with_what_to_do(short_folder: Path) -> None:
    short_folder.chmod(0o755)
    closed = short_folder / "closed"
    closed.mkdir(mode=0o555)
    config = RecorderConfig(session=str(closed / "s"))
    run = builder.run_config(short_folder / "rig", config)
    with nobody(), pytest.raises(SessionError, match="give this user the right to write there"):
        builder.writer_of(run)


def test_rights_that_are_taken_away_and_given_back_cost_nothing(short_folder: Path) -> None:
    short_folder.chmod(0o777)
    said = talk(30)
    with desk(short_folder, segment_s=1) as here:
        folder = short_folder / "s"
        folder.chmod(0o777)
        for number, batch in enumerate(said):
            if number in (10, 20):
                folder.chmod(0o555 if number == 10 else 0o777)
            here.clock.t_ns += 300_000_000
            with nobody():
                here.hear(batch)
        with nobody():
            here.finish()
    assert here.drops == {}
    assert retold(open_session(folder)) == told(flat(said))
    assert "give this user the right" in dict(here.said)["disk_failed"]
    assert here.events[-1] == "disk_back"


def test_both_folders_the_same_is_refused(tmp_path: Path) -> None:
    config = RecorderConfig(session=str(tmp_path / "s"), second_directory=str(tmp_path))
    with pytest.raises(SessionError, match="name another disk"):
        builder.writer_of(builder.run_config(tmp_path / "rig", config))


def test_a_first_folder_that_cannot_be_written_does_not_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = talk(3)
    with desk(tmp_path / "file", second_directory=str(tmp_path / "second")) as here:
        for batch in said:
            here.hear(batch)
        here.finish()
    assert here.drops == {}
    assert retold(open_session(tmp_path / "second" / "s")) == told(flat(said))
    assert not (tmp_path / "file" / MANIFEST).exists()
