"""A session of all topics with bits turned and files cut, anywhere: nothing wrong comes out."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from core.config import RecorderConfig
from core.errors import SessionError
from core.messages import Message
from services.bus import Received
from services.session import open_session
from services.session_format import MANIFEST
from tests.services import every_topic
from tests.services import session_builder as builder
from tests.services.session_builder import Told, retold, told

pytestmark = pytest.mark.slow

DAMAGES = 250
"""Each way, of an ended and of a killed recording."""


def conversation(n: int) -> list[Received]:
    """All topics of four cameras."""
    speakers: dict[str, builder.Speaker] = {}

    def say(who: str, topic: str, message: Message) -> Received:
        return speakers.setdefault(who, builder.Speaker(who)).say(topic, message)

    return [
        one
        for number in range(n)
        for one in (
            *(say(*words) for words in every_topic.instant(number, 300)),
            say("host.far", "host_clock", every_topic.host_clock(number)),
        )
    ]


@pytest.fixture(scope="module", params=["closed", "killed"])
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Told]:
    """A session that was ended, or one whose recorder was killed; and what was said in it."""
    folder = tmp_path_factory.mktemp("chaos")
    (folder / "rig.toml").write_text(builder.CALIBRATION)
    recorder = RecorderConfig(session=str(folder / "session"), segment_s=0.5)
    run = every_topic.run_config(recorder, str(folder / "rig.toml"))
    heard = conversation(10)
    with builder.writer_of(run) as writer:
        now_ns = builder.feed(writer, heard)
        if request.param == "closed":
            writer.close(now_ns, 0, {})
        else:
            writer.flush(now_ns)
    return folder / "session", told(heard)


def files_by_size(folder: Path, generator: np.random.Generator, n: int) -> Iterable[Path]:
    """Any of the files that are read, the large ones the oftener; each tenth time any at all."""
    files = sorted(folder.glob("*.mcap")) + [folder / MANIFEST]
    sizes = np.array([path.stat().st_size for path in files])
    for turn in range(n):
        yield files[generator.choice(len(files), p=None if turn % 10 == 0 else sizes / sizes.sum())]


def assert_nothing_wrong(folder: Path, said: Told, where: object) -> bool:
    """Read it all; whether something is missing."""
    session = open_session(folder)
    found = retold(session)
    session.check()
    assert found.items() <= said.items(), where
    assert session.calibration_text == builder.CALIBRATION
    missing = len(found) < len(said)
    assert session.damage or not missing, where
    return missing


def test_turned_bits(recorded: tuple[Path, Told], tmp_path: Path) -> None:
    folder, said = recorded
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert retold(open_session(copy)) == said
    generator, cost = np.random.default_rng(5), 0
    for path in files_by_size(copy, generator, DAMAGES):
        whole = path.read_bytes()
        turned = bytearray(whole)
        for at in generator.integers(0, len(whole), 3):
            turned[at] ^= 1 << int(generator.integers(8))
        path.write_bytes(turned)
        cost += assert_nothing_wrong(copy, said, path.name)
        path.write_bytes(whole)
    print(f"{DAMAGES} times 3 bits turned: no wrong byte; {cost} times something was withheld")


def test_cut_files(recorded: tuple[Path, Told], tmp_path: Path) -> None:
    folder, said = recorded
    copy = shutil.copytree(folder, tmp_path / "copy")
    generator, cost = np.random.default_rng(6), 0
    for path in files_by_size(copy, generator, DAMAGES):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(generator.integers(len(whole)))])
        cost += assert_nothing_wrong_or_cut(copy, said, path.name)
        path.write_bytes(whole)
    print(f"{DAMAGES} files cut: no wrong byte; {cost} times something was withheld")


def assert_nothing_wrong_or_cut(folder: Path, said: Told, where: object) -> bool:
    """As above; but the open end of a killed recorder's file may be gone without a trace."""
    session = open_session(folder)
    found = retold(session)
    assert found.items() <= said.items(), where
    missing = len(found) < len(said)
    assert session.damage or not missing or not session.closed, where
    return missing


def test_whatever_is_left_opens_or_says_why_not(
    recorded: tuple[Path, Told], tmp_path: Path
) -> None:
    folder, said = recorded
    generator, refused = np.random.default_rng(7), list[str]()
    for turn in range(60):
        copy = tmp_path / str(turn)
        copy.mkdir()
        for path in folder.iterdir():
            if generator.random() < 0.2:
                raw = bytearray(path.read_bytes())
                for at in generator.integers(0, len(raw), int(generator.choice([0, 40]))):
                    raw[at] = int(generator.integers(256))
                (copy / path.name).write_bytes(raw[: int(generator.integers(1, len(raw)))])
        try:
            assert retold(open_session(copy)).items() <= said.items()
        except SessionError as error:
            refused.append(str(error))
    assert 0 < len(refused) < 60
    assert all(f"{tmp_path}/" in text for text in refused)
