"""Damaged sessions: what is damaged is found and withheld, what is not is still read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.config import RecorderConfig
from services.session import open_session
from services.session_format import MANIFEST
from tests.services import session_builder as builder
from tests.services.session_builder import Told, conversation, retold, told


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Told]:
    heard = conversation()
    return builder.record(builder.run_config(tmp_path), heard), told(heard)


def damaged_copies(folder: Path, place: Path, n: int, seed: int) -> Iterator[tuple[Path, int]]:
    """Yield the session with one bit turned over, somewhere in one of its files, n times."""
    generator = np.random.default_rng(seed)
    shutil.copytree(folder, place)
    files = sorted(place.iterdir())
    sizes = np.array([path.stat().st_size for path in files])
    for _ in range(n):
        path = files[generator.choice(len(files), p=sizes / sizes.sum())]
        whole = path.read_bytes()
        at = int(generator.integers(len(whole)))
        path.write_bytes(flipped(whole, at, int(generator.integers(8))))
        yield path, at
        path.write_bytes(whole)


def flipped(raw: bytes, at: int, bit: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]


def test_a_turned_bit_is_found_or_harmless(recorded: tuple[Path, Told], tmp_path: Path) -> None:
    folder, said = recorded
    for path, at in damaged_copies(folder, tmp_path / "copy", n=250, seed=1):
        session = open_session(tmp_path / "copy")
        found = retold(session)
        assert found.items() <= said.items(), (path.name, at)
        assert found == said or session.is_damaged, (path.name, at)
        assert session.calibration_text == builder.CALIBRATION


def test_a_turned_bit_costs_little(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    path = folder / "stream-001-000.mcap"
    whole = path.read_bytes()
    at = whole.rindex(said["keypoints2d/cam02", "pose.0", builder.LIFE_NS, 20])
    path.write_bytes(flipped(whole, at, 0))
    session = open_session(folder)
    lost = said.keys() - retold(session).keys()
    assert 0 < len(lost) <= 6
    (damage,) = session.damage
    assert damage.kind == "checksum"
    assert damage.start <= at < damage.end
    assert damage.from_ns is not None
    assert damage.to_ns is not None
    sent_ns = builder.START_NS + (20 * 6 + 3) * 5_000_000  # the 63rd keypoints, 5 ms a message
    assert damage.from_ns <= sent_ns <= damage.to_ns <= damage.from_ns + 60_000_000


def test_what_follows_broken_framing_is_read(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    path = folder / "stream-001-000.mcap"
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 700] = b"\xff" * 700
    path.write_bytes(whole)
    session = open_session(folder)
    found = retold(session)
    assert found.items() <= said.items()
    assert len(said) - len(found) <= 18
    assert ("keypoints2d/cam03", "pose.0", builder.LIFE_NS, 39) in found
    assert session.is_damaged


def test_truncation_never_gives_a_wrong_message(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    path = folder / "stream-001-000.mcap"
    whole = path.read_bytes()
    in_order = [raw for (key, *_), raw in said.items() if not key.startswith("packet")]
    for size in np.random.default_rng(2).integers(0, len(whole), 120):
        path.write_bytes(whole[:size])
        session = open_session(folder)
        found = [one.raw for one in session.messages()]
        assert found == in_order[: len(found)]
        assert [damage.kind for damage in session.damage] == ["end"]


def test_appended_bytes_are_found(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    with (folder / "stream-001-000.mcap").open("ab") as file:
        file.write(b"more")
    session = open_session(folder)
    assert retold(session) == said
    assert session.is_damaged


def test_lost_segments_are_found(tmp_path: Path) -> None:
    recorder = RecorderConfig(session=str(tmp_path / "session"), segment_s=0.3)
    folder = builder.record(builder.run_config(tmp_path, recorder), conversation())
    (folder / "cam01-001-000.mcap").unlink()  # not the last of its life
    (folder / "stream-001-003.mcap").unlink()  # the last: the manifest knows
    session = open_session(folder)
    session.check()
    assert {(one.kind, one.file) for one in session.damage} == {
        ("missing", "cam01-001-000.mcap"),
        ("missing", "stream-001-003.mcap"),
    }


def test_a_lost_manifest_is_found_in_the_segments(recorded: tuple[Path, Told]) -> None:
    folder, said = recorded
    (folder / MANIFEST).unlink()
    session = open_session(folder)
    assert retold(session) == said
    assert not session.closed
    assert [one.kind for one in session.damage] == ["manifest"]


def test_a_damaged_channel_record_is_found_at_the_end(recorded: tuple[Path, Told]) -> None:
    folder = recorded[0]
    path = folder / "cam01-001-000.mcap"
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, whole.index(b"packet/cam01"), 1))
    session = open_session(folder)
    found = {entry for entry in retold(session) if entry[0] == "packet/cam01"}
    assert 0 < 40 - len(found) <= 2
    assert session.is_damaged
