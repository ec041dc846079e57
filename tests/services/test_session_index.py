"""What sessions there are: who, how long, how they ended, from manifests alone."""

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from core import config
from core.config import RecorderConfig
from core.errors import ConfigError, SessionError
from core.messages import MARK, Event
from core.recorder_config import folder_name
from services import prepare
from services.inventory import take_inventory
from services.session import open_session
from services.session_edit import Part, trim
from services.session_format import MANIFEST
from services.session_index import Listed, sessions_below
from tests.services import session_builder as builder
from tools.sessions import sessions as command


def recorded(folder: Path, subject: str = "", trial: str = "", n_marks: int = 0) -> Path:
    to = RecorderConfig(session=str(folder / "session"), subject=subject, trial=trial)
    monitor = builder.Speaker("monitor")
    marks = [
        monitor.say("event", Event(t_ns=builder.START_NS + i, name=MARK, text=str(i)))
        for i in range(n_marks)
    ]
    started = builder.Speaker("supervisor").say(
        "event", Event(t_ns=builder.START_NS, name="start", text="ready")
    )
    heard = [started, *builder.packets(40), *marks]
    return builder.record(builder.run_config(folder, to), heard)


def only(folder: Path) -> Listed:
    (found,) = sessions_below(folder)
    return found


def test_a_session_tells_who_how_long_and_how_many_marks(tmp_path: Path) -> None:
    session = recorded(tmp_path, "P 07", "walk", n_marks=3)
    found = only(tmp_path)
    assert (found.folder, found.state, found.marks) == (str(session), "closed", 3)
    assert (found.subject, found.trial, found.cameras) == ("P 07", "walk", builder.CAMERAS)
    inventory = take_inventory(open_session(session))
    assert found.size_bytes == inventory.size_bytes
    assert found.duration_s == pytest.approx(inventory.duration_s, abs=0.5)
    assert only(session) == found


def test_what_is_wrong_is_told_without_reading_messages(tmp_path: Path) -> None:
    for name in ("cut", "short", "gone", "blind", "old"):
        recorded(tmp_path / name)
    place = {one.name: one / "session" for one in tmp_path.iterdir()}
    (place["cut"] / MANIFEST).unlink()
    with (place["short"] / "cam01-001-000.mcap").open("r+b") as file:
        file.truncate(100)
    (place["gone"] / "cam02-001-000.mcap").unlink()
    (place["blind"] / MANIFEST).write_text("{}")
    found = {Path(one.folder).parent.name: one for one in sessions_below(tmp_path)}
    assert {name: one.state for name, one in found.items()} == {
        **dict.fromkeys(("cut", "short", "gone", "blind"), "damaged"),
        "old": "closed",
    }
    assert found["short"].says == "of another size: cam01-001-000.mcap"
    assert found["gone"].says == "missing: cam02-001-000.mcap"
    assert "checksum" in found["blind"].says
    with pytest.raises(SessionError, match="no such folder"):
        sessions_below(tmp_path / "none")


def test_a_session_that_was_cut_is_not_ended(tmp_path: Path) -> None:
    with builder.writer_of(builder.run_config(tmp_path)) as writer:
        writer.write(builder.packets(1)[0], builder.START_NS)
        writer.flush(builder.START_NS)
    found = only(tmp_path)
    assert (found.state, found.duration_s, found.marks) == ("not ended", None, None)


def test_a_manifest_from_before_there_were_names_is_read(tmp_path: Path) -> None:
    path = recorded(tmp_path) / MANIFEST
    old = msgspec.json.decode(path.read_bytes())
    for name in ("subject", "trial", "notes"):
        del old["run"]["recorder"][name]
    for life in old["lives"]:
        del life["heard_s"], life["marks"]
    raw = msgspec.json.encode({**old, "sha256": "0" * 64})
    path.write_bytes(raw.replace(b"0" * 64, hashlib.sha256(raw).hexdigest().encode(), 1))
    found = only(tmp_path)
    assert (found.state, found.duration_s, found.marks) == ("closed", None, None)
    assert take_inventory(open_session(Path(found.folder))).complete


def test_a_trimmed_session_has_the_length_that_was_asked_for(tmp_path: Path) -> None:
    session = recorded(tmp_path / "a", n_marks=2)
    trim(session, tmp_path / "b", Part(from_s=0.1, to_s=0.4), lambda *_: None)
    found = only(tmp_path / "b")
    assert found.duration_s == pytest.approx(0.3)
    assert (found.marks, found.edits) == (None, ("trimmed",))


def test_the_command_lists_those_of_a_subject(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path / "a", "P07", "jump")
    recorded(tmp_path / "b", "P08")
    shutil.copytree(tmp_path / "a", tmp_path / ".scratch")
    assert command(tmp_path, subject="P07", json=True) == 0
    told = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert [one["folder"] for one in told["sessions"]] == [str(tmp_path / "a" / "session")]
    assert command(tmp_path) == 0
    table = capsys.readouterr().out
    assert "2 sessions" in table
    assert "P08" in table
    assert command(tmp_path, subject="nobody") == 0
    assert "no session" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("subject", "trial", "name"),
    [
        ("", "", "NOW"),
        ("P07", "walk_2", "NOW_P07_walk_2"),
        ("Müller, Jürgen", "", "NOW_Muller-Jurgen"),
        ("../../etc/passwd", "a\x00b\n", "NOW_etc-passwd_a-b"),
        ("田中", "1", "NOW_1"),
        ("x" * 64, "", "NOW_" + "x" * 40),
    ],
)
def test_names_of_folders_are_safe(subject: str, trial: str, name: str) -> None:
    assert folder_name(RecorderConfig(subject=subject, trial=trial), "NOW") == name


def test_names_come_from_settings_and_from_the_command(tmp_path: Path) -> None:
    base = 'calibration = "c.toml"\n[[cameras]]\nname = "cam01"\n[recorder]\nsubject = '
    run = config.read(base + '"P07"', "x")
    named = prepare.with_session(prepare.with_names(run, None, "walk"), None)
    assert (named.recorder.subject, named.recorder.trial) == ("P07", "walk")
    assert Path(named.recorder.session).name.endswith("Z_P07_walk")
    with pytest.raises(ConfigError, match="subject"):
        config.read(base + f'"{"x" * 65}"', "x")
    with pytest.raises(ConfigError, match="--trial"):
        prepare.with_names(run, "P07", "x" * 65)
