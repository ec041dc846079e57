"""What several windows say together of how late cameras are, and against whom.

Answers are not averaged into certainty: what a network gets wrong about somebody's knee it gets
wrong in the next window too.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from core.messages import Keypoints2D

_LEAST_AGREEING = 2
_LEAST_WIDE_MS = 0.1


class Late(msgspec.Struct, frozen=True):
    """How late a camera's capture times are."""

    late_ms: float
    wide_ms: float
    """Half-width that covers the truth 19 times in 20."""


class Question(msgspec.Struct, frozen=True):
    """A window of keypoints, with the capture times that the cameras gave."""

    frames: dict[str, tuple[Keypoints2D, ...]]
    reference: str
    begun_ns: int
    due_ns: int


class Answer(msgspec.Struct, frozen=True):
    """What a window says: cameras of which it can be told, against the reference."""

    begun_ns: int
    reference: str
    late: dict[str, Late]


def agreed(answers: tuple[Answer, ...]) -> dict[str, Late]:
    """What answers say of each camera against the last one's reference, from where they agree on.

    A camera is left out where fewer than two agree. The uncertainty is that of one answer, or how
    far they are apart: they may all be wrong for the same reason.
    """
    last = answers[-1]
    found = dict[str, Late]()
    for camera, newest in last.late.items():
        each = list[Late]()
        for one in reversed(answers):
            here, there = one.late.get(camera), one.late.get(last.reference)
            if here is None or there is None:
                continue
            late = _apart(here, there)
            if abs(late.late_ms - newest.late_ms) > late.wide_ms + newest.wide_ms:
                break
            each.append(late)
        if len(each) >= _LEAST_AGREEING:
            found[camera] = _together(each)
    return found


def _apart(one: Late, other: Late) -> Late:
    return Late(one.late_ms - other.late_ms, float(np.hypot(one.wide_ms, other.wide_ms)))


def _together(each: list[Late]) -> Late:
    late_ms = np.array([one.late_ms for one in each])
    wide_ms = np.array([one.wide_ms for one in each])
    weight = 1.0 / np.maximum(wide_ms, _LEAST_WIDE_MS) ** 2
    mean_ms = float((weight * late_ms).sum() / weight.sum())
    return Late(mean_ms, float(max(np.median(wide_ms), 2.0 * late_ms.std())))


def against_median(late: Mapping[str, Late], names: tuple[str, ...]) -> dict[str, Late]:
    """The same against the median camera, which is taken to be right.

    The reference, of which nothing but itself is certain, is as uncertain as the others are.
    """
    if len(late) < 2:
        return {}
    middle_ms = float(np.median([one.late_ms for one in late.values()]))
    usual_ms = float(np.median([one.wide_ms for one in late.values() if one.wide_ms > 0] or [0.0]))
    return {
        name: Late(late[name].late_ms - middle_ms, late[name].wide_ms or usual_ms)
        for name in names
        if name in late
    }
