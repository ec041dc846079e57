"""``kinelive verify``: fuse a recording again and compare with what was fused live."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from core import calibration, cameras, fusion
from core.errors import CalibrationError, SessionError
from core.fusion import FusionState
from core.messages import Keypoints2D, Pose3D
from services.project import is_project
from services.session import Session, open_session
from services.session_reader import Damage
from services.verification import TOPICS, Fusion, Hole, Verdict, compare
from tools.inspect import describe

PROJECT = (
    "a Pose2Sim project holds no fused outputs, so there is nothing to compare with; verify what "
    "was recorded: `kinelive replay {0} --out SESSION` plays its videos and records, "
    "`kinelive verify SESSION` computes it again"
)
NOTHING = (
    "no fused outputs in it to compare: they are recorded by demo, up and replay, not by import"
)


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` prints."""

    identical: bool
    """Every comparable output is equal, nothing is damaged, and the recorder accounts for every
    output that could not be compared."""
    compared: int
    different: int
    not_comparable: int
    first_different: tuple[int, int] | None
    holes: tuple[Hole, ...]
    damaged: bool
    closed: bool
    damage: tuple[Damage, ...]


def verify(session: Annotated[Path, tyro.conf.Positional], json: bool = False) -> int:
    """Compute every fused output again from the recorded keypoints and compare bit for bit.

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
    except (SessionError, CalibrationError) as error:
        print(f"kinelive verify: {error}", file=sys.stderr)
        return 1
    for line in tell(verification):
        print(line, file=sys.stderr if json else sys.stdout)
    if json:
        print(msgspec.json.encode(verification).decode())
    return 0 if verification.identical else 1


def verify_session(session: Session) -> Verification:
    """Check every file and every fused output; CalibrationError as of ``fusion_of``."""
    session.check()
    verdict = compare(
        session.messages(TOPICS),
        fusion_of(session),
        closed=session.closed,
        final_drops={life.number: life.drops for life in session.manifest.lives},
    )
    return _verification(session, verdict)


def fusion_of(session: Session) -> Fusion[FusionState]:
    """Set up the fusion as it was when the session was recorded.

    Raises:
        CalibrationError: the recorded calibration does not fit the cameras.
    """
    name = session.manifest.calibration_name
    models = calibration.parse(name, session.calibration_text)
    rig = cameras.select(models, session.manifest.cameras, name)
    config = session.run.fusion

    def step(state: FusionState, keypoints: Keypoints2D) -> tuple[FusionState, list[Pose3D]]:
        return fusion.step(state, keypoints, rig, config)

    return Fusion(FusionState, step, fusion.thaw)


def _verification(session: Session, verdict: Verdict) -> Verification:
    return Verification(
        identical=verdict.identical and not session.is_damaged,
        compared=verdict.compared,
        different=verdict.different,
        not_comparable=verdict.not_comparable,
        first_different=verdict.first_different,
        holes=verdict.holes,
        damaged=session.is_damaged,
        closed=session.closed,
        damage=tuple(session.damage),
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
    yield f"{'identical' if verification.identical else 'NOT identical'}: {counts}"
