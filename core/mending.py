"""A camera that was knocked is left out, and its new place found from people, while the rest goes
on.

Each tenth of a second the cameras' views of the people are kept, and one camera is examined
(``core.mending_exam``). One that is found moved twice running is suspect, and left out. Once it was
seen for two seconds since, its place is fitted again and takes its part there. The operator may
keep that or go back; a camera whose new place is rejected stays left out until it agrees again.
The state is part of the fusion's, so that a recording gives the same bits again.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import mending_exam
from core.associate import Detections
from core.cameras import Rig
from core.mending_exam import Finding, Usual
from core.mending_looks import Gathered, Look, look_at, seen_by
from core.mending_state import (
    QUIET_EACH_NS,
    Mending,
    Place,
    trusted_in,
    with_place,
    with_usual,
    without_place,
    without_since,
)
from core.people import Followed

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

LOOK_EACH_NS = 100_000_000
_LAST_LOOKS, _LAST_NS = 10, 3_000_000_000
_RECENT_NS = 4_000_000_000
_QUIET_MOST, _QUIET_LEAST, _QUIET_NS = 48, 12, 7_000_000_000
_SINCE_MOST, _SINCE_LEAST, _SINCE_NS = 40, 16, 2_000_000_000
_REFINED_AFTER_NS = (5_000_000_000, 10_000_000_000, 20_000_000_000, 40_000_000_000)
_CLEARLY = 1.5
_LEAST_OTHERS = 2
_RETURNED, _RETURNED_PX = 1.2, 1.0


def watch(
    state: Mending,
    t_ns: int,
    followed: Sequence[Followed],
    detections: Detections,
    rig: Rig,
    given: Rig,
) -> Mending:
    """Have a look at an instant, where it is time for one and somebody is there; see ``step``."""
    if state.recent and t_ns - state.recent[-1].t_ns < LOOK_EACH_NS:
        return state
    look = look_at(t_ns, followed, detections, len(rig.names))
    return state if look is None else step(state, look, rig, given)


def step(state: Mending, look: Look, rig: Rig, given: Rig) -> Mending:
    """Take in a look, and do a piece of the work.

    Args:
        state: see there.
        look: what the cameras saw.
        rig: with the places in force.
        given: as it was calibrated.
    """
    n_cameras = len(rig.names)
    state = _taken(state, look, n_cameras)
    turn = state.turn
    state = msgspec.structs.replace(state, turn=turn + 1)
    suspect = next((one for one in state.places if one.state == "suspect"), None)
    if suspect is not None:
        return _pursued(state, suspect, rig, given)
    if state.since_of >= 0:
        state = _refined(state, rig)
    if not _has_yardstick(state):
        return state
    state = _usual_again(state, turn // 2 % n_cameras, rig) if turn % 2 else state
    return _examined(state, turn % n_cameras, rig, given)


def _taken(state: Mending, look: Look, n_cameras: int) -> Mending:
    """Keep a look; what is no longer recent and nothing came of was quiet."""
    left_out = np.flatnonzero(~trusted_in(state, n_cameras))
    quiet = state.quiet
    aged = [one for one in state.recent if look.t_ns - one.t_ns > _RECENT_NS]
    for one in aged:
        for camera in left_out:
            one = one.without(int(camera))
        quiet = quiet.plus(one, _QUIET_MOST)
    return msgspec.structs.replace(
        state,
        recent=(*state.recent[len(aged) :], look),
        quiet=quiet,
        usual=state.usual or (None,) * n_cameras,
        since=state.since.plus(look, _SINCE_MOST) if state.since_of >= 0 else state.since,
    )


def _has_yardstick(state: Mending) -> bool:
    """Whether people walked about for long enough to know what is usual."""
    looks = state.quiet.looks
    return bool(looks) and looks[-1].t_ns - looks[0].t_ns >= _QUIET_NS


def _last(state: Mending) -> tuple[Look, ...]:
    newest_ns = state.recent[-1].t_ns
    return tuple(one for one in state.recent[-_LAST_LOOKS:] if newest_ns - one.t_ns <= _LAST_NS)


def _others(state: Mending, camera: int, n_cameras: int) -> Flags:
    """Cameras (C,) that may judge one: trusted, there, and known from quiet times."""
    last = _last(state)
    there = 2 * seen_by(last, n_cameras) > len(last)
    known = seen_by(state.quiet.looks, n_cameras) >= _QUIET_LEAST
    others = trusted_in(state, n_cameras) & there & known
    others[camera] = False
    return others


def _usual(state: Mending, camera: int, others: Flags, rig: Rig) -> Usual | None:
    """How a camera agrees with these very others; None while nobody knows."""
    known, looks = state.usual[camera], state.quiet.looks
    n_cameras = len(rig.names)
    is_known = seen_by(looks, n_cameras)[camera] >= _QUIET_LEAST
    if others.sum() < _LEAST_OTHERS or not is_known or not trusted_in(state, n_cameras)[camera]:
        return known
    if known is not None and np.array_equal(known.others, others):
        return known
    return mending_exam.usual_of(looks, camera, rig, others)


def _usual_again(state: Mending, camera: int, rig: Rig) -> Mending:
    """Learn from what was quiet since."""
    n_cameras = len(rig.names)
    others, looks = _others(state, camera, n_cameras), state.quiet.looks
    is_known = seen_by(looks, n_cameras)[camera] >= _QUIET_LEAST
    if not is_known or others.sum() < _LEAST_OTHERS or not trusted_in(state, n_cameras)[camera]:
        return state
    usual = mending_exam.usual_of(looks, camera, rig, others)
    return with_usual(state, camera, usual or state.usual[camera])


def _examined(state: Mending, camera: int, rig: Rig, given: Rig) -> Mending:
    """Look at one camera; at the end of each round say which one has moved."""
    others = _others(state, camera, len(rig.names))
    usual, is_trusted = _usual(state, camera, others, rig), trusted_in(state, len(others))[camera]
    if usual is not None and others.sum() >= _LEAST_OTHERS:
        found = mending_exam.examine(_last(state), camera, rig, others, usual)
        if found is not None and is_trusted:
            is_moved = found.is_moved(usual)
            state = with_usual(state, camera, usual)
            accused = (found,) if is_moved else ()
            state = msgspec.structs.replace(state, findings=(*state.findings, *accused))
        elif found is not None and found.agrees(usual):
            state = _agreeing(state, camera, given)
    if camera < len(rig.names) - 1:
        return state
    guilty, findings = _guilty(state), state.findings
    accused, state = state.accused, msgspec.structs.replace(state, findings=(), accused=guilty)
    if guilty < 0 or guilty != accused:
        return state
    return _suspected(state, next(one for one in findings if one.camera == guilty), rig)


def _guilty(state: Mending) -> int:
    """The one camera that moved; -1 where none did, or where it may as well be another one."""
    moved = sorted(
        (one.doubt(usual), one.camera)
        for one in state.findings
        if (usual := state.usual[one.camera]) is not None
    )
    if not moved or (len(moved) > 1 and moved[1][0] < _CLEARLY * moved[0][0]):
        return -1
    return moved[0][1]


def _suspected(state: Mending, finding: Finding, rig: Rig) -> Mending:
    last, usual = _last(state), state.usual[finding.camera]
    assert usual is not None, "a camera is examined once it is known how it usually agrees"
    former = rig.cam_from_world[finding.camera].copy()
    place = Place(
        camera=finding.camera,
        state="suspect",
        since_ns=last[0].t_ns,
        former=former,
        found=former,
        usual=usual,
        before_px=finding.given_px,
        after_px=float("nan"),
    )
    state = msgspec.structs.replace(
        state, since=Gathered(last), since_of=finding.camera, accused=-1, findings=()
    )
    return with_place(state, place)


def _pursued(state: Mending, place: Place, rig: Rig, given: Rig) -> Mending:
    """Seek the new place of a suspect, and see in between whether it agrees again."""
    others, looks = _others(state, place.camera, len(rig.names)), state.since.looks
    if state.turn % 2:
        found = mending_exam.examine(_last(state), place.camera, rig, others, place.usual)
        agrees = found is not None and found.agrees(place.usual)
        return without_since(_agreeing(state, place.camera, given)) if agrees else state
    if len(looks) < _SINCE_LEAST or looks[-1].t_ns - looks[0].t_ns < _SINCE_NS:
        return state
    found = mending_exam.examine(looks, place.camera, rig, others, place.usual)
    if found is None or not found.is_found(place.usual):  # perhaps it moves still
        later = Gathered(looks[len(looks) // 2 :])
        return msgspec.structs.replace(state, since=later)
    return _mended(state, place, found, given, others)


def _mended(state: Mending, place: Place, found: Finding, given: Rig, others: Flags) -> Mending:
    """Put a camera where it was found, or where it was calibrated if that is as good."""
    camera, looks = place.camera, state.since.looks
    quiet = state.quiet.without(camera).looks[::2]  # of the new place there are those since
    state = msgspec.structs.replace(
        state,
        quiet=Gathered((*quiet, *looks), QUIET_EACH_NS),
        recent=tuple(
            one if one.t_ns >= place.since_ns else one.without(camera) for one in state.recent
        ),
    )
    there = given.cam_from_world[camera]
    there_px = mending_exam.judged_px(looks, camera, given, others, there)
    if there_px <= _RETURNED * found.fitted_px + _RETURNED_PX:
        state = without_since(without_place(state, camera))
        return with_usual(state, camera, _usual_at(there, there_px, found, others))
    usual = _usual_at(found.cam_from_world, found.fitted_px, found, others)
    mended = msgspec.structs.replace(
        place,
        state="new",
        found=found.cam_from_world,
        before_px=found.given_px,
        after_px=found.fitted_px,
        usual_there=usual,
        fits=1,
    )
    return with_usual(with_place(state, mended), camera, usual)


def _usual_at(place: F64, error_px: float, found: Finding, others: Flags) -> Usual:
    """What is expected of a camera at a place that was just found."""
    return Usual(place, error_px, error_px, _CLEARLY * error_px, found.rest_px, others)


def _refined(state: Mending, rig: Rig) -> Mending:
    """Fit a new place again once more of the room was walked through, until it is final."""
    place = next((one for one in state.places if one.camera == state.since_of), None)
    looks = state.since.looks
    if place is None or place.fits > len(_REFINED_AFTER_NS):
        return without_since(state)
    if looks[-1].t_ns - place.since_ns < _REFINED_AFTER_NS[place.fits - 1]:
        return state
    usual, others = place.usual_there, _others(state, place.camera, len(rig.names))
    place = msgspec.structs.replace(place, fits=place.fits + 1)
    if usual is not None:
        found = mending_exam.examine(looks, place.camera, rig, others, usual)
        if found and found.fitted_px < found.given_px and found.others_agree(usual):
            usual = _usual_at(found.cam_from_world, found.fitted_px, found, others)
            place = msgspec.structs.replace(
                place, found=found.cam_from_world, after_px=found.fitted_px, usual_there=usual
            )
            state = with_usual(state, place.camera, usual)
    return with_place(state, place)


def _agreeing(state: Mending, camera: int, given: Rig) -> Mending:
    """A camera that was left out has a say again, at its former place."""
    place = next(one for one in state.places if one.camera == camera)
    if np.array_equal(place.former, given.cam_from_world[camera]):
        return without_place(state, camera)
    return with_place(state, msgspec.structs.replace(place, state="kept", found=place.former))
