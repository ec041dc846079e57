"""Parts cut out of sessions and put together again: exact where they say so."""

import shutil
from pathlib import Path

import msgspec
import pytest

from core.config import RecorderConfig
from core.errors import SessionError
from core.messages import Event, Keypoints2D, Packet, Pose3D
from services.inventory import take_inventory
from services.session import Session, open_session
from services.session_edit import Part, trim
from services.session_format import MANIFEST, seal, unseal
from services.session_merge import merge
from tests.services import session_builder as builder
from tests.services.session_builder import packets, retold, told
from tools.trim import trim as command
from tools.verify import verify_session

SPOKEN = builder.walk(90)
SEEN = packets(90)
EVENT = builder.Speaker("supervisor").say(
    "event", Event(t_ns=builder.START_NS, name="start", text="all processes are ready")
)
WALK = [EVENT, *[one for pair in zip(SPOKEN, SEEN, strict=False) for one in pair]]
WALK += [*SPOKEN[len(SEEN) :], *SEEN[len(SPOKEN) :]]
FRAME_S = builder.FRAME_NS / 1e9


def quiet(*_: object) -> None:
    pass


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    recorder = RecorderConfig(session=str(tmp_path / "session"), segment_s=0.6)
    return builder.record(builder.run_config(tmp_path, recorder), WALK)


def instants(session: Session) -> list[int]:
    found = (one.message for one in session.messages(["pose3d"]))
    return [pose.instant for pose in found if isinstance(pose, Pose3D)]


def test_a_part_is_verified_from_the_checkpoint_before(recorded: Path, tmp_path: Path) -> None:
    part = Part(from_s=45.5 * FRAME_S, to_s=70 * FRAME_S)
    done = trim(recorded, tmp_path / "part", part, quiet)
    session = open_session(tmp_path / "part")
    assert instants(session) == list(range(41, 70))
    verified = verify_session(session)
    assert verified.identical
    assert (verified.compared, verified.not_comparable) == (29, 0)
    assert done.poses_from_s == pytest.approx(41 * FRAME_S, abs=1e-6)
    assert done.angles_from_s is None
    assert take_inventory(session).complete
    assert retold(session).items() <= told(WALK).items()
    assert [one.message for one in session.messages(["event"])] == [EVENT.message]
    assert session.calibration_text == builder.CALIBRATION


def test_pictures_begin_with_a_key_frame(recorded: Path, tmp_path: Path) -> None:
    done = trim(recorded, tmp_path / "part", Part(from_s=0.7, to_s=1.2), quiet)
    session = open_session(tmp_path / "part")
    for camera in builder.CAMERAS:
        seen = [one.message for one in session.packets(camera)]
        numbers = [one.packet for one in seen if isinstance(one, Packet)]
        assert numbers == list(range(30, 72))
        assert isinstance(seen[0], Packet)
        assert seen[0].keyframe
        assert done.pictures_from_s[camera] == pytest.approx(30 * FRAME_S)


def test_a_part_by_instants(recorded: Path, tmp_path: Path) -> None:
    trim(recorded, tmp_path / "part", Part(from_instant=20, to_instant=25), quiet)
    session = open_session(tmp_path / "part")
    assert instants(session) == list(range(11, 25))
    assert verify_session(session).identical
    frames = [one.message for one in session.messages(["keypoints2d"])]
    assert min(one.frame for one in frames if isinstance(one, Keypoints2D)) >= 10


def test_without_ends_all_is_kept(recorded: Path, tmp_path: Path) -> None:
    trim(recorded, tmp_path / "part", Part(), quiet)
    assert retold(open_session(tmp_path / "part")) == told(WALK)


def test_a_part_of_a_part(recorded: Path, tmp_path: Path) -> None:
    trim(recorded, tmp_path / "part", Part(from_instant=20), quiet)
    trim(tmp_path / "part", tmp_path / "less", Part(from_instant=45, to_instant=60), quiet)
    session = open_session(tmp_path / "less")
    assert instants(session) == list(range(41, 60))
    assert verify_session(session).identical


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (Part(from_s=2.0, to_s=1.0), "the end must come after"),
        (Part(from_s=1000.0, to_s=1001.0), "nothing recorded"),
        (Part(from_instant=4711), "no instant 4711"),
    ],
)
def test_a_part_that_is_none_is_refused(
    recorded: Path, tmp_path: Path, part: Part, says: str
) -> None:
    with pytest.raises(SessionError, match=says):
        trim(recorded, tmp_path / "part", part, quiet)
    assert not (tmp_path / "part").exists()


def test_the_command_says_from_where(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(recorded, tmp_path / "part", from_s=0.7, to_s=1.2) == 0
    said = capsys.readouterr().out
    assert "pictures of cam01 from 0.500 s" in said
    assert "computed again exactly" in said


def two_lives(tmp_path: Path) -> tuple[Path, Path]:
    """A recorder that was killed, and its next life on another disk."""
    one, other = (
        builder.run_config(tmp_path, RecorderConfig(session=str(tmp_path / name)))
        for name in ("one", "other")
    )
    half = len(WALK) // 2
    with builder.writer_of(one) as writer:
        now_ns = builder.feed(writer, WALK[:half], flush_each=half)
    with builder.writer_of(other, life_ns=now_ns) as writer:
        writer.close(builder.feed(writer, WALK[half:], start_ns=now_ns - builder.START_NS), 0, {})
    return tmp_path / "one", tmp_path / "other"


def test_lives_in_two_folders_become_one_session(tmp_path: Path) -> None:
    one, other = two_lives(tmp_path)
    done = merge([other, one], tmp_path / "whole", quiet)
    session = open_session(tmp_path / "whole")
    assert retold(session) == told(WALK)
    assert [life.number for life in session.manifest.lives] == [1, 2]
    assert done.missing == ()
    session.check()
    assert session.damage == []
    assert session.closed
    assert verify_session(session).identical


def test_copies_complete_each_other(recorded: Path, tmp_path: Path) -> None:
    shutil.copytree(recorded, tmp_path / "copy")
    (recorded / "cam01-001-001.mcap").unlink()
    path = tmp_path / "copy" / "stream-001-000.mcap"
    path.write_bytes(path.read_bytes()[:-2000])
    done = merge([recorded, tmp_path / "copy"], tmp_path / "whole", quiet)
    assert "stream-001-000.mcap" in done.doubled
    assert retold(open_session(tmp_path / "whole")) == told(WALK)


def test_parts_of_different_runs_are_refused(recorded: Path, tmp_path: Path) -> None:
    shutil.copytree(recorded, tmp_path / "copy")
    found = unseal((recorded / MANIFEST).read_bytes())
    other = msgspec.structs.replace(found, run_id="another")
    (tmp_path / "copy" / MANIFEST).write_bytes(seal(other))
    with pytest.raises(SessionError, match="not parts of one run: the run is"):
        merge([recorded, tmp_path / "copy"], tmp_path / "whole", quiet)
    assert not (tmp_path / "whole").exists()
