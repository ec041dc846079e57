"""Heel strikes, toe-offs and cadence, while somebody walks, on a treadmill too.

A foot strikes when the heel is furthest in front of the pelvis, and leaves when the toe is furthest
behind it (Zeni, Richards and Higginson, Gait & Posture 27, 2008): the foot's speed against the
pelvis, along the way the person faces, passes through nought. Apart, as it needs keypoints and
their velocities only, no body model.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.messages import GaitEvent, GaitKind, Side, Walking
from core.settings import Positive, Settings
from core.skeletons import Skeleton

F64 = NDArray[np.float64]

_NEEDED = ("LHip", "RHip", "LHeel", "RHeel", "LBigToe", "RBigToe")
_STEPS_KEPT = 8


class GaitConfig(Settings, frozen=True):
    """When a movement of a foot is a step."""

    least_speed_m_s: Positive = 0.35
    """The foot must have swung past the pelvis at least this fast, either way."""
    least_apart_ms: Positive = 250.0
    """The same event of the same foot does not come sooner again."""
    longest_step_ms: Positive = 1800.0
    """After this long without a heel strike nobody walks any more."""


class Gait(msgspec.Struct, frozen=True):
    """What is remembered of one person's feet."""

    t_ns: int = 0
    speed_m_s: dict[str, float] = {}
    """Of heel and toe of each side against the pelvis, forwards, at ``t_ns``."""
    peak_m_s: dict[str, float] = {}
    """Fastest since the last passage through nought."""
    last_ns: dict[str, int] = {}
    """Last event by kind and side."""
    strikes: tuple[tuple[Side, int], ...] = ()
    """The last heel strikes of both feet, as long as the walk goes on."""


def can_walk(skeleton: Skeleton) -> bool:
    """Whether a keypoint set has the hips, heels and toes that are needed."""
    return all(name in skeleton.names for name in _NEEDED)


def step(
    state: Gait,
    t_ns: int,
    points_m: F64,
    velocity_m_s: F64,
    skeleton: Skeleton,
    config: GaitConfig,
) -> tuple[Gait, list[GaitEvent]]:
    """Take in one instant of one person.

    Args:
        state: of the same person.
        t_ns: capture time.
        points_m: keypoints (J, 3), Z up, NaN where missing.
        velocity_m_s: (J, 3), NaN likewise.
        skeleton: one that ``can_walk``.
        config: what counts as a step.
    """
    speeds = _speeds(points_m, velocity_m_s, skeleton)
    peaks = {name: _peak(state, name, speed) for name, speed in speeds.items()}
    events = [
        event
        for name, speed in speeds.items()
        if (event := _passage(state, name, speed, t_ns, config)) is not None
    ]
    last_ns = state.last_ns | {_key(one): one.t_ns for one in events}
    strikes = _strikes(state.strikes, events, t_ns, config)
    return Gait(t_ns, speeds, peaks, last_ns, strikes), sorted(events, key=_when)


_SIGN = {"heel": 1.0, "toe": -1.0}  # a heel comes to rest from forwards, a toe from backwards


def _peak(state: Gait, name: str, speed: float) -> float:
    """Fastest since the last passage, wanted way positive; 0 after a passage or a gap."""
    towards = speed * _SIGN[name.split()[1]]
    return max(state.peak_m_s.get(name, 0.0), towards) if towards > 0 else 0.0


def _passage(
    state: Gait, name: str, speed: float, t_ns: int, config: GaitConfig
) -> GaitEvent | None:
    """The event of a foot's part whose speed has passed through nought since the last instant."""
    side, part = name.split()
    before = state.speed_m_s.get(name, np.nan)
    if not before * _SIGN[part] > 0 >= speed * _SIGN[part]:
        return None
    at_ns = state.t_ns + round(before / (before - speed) * (t_ns - state.t_ns))
    kind: GaitKind = "heel strike" if part == "heel" else "toe off"
    foot: Side = "left" if side == "L" else "right"
    event = GaitEvent(kind, foot, at_ns)
    apart_ns = at_ns - state.last_ns.get(_key(event), -(2**62))
    swung = state.peak_m_s.get(name, 0.0) >= config.least_speed_m_s
    return event if swung and apart_ns >= config.least_apart_ms * 1e6 else None


def _key(event: GaitEvent) -> str:
    return f"{event.kind} {event.side}"


def _when(event: GaitEvent) -> int:
    return event.t_ns


def _speeds(points_m: F64, velocity_m_s: F64, skeleton: Skeleton) -> dict[str, float]:
    """Speed of "L heel", "R toe" … against the pelvis, along the way the person faces."""
    at = {name: skeleton.index(name) for name in _NEEDED}
    across = points_m[at["LHip"], :2] - points_m[at["RHip"], :2]
    forward = np.array([across[1], -across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
    pelvis = 0.5 * (velocity_m_s[at["LHip"], :2] + velocity_m_s[at["RHip"], :2])
    return {
        f"{side} {part}": float((velocity_m_s[at[side + name], :2] - pelvis) @ forward)
        for side in "LR"
        for part, name in (("heel", "Heel"), ("toe", "BigToe"))
    }


def _strikes(
    strikes: tuple[tuple[Side, int], ...], events: list[GaitEvent], t_ns: int, config: GaitConfig
) -> tuple[tuple[Side, int], ...]:
    new: list[tuple[Side, int]] = [
        (one.side, one.t_ns) for one in events if one.kind == "heel strike"
    ]
    found = tuple(sorted([*strikes, *new], key=_time_of))[-_STEPS_KEPT:]
    walks_on = bool(found) and t_ns - found[-1][1] <= config.longest_step_ms * 1e6
    return found if walks_on else ()


def _time_of(strike: tuple[Side, int]) -> int:
    return strike[1]


def walking(state: Gait) -> Walking | None:
    """Figures of the last steps; None while there are fewer than three heel strikes."""
    pairs = list(zip(state.strikes, state.strikes[1:], strict=False))
    steps = [(now[0], (now[1] - then[1]) * 1e-9) for then, now in pairs if then[0] != now[0]]
    if len(steps) < 2:
        return None
    mean = {side: float(np.mean([t for who, t in steps if who == side])) for side, _ in steps}
    both = sorted(mean.values())
    symmetry = both[0] / both[1] if len(both) == 2 else float("nan")
    return Walking(60.0 / float(np.mean([t for _, t in steps])), mean, symmetry)
