"""The golden session: whatever changes a number of the fusion, a message or a picture shows here.

It was recorded once; ``tests/golden/make.py`` tells when and how to make it anew. Where this
machine rounds otherwise than the one that made it, what must be exact is skipped with the reason,
and numbers are compared within ``TOLERANCE`` all the same.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core import fusion as fusing
from core import wire
from core.fusion import FusionState
from core.messages import Checkpoint, Keypoints2D, Person3D, PlaceDecision, Pose3D, view
from services.session import Session, open_session
from services.verdicts import Verdict
from services.verification import TOPICS, Fusion, compare
from tests.golden import facts, make, numerics, recording, scene
from tests.golden.difference import (
    Same,
    exactly,
    first_difference,
    first_difference_of_states,
    nearly,
)
from tests.golden.facts import Facts
from tests.services.session_builder import Told, retold
from tools.verify import fusion_of, verify_session

N_INSTANTS = scene.N_FRAMES
REMEDY = "if that was meant: tests/golden/make.py"


@dataclass
class Again:
    """The recording computed again, in the way of ``kinelive verify``."""

    verdict: Verdict
    recorded: dict[int, Pose3D] = field(default_factory=dict)
    computed: dict[int, Pose3D] = field(default_factory=dict)


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(facts.SESSION)


@pytest.fixture(scope="module")
def golden() -> Facts:
    return facts.read()


@pytest.fixture(scope="module")
def rounds_otherwise(golden: Facts) -> list[str]:
    return numerics.differing(golden.numerics)


@pytest.fixture
def same_rounding(rounds_otherwise: list[str]) -> None:
    if rounds_otherwise:
        pytest.skip(
            f"rounds otherwise than the machine that made the golden session, in "
            f"{', '.join(rounds_otherwise)}: compared within a tolerance only"
        )


@pytest.fixture(scope="module")
def again(session: Session) -> Again:
    return computed_again(session, fusion_of(session))


SOMEBODYS = tuple(f"/{name}/".encode() for name in ("home", "tmp", "root", "Users"))
"""Folders that only one machine has begin so."""


def computed_again(session: Session, fusion: Fusion[FusionState]) -> Again:
    computed: dict[int, Pose3D] = {}

    def step(
        state: FusionState, keypoints: Keypoints2D, decisions: tuple[PlaceDecision, ...]
    ) -> tuple[FusionState, list[Pose3D]]:
        state, poses = fusion.step(state, keypoints, decisions)
        computed.update({pose.instant: pose for pose in poses})
        return state, poses

    listening = Fusion(fusion.initial, step, fusion.thaw)
    verdict = compare(session.messages(TOPICS), listening, closed=True, final_drops={})
    return Again(verdict, recorded_poses(session), computed)


def recorded_poses(session: Session) -> dict[int, Pose3D]:
    poses = [one.message for one in session.messages(["pose3d"])]
    return {pose.instant: pose for pose in poses if isinstance(pose, Pose3D)}


def first_other_instant(again: Again, same: Same) -> str:
    """The first instant and field that is not the same; empty: all are."""
    if again.recorded.keys() != again.computed.keys():
        return f"instants {sorted(again.recorded.keys() ^ again.computed.keys())}: only in one"
    for instant, pose in again.recorded.items():
        if found := first_difference(pose, again.computed[instant], same):
            return f"instant {instant}, {found}; {REMEDY}"
    return ""


def test_it_is_complete_and_undamaged(session: Session) -> None:
    session.check()
    assert session.damage == []
    assert session.closed
    assert session.lost == ()
    assert session.manifest.cameras == scene.RIG.names
    assert list(recorded_poses(session)) == list(range(N_INSTANTS))
    for camera in session.manifest.cameras:
        numbers = [one.header.seq for one in session.packets(camera)]
        assert numbers == list(range(scene.N_FRAMES))


def test_two_people_and_all_faults_are_in_it(session: Session) -> None:
    """What is not in it cannot be watched over by it."""
    people = [one for pose in recorded_poses(session).values() for one in pose.persons]
    assert {one.id for one in people} == {1, 2}
    assert any(one.swapped for one in people)
    assert any(-1 in one.detections for one in people)
    assert any(len(pose.cameras) < 4 for pose in recorded_poses(session).values())
    assert sum(1 for _ in session.messages(["checkpoint"])) == 2


@pytest.mark.usefixtures("same_rounding")
def test_verify_finds_it_identical(session: Session) -> None:
    found = verify_session(session)
    assert found.identical
    assert (found.compared, found.different, found.not_comparable) == (N_INSTANTS, 0, 0)


@pytest.mark.usefixtures("same_rounding")
def test_every_field_of_every_pose_is_the_same(again: Again) -> None:
    assert first_other_instant(again, exactly) == ""


def test_every_field_is_the_same_but_for_rounding(again: Again) -> None:
    assert first_other_instant(again, nearly) == ""
    assert again.verdict.not_comparable == 0


@pytest.mark.usefixtures("same_rounding")
def test_other_settings_give_the_same(session: Session, golden: Facts) -> None:
    assert facts.settings(session) == golden.settings, REMEDY


def test_pictures_are_the_same(session: Session, golden: Facts) -> None:
    assert facts.pictures(session) == golden.pictures
    counts = [len(facts.decoded(session, name)) for name in session.manifest.cameras]
    assert counts == [scene.N_FRAMES] * len(counts)


def test_played_and_recorded_again_it_has_the_same_bytes(
    session: Session, rounds_otherwise: list[str], tmp_path: Path
) -> None:
    fresh = msgspec.structs.replace(session.manifest, lives=(), segments=(), closed=False)
    rig, config = facts.rig_in(session.manifest), session.run.fusion
    heard = recording.with_fusion(recording.said_in(session), rig, config)
    recording.record(tmp_path / "again", fresh, heard)
    told = [retold(one) for one in (session, open_session(tmp_path / "again"))]
    if rounds_otherwise:  # states are in the checkpoints to their last bit
        told = [not_computed(one) for one in told]
    assert told[0].keys() == told[1].keys()
    others = [key for key, raw in told[0].items() if raw != told[1][key]]
    assert [f"{key}, {first_other(key, told)}" for key in others[:1]] == [], REMEDY


def first_other(key: tuple[str, str, int, int], told: list[Told]) -> str:
    """The first field of a message, or of the state in a checkpoint, that is not the same."""
    was, now = (wire.decode(key[0], one[key]) for one in told)
    if isinstance(was, Checkpoint) and isinstance(now, Checkpoint):
        return first_difference_of_states(was.state, now.state)
    return first_difference(was, now, exactly)


def not_computed(told: Told) -> Told:
    return {key: raw for key, raw in told.items() if key[0] not in recording.COMPUTED}


@pytest.mark.parametrize("same", [exactly, nearly])
def test_a_change_of_numerics_is_named(session: Session, same: Same) -> None:
    config = msgspec.structs.replace(session.run.fusion, robust_sd=3.99)
    manifest = msgspec.structs.replace(
        session.manifest, run=msgspec.structs.replace(session.run, fusion=config)
    )
    other = dataclasses.replace(session, manifest=manifest)
    found = first_other_instant(computed_again(session, fusion_of(other)), same)
    assert found.startswith("instant ")
    assert "persons[0].keypoints_m[" in found
    assert "recorded np.float32(" in found


def bent(pose: Pose3D, bend: Callable[[np.ndarray], object]) -> Pose3D:
    """The same with other velocities of the first person."""
    velocities = view(pose.persons[0], "velocity_m_s").copy()
    bend(velocities)
    first = msgspec.structs.replace(pose.persons[0], velocity_m_s=velocities.tobytes())
    return msgspec.structs.replace(pose, persons=(first, *pose.persons[1:]))


def test_one_bit_is_a_difference_and_its_field_is_named(session: Session) -> None:
    pose = recorded_poses(session)[20]
    person = pose.persons[0]
    assert isinstance(person, Person3D)
    other = bent(pose, lambda v: np.ndarray.__setitem__(v, (7, 2), np.nextafter(v[7, 2], 9)))
    was, now = view(person, "velocity_m_s")[7, 2], view(other.persons[0], "velocity_m_s")[7, 2]
    assert first_difference(pose, pose, exactly) == ""
    assert first_difference(pose, other, nearly) == ""
    assert first_difference(pose, other, exactly) == (
        f"persons[0].velocity_m_s[7, 2]: recorded {was!r}, computed {now!r}"
    )


def test_one_bit_of_a_state_is_named(session: Session) -> None:
    last = [one.message for one in session.messages(["checkpoint"])][-1]
    assert isinstance(last, Checkpoint)
    state = fusing.thaw(last.state)
    state.people[0].filter.mean[3, 1] *= 1 + 2**-52
    found = first_difference_of_states(last.state, fusing.freeze(state))
    assert found.startswith("people[0].filter.mean[3, 1]: recorded np.float64(")
    assert first_difference_of_states(last.state, last.state) == ""


def test_its_files_are_small_and_name_no_machine(session: Session) -> None:
    files = [*facts.SESSION.iterdir(), facts.FACTS]
    sizes = [path.stat().st_size for path in files]
    assert max(sizes) <= make.MOST_BYTES_A_FILE
    assert sum(sizes) <= make.MOST_BYTES
    here = str(Path.cwd()).encode()
    for path in files:
        raw = path.read_bytes()
        assert not [one for one in (*SOMEBODYS, here) if one in raw]
    assert session.manifest.elsewhere == ()
