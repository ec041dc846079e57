"""Where the cameras stand, as far as the fusion knows: what was found, and what was decided of it.

Apart from ``core.mending``, which finds it.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import resection
from core.calibration.place import with_poses
from core.cameras import Rig
from core.mending_exam import Finding, Usual
from core.mending_looks import Gathered, Look
from core.messages import CameraPlace, PlaceDecision, PlaceState, as_rows

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

QUIET_EACH_NS = 200_000_000
_RIGHT, _RIGHT_PX = 1.3, 1.0


class Place(msgspec.Struct, frozen=True):
    """What became of one camera that moved."""

    camera: int
    state: PlaceState
    """suspect: left out, the new place is sought; new: found and in force; kept: so it stays;
    rejected: back at the former place, and left out."""
    since_ns: int
    former: F64  # (3, 4)
    found: F64  # (3, 4) the new place; the former one while that is sought
    usual: Usual
    """How it agreed at the former place."""
    before_px: float
    """Median error at the former place and …"""
    after_px: float
    """… at the new one, at looks that were not fitted."""
    usual_there: Usual | None = None
    fits: int = 0

    @property
    def turned_deg(self) -> float:
        """By how much it turned; 0 while the new place is sought."""
        if self.state == "suspect":
            return 0.0
        return resection.turned_deg(self._before, self.found)

    @property
    def moved_m(self) -> float:
        """By how much it moved, likewise."""
        if self.state == "suspect":
            return 0.0
        return resection.shifted_m(self._before, self.found)

    @property
    def _before(self) -> F64:
        """Where it was: as calibrated, or, where that was never right, as people told."""
        usual = self.usual
        was_right = usual.given_px <= _RIGHT * usual.fitted_px + _RIGHT_PX
        return self.former if was_right else usual.cam_from_world

    @property
    def is_left_out(self) -> bool:
        """Whether the camera has no say."""
        return self.state in ("suspect", "rejected")


class Mending(msgspec.Struct, frozen=True):
    """What is known of where the cameras stand."""

    turn: int = 0
    recent: tuple[Look, ...] = ()
    quiet: Gathered = Gathered(spacing_ns=QUIET_EACH_NS)
    """Looks of the time when nothing was wrong."""
    usual: tuple[Usual | None, ...] = ()
    """Of each camera."""
    findings: tuple[Finding, ...] = ()
    """Of this round through all cameras, of those that have moved by it."""
    accused: int = -1
    """Camera that the round before found moved."""
    places: tuple[Place, ...] = ()
    since: Gathered = Gathered()
    """Looks since the last camera moved, for its place …"""
    since_of: int = -1
    """… and which one that is; -1: its place is final, or none moved."""
    answered: int = 0
    """Number of the last decision of the operator that was taken in."""


def in_force(state: Mending, rig: Rig) -> Rig:
    """The rig with the places of cameras that moved; of those left out the former ones."""
    if not state.places:
        return rig
    poses = rig.cam_from_world.copy()
    for one in state.places:
        poses[one.camera] = one.former if one.is_left_out else one.found
    return with_poses(rig, poses)


def believed_px(state: Mending, sd_px: F64) -> F64:
    """Standard deviations (C,) with infinity for cameras that are left out."""
    return np.where(trusted_in(state, len(sd_px)), sd_px, np.inf)


def trusted_in(state: Mending, n_cameras: int) -> Flags:
    """Cameras (C,) that have a say."""
    trusted = np.ones(n_cameras, dtype=bool)
    trusted[[one.camera for one in state.places if one.is_left_out]] = False
    return trusted


def decide(state: Mending, decisions: Sequence[PlaceDecision], rig: Rig) -> Mending:
    """Do what the operator decided and was not done yet; of cameras that did not move: nothing."""
    for one in sorted(decisions, key=lambda one: one.number):
        if one.number > state.answered:
            state = msgspec.structs.replace(_decided(state, one, rig), answered=one.number)
    return state


def _decided(state: Mending, decision: PlaceDecision, rig: Rig) -> Mending:
    place = next((p for p in state.places if rig.names[p.camera] == decision.camera), None)
    if place is None or place.state == "suspect":
        return state
    keep = decision.wish == "keep"
    decided = msgspec.structs.replace(place, state="kept" if keep else "rejected")
    usual = place.usual_there if keep else place.usual
    state = with_usual(with_place(state, decided), place.camera, usual)
    if not keep:
        state = msgspec.structs.replace(state, quiet=state.quiet.without(place.camera))
    return without_since(state) if state.since_of == place.camera else state


def with_place(state: Mending, place: Place) -> Mending:
    """The same with what became of a camera."""
    others = (one for one in state.places if one.camera != place.camera)
    return msgspec.structs.replace(state, places=(*others, place))


def without_place(state: Mending, camera: int) -> Mending:
    """The same with a camera where it was calibrated."""
    others = tuple(one for one in state.places if one.camera != camera)
    return msgspec.structs.replace(state, places=others)


def without_since(state: Mending) -> Mending:
    """The same without the looks for a place that is final, or not sought."""
    return msgspec.structs.replace(state, since=Gathered(), since_of=-1)


def with_usual(state: Mending, camera: int, usual: Usual | None) -> Mending:
    """The same with what is usual of a camera."""
    known = (*state.usual[:camera], usual, *state.usual[camera + 1 :])
    return msgspec.structs.replace(state, usual=known)


def report(state: Mending, given: Rig) -> tuple[CameraPlace, ...]:
    """Cameras that are not where they were calibrated, as they are told of."""
    return tuple(
        CameraPlace(
            camera=given.names[one.camera],
            state=one.state,
            since_ns=one.since_ns,
            turned_deg=one.turned_deg,
            moved_m=one.moved_m,
            before_px=one.before_px,
            after_px=one.after_px,
            former=as_rows(one.former),
            found=as_rows(one.found),
        )
        for one in sorted(state.places, key=lambda one: one.camera)
    )
