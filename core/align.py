"""Keypoints of several cameras to instants, by capture time alone: arrival order does not matter.

An instant is complete when each present camera has delivered for it, or has delivered something
younger: a camera speaks in the order of its frames. What cannot be completed is given up after a
bounded wait, measured in capture time. A camera that fell silent is not waited for.
"""

import msgspec

from core.config import FusionConfig
from core.messages import Keypoints2D

_NEVER = -(2**62)


class Instant(msgspec.Struct, frozen=True):
    """Keypoints of one capture time, at most one message a camera, sorted by camera."""

    t_ns: int
    views: tuple[Keypoints2D, ...]


class Alignment(msgspec.Struct, frozen=True):
    """What waits to become an instant; oldest first."""

    waiting: tuple[Instant, ...] = ()
    newest_ns: dict[str, int] = {}
    """Newest capture time of each camera."""
    first_ns: int = _NEVER
    emitted_ns: int = _NEVER
    late: int = 0
    """Came when its instant had been given up."""
    doubled: int = 0
    """Came twice."""


def add(
    state: Alignment, view: Keypoints2D, cameras: tuple[str, ...], config: FusionConfig
) -> tuple[Alignment, list[Instant]]:
    """Take in one camera's keypoints; return the instants they completed, oldest first."""
    window_ns = config.window_ms * 1e6
    newest = dict(state.newest_ns)
    newest[view.camera] = max(view.t_ns, newest.get(view.camera, _NEVER))
    if view.t_ns <= state.emitted_ns + window_ns:  # yet a sign of life: it is waited for again
        return msgspec.structs.replace(state, newest_ns=newest, late=state.late + 1), []
    waiting = _placed(state.waiting, view, window_ns)
    first_ns = view.t_ns if state.first_ns == _NEVER else min(state.first_ns, view.t_ns)
    ready = _ready(waiting, newest, first_ns, cameras, config)
    return Alignment(
        waiting=waiting[ready:],
        newest_ns=newest,
        first_ns=first_ns,
        emitted_ns=waiting[ready - 1].t_ns if ready else state.emitted_ns,
        late=state.late,
        doubled=state.doubled + (waiting == state.waiting),
    ), list(waiting[:ready])


def rest(state: Alignment) -> list[Instant]:
    """Return what still waits, for the end of a recording."""
    return list(state.waiting)


def _placed(
    waiting: tuple[Instant, ...], view: Keypoints2D, window_ns: float
) -> tuple[Instant, ...]:
    near = [one for one in waiting if abs(one.t_ns - view.t_ns) <= window_ns]
    if any(view.camera == other.camera for one in near for other in one.views):
        return waiting
    if not near:
        added = Instant(view.t_ns, (view,))
        return tuple(sorted((*waiting, added), key=lambda one: one.t_ns))
    home = min(near, key=lambda one: abs(one.t_ns - view.t_ns))
    views = tuple(sorted((*home.views, view), key=lambda one: one.camera))
    grown = Instant(min(one.t_ns for one in views), views)
    return tuple(grown if one is home else one for one in waiting)


def _ready(
    waiting: tuple[Instant, ...],
    newest_ns: dict[str, int],
    first_ns: int,
    cameras: tuple[str, ...],
    config: FusionConfig,
) -> int:
    """How many of the oldest instants are not to be waited for any longer."""
    now_ns = max(newest_ns.values())
    last_ns = {camera: newest_ns.get(camera, first_ns) for camera in cameras}
    present = [c for c in cameras if now_ns - last_ns[c] <= config.absent_after_ms * 1e6]
    for count, instant in enumerate(waiting):
        delivered = {view.camera for view in instant.views}
        passed_ns = instant.t_ns + config.window_ms * 1e6
        whole = all(c in delivered or last_ns[c] > passed_ns for c in present)
        if not whole and now_ns - instant.t_ns <= config.max_wait_ms * 1e6:
            return count
    return len(waiting)
