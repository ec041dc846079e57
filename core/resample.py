"""Free-running cameras to common instants: each camera's keypoints at a time between its frames.

Cameras without a common trigger see the same moment up to half a frame apart: at 5 m/s and 60
frames a second that is 4 cm. Here instants lie on a grid of the rig clock, and each camera's
keypoints are interpolated between the frames around it, by their own capture times. The price is
the wait for the next frame of the slowest camera. Arrival order does not matter.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.align import Instant
from core.config import FusionConfig
from core.messages import Keypoints2D, Person2D, view

F64 = NDArray[np.float64]

_NEVER = -(2**62)
_BENT_MS = 60.0  # a gap over which movement is far from straight: confidence halves in its middle


class Resampling(msgspec.Struct, frozen=True):
    """What waits for its instant."""

    recent: dict[str, tuple[Keypoints2D, ...]] = {}
    """The last frames of each camera, oldest first."""
    next_ns: int = _NEVER
    first_ns: int = _NEVER
    late: int = 0
    """Came when its instants had been given out, or out of order."""
    instants: int = 0
    waited_ns: int = 0
    """Capture time between the instants and the frames that completed them, all together: divided
    by ``instants`` it is the latency that interpolation adds."""


def add(
    state: Resampling, seen: Keypoints2D, cameras: tuple[str, ...], config: FusionConfig
) -> tuple[Resampling, list[Instant]]:
    """Take in one camera's keypoints; return the instants they completed, oldest first."""
    before = state.recent.get(seen.camera, ())
    if before and seen.t_ns <= before[-1].t_ns:
        return msgspec.structs.replace(state, late=state.late + 1), []
    recent = {**state.recent, seen.camera: (*_still_of_use(before, state, config), seen)}
    first_ns = seen.t_ns if state.first_ns == _NEVER else min(state.first_ns, seen.t_ns)
    state = msgspec.structs.replace(state, recent=recent, first_ns=first_ns)
    return _given_out(state, cameras, config)


def _still_of_use(
    frames: tuple[Keypoints2D, ...], state: Resampling, config: FusionConfig
) -> tuple[Keypoints2D, ...]:
    """Frames that an instant to come may lie after; the bounded wait bounds their number."""
    oldest_ns = state.next_ns - config.longest_gap_ms * 1e6
    return tuple(one for one in frames if one.t_ns >= oldest_ns)


def _given_out(
    state: Resampling, cameras: tuple[str, ...], config: FusionConfig
) -> tuple[Resampling, list[Instant]]:
    newest = {camera: frames[-1].t_ns for camera, frames in state.recent.items()}
    now_ns = max(newest.values())
    absent_ns = config.absent_after_ms * 1e6
    present = [c for c in cameras if now_ns - newest.get(c, state.first_ns) <= absent_ns]
    period_ns = round(1e9 / config.instant_hz)
    next_ns, instants, waited_ns = state.next_ns, list[Instant](), 0
    if next_ns == _NEVER:
        if any(camera not in newest for camera in present):
            return state, []
        begun_ns = max(frames[0].t_ns for frames in state.recent.values())
        next_ns = -(-begun_ns // period_ns) * period_ns
    while next_ns <= now_ns:
        whole = all(newest.get(camera, _NEVER) >= next_ns for camera in present)
        if not whole and now_ns - next_ns <= config.max_wait_ms * 1e6:
            break
        instants.append(Instant(next_ns, _views(state.recent, next_ns, config)))
        waited_ns += now_ns - next_ns
        next_ns += period_ns
    after = msgspec.structs.replace(
        state,
        next_ns=next_ns,
        instants=state.instants + len(instants),
        waited_ns=state.waited_ns + waited_ns,
    )
    return after, instants


def _views(
    recent: dict[str, tuple[Keypoints2D, ...]], t_ns: int, config: FusionConfig
) -> tuple[Keypoints2D, ...]:
    found = (at(recent[camera], t_ns, config) for camera in sorted(recent))
    return tuple(one for one in found if one is not None)


def at(frames: tuple[Keypoints2D, ...], t_ns: int, config: FusionConfig) -> Keypoints2D | None:
    """Keypoints of one camera at a time between its frames; None where no frames are around it.

    The result carries the later frame's number and people in its order, so that it can be told
    what became of each.
    """
    before = [one for one in frames if one.t_ns <= t_ns]
    after = [one for one in frames if one.t_ns >= t_ns]
    if before and t_ns - before[-1].t_ns <= config.window_ms * 1e6 / 2:
        return msgspec.structs.replace(before[-1], t_ns=t_ns)
    if not before or not after:
        return None
    earlier, later = before[-1], after[0]
    gap_ns = later.t_ns - earlier.t_ns
    if gap_ns > config.longest_gap_ms * 1e6:
        return None
    part = (t_ns - earlier.t_ns) / gap_ns
    persons = tuple(_between(one, earlier, later, part, gap_ns) for one in later.persons)
    return msgspec.structs.replace(later, t_ns=t_ns, persons=persons)


def _between(
    person: Person2D, earlier: Keypoints2D, later: Keypoints2D, part: float, gap_ns: int
) -> Person2D:
    """One person between two frames; who was not there before has no confidence."""
    alone = len(earlier.persons) == len(later.persons) == 1
    same = [one for one in earlier.persons if alone or one.id == person.id]
    if len(same) != 1:
        nothing = np.zeros(len(person.confidence) // 4, "<f4")
        return Person2D(person.id, person.keypoints_px, nothing.tobytes())
    first, second = view(same[0], "keypoints_px"), view(person, "keypoints_px")
    points = (1 - part) * first.astype(np.float64) + part * second
    sure = np.minimum(view(same[0], "confidence"), view(person, "confidence"))
    bent = 4 * part * (1 - part) * (gap_ns * 1e-6 / _BENT_MS) ** 2
    confidence = np.where(np.isfinite(points).all(axis=1), sure / (1 + bent), 0.0)
    covariance = _covariance(same[0], person, part) * (1 + bent) ** 2
    raw = (one.astype("<f4").tobytes() for one in (points, confidence, covariance))
    return Person2D(person.id, *raw)


def _covariance(earlier: Person2D, later: Person2D, part: float) -> F64:
    """Covariances (J, 3) between two frames, none where one has none.

    Errors of neighbouring frames are much the same, so they do not average out.
    """
    first, second = view(earlier, "covariance_px2"), view(later, "covariance_px2")
    if len(first) != len(second):
        return np.empty((0, 3))
    return (1 - part) * first.astype(np.float64) + part * second
