"""``kinelive verify``: compute a recording again and compare with what was computed live."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from core import calibration, cameras, fusion
from core.errors import KineliveError
from core.fusion import FusionState
from core.kinematics import live
from core.kinematics.live import LiveState
from core.messages import JointAngles, Keypoints2D, PlaceDecision, Pose3D, SizeRequest
from services import body_models, verification_angles
from services.project import is_project
from services.session import Session, open_session
from services.session_format import BODY_MODEL
from services.session_reader import Damage
from services.session_recovery import excuses
from services.verdicts import Hole, Verdict
from services.verification import TOPICS, Fusion, compare
from services.verification_angles import Kinematics
from tools.inspect import describe

PROJECT = (
    "a Pose2Sim project holds no fused outputs, so there is nothing to compare with; verify what "
    "was recorded: `kinelive replay {0} --out SESSION` plays its videos and records, "
    "`kinelive verify SESSION` computes it again"
)
NOTHING = (
    "no fused outputs in it to compare: they are recorded by demo, up and replay, not by import"
)


class AnglesVerification(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of the joint angles alone."""

    compared: int
    different: int
    not_comparable: int


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints."""

    identical: bool
    """Every comparable output is equal, nothing is damaged, and the recorder accounts for every
    output that could not be compared."""
    compared: int
    """Fused poses and joint angles, both."""
    different: int
    not_comparable: int
    kinematics: AnglesVerification | None
    """Of these the joint angles; None where the run had none."""
    first_different: tuple[int, int] | None
    """(life, instant) of the first output that differs, poses before angles."""
    holes: tuple[Hole, ...]
    damaged: bool
    closed: bool
    damage: tuple[Damage, ...]


def verify(session: Annotated[Path, tyro.conf.Positional], json: bool = False) -> int:
    """Compute poses and joint angles again from the recorded keypoints and compare bit for bit.

    Returns 0 when all is identical, 1 when not, or when there is no session or nothing fused.

    Args:
        session: The session's folder, or a folder with one session in it.
        json: Print one line of JSON on standard output; the words go to standard error.
    """
    if is_project(session):
        print(f"kinelive verify: {session}: {PROJECT.format(session)}", file=sys.stderr)
        return 1
    try:
        verification = verify_session(open_session(session))
    except KineliveError as error:
        print(f"kinelive verify: {error}", file=sys.stderr)
        return 1
    for line in tell(verification):
        print(line, file=sys.stderr if json else sys.stdout)
    if json:
        print(msgspec.json.encode(verification).decode())
    return 0 if verification.identical else 1


def verify_session(session: Session) -> Verification:
    """Check every file and every output; errors as of ``fusion_of`` and ``kinematics_of``."""
    session.check()
    drops = {life.number: life.drops for life in session.manifest.lives}
    excused = excuses(session)
    poses = compare(
        session.messages(TOPICS),
        fusion_of(session),
        closed=session.closed,
        final_drops=drops,
        excuses=excused,
    )
    kinematics = kinematics_of(session)
    if kinematics is None:
        return _verification(session, poses, None)
    angles = verification_angles.compare(
        session.messages(verification_angles.TOPICS),
        kinematics,
        closed=session.closed,
        final_drops=drops,
        excuses=excused,
    )
    return _verification(session, poses, angles)


def fusion_of(session: Session) -> Fusion[FusionState]:
    """Set up the fusion as it was when the session was recorded.

    Raises:
        CalibrationError: the recorded calibration does not fit the cameras.
    """
    name = session.manifest.calibration_name
    models = calibration.parse(name, session.calibration_text)
    rig = cameras.select(models, session.manifest.cameras, name)
    config = session.run.fusion

    def step(
        state: FusionState, keypoints: Keypoints2D, decisions: tuple[PlaceDecision, ...]
    ) -> tuple[FusionState, list[Pose3D]]:
        return fusion.step(state, keypoints, rig, config, decisions)

    return Fusion(FusionState, step, fusion.thaw)


def kinematics_of(session: Session) -> Kinematics[LiveState] | None:
    """Set up the kinematics as it was when the session was recorded; None where it did not run.

    Raises:
        ModelError: the recorded body model is damaged, or the networks are others.
        AssetError: the networks are not in the cache.
    """
    config = session.run.kinematics
    if not (config.enabled and config.packed):
        return None
    body = body_models.body_of(config, session.path / BODY_MODEL)

    def step(
        state: LiveState,
        pose: Pose3D,
        subjects: tuple[int, ...],
        size_requests: tuple[SizeRequest, ...],
    ) -> tuple[LiveState, JointAngles]:
        return live.step(state, pose, body, config, subjects, size_requests)

    return Kinematics(LiveState, step, live.thaw)


def _verification(session: Session, poses: Verdict, angles: Verdict | None) -> Verification:
    every = (poses,) if angles is None else (poses, angles)
    firsts = (one.first_different for one in every if one.first_different is not None)
    holes = tuple(hole for one in every for hole in one.holes)
    different = sum(one.different for one in every)
    explained = all(hole.reason for hole in holes)
    counted = poses.compared > 0 and different == 0
    return Verification(
        identical=counted and explained and not session.is_damaged,
        compared=sum(one.compared for one in every),
        different=different,
        not_comparable=sum(one.not_comparable for one in every),
        kinematics=angles and _of_angles(angles),
        first_different=next(firsts, None),
        holes=holes,
        damaged=session.is_damaged,
        closed=session.closed,
        damage=tuple(session.damage),
    )


def _of_angles(verdict: Verdict) -> AnglesVerification:
    return AnglesVerification(
        compared=verdict.compared,
        different=verdict.different,
        not_comparable=verdict.not_comparable,
    )


def tell(verification: Verification) -> Iterable[str]:
    """What came out, in words."""
    yield from map(describe, verification.damage)
    for hole in verification.holes:
        why = hole.reason or "the recorder does not say why"
        yield f"{hole.outputs} outputs from instant {hole.first_instant} not comparable: {why}"
    if verification.first_different is not None:
        yield f"first difference: instant {verification.first_different[1]}"
    if not (verification.compared or verification.not_comparable):
        yield NOTHING
    counts = f"{verification.compared} compared, {verification.different} different"
    if (angles := verification.kinematics) is not None:
        counts += f" (joint angles: {angles.compared} compared, {angles.different} different)"
    yield f"{'identical' if verification.identical else 'NOT identical'}: {counts}"
