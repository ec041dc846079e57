"""Heel strikes and toe-offs, on a treadmill too.

A foot strikes when the heel is furthest in front of the pelvis, and leaves when the toe is furthest
behind it (Zeni, Richards and Higginson, Gait & Posture 27, 2008): the foot's speed against the
pelvis, along the way the person faces, passes through nought. So do the feet of somebody who
squats, sways or waits. A step is told from that by the feet's passing each other and by where
they are then: apart, one behind the pelvis, the one in question near the floor. Nothing is known
before the foot has turned, so an event is told by the first instant after it; ``GaitEvent.t_ns``
says when it was.

Apart, as it needs keypoints and their velocities only, no body model. What follows from the events
is in ``core.walking``.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import walking
from core.messages import GaitEvent, GaitKind, Side
from core.settings import NotNegative, Positive
from core.skeletons import Skeleton
from core.walking import WalkingConfig

F64 = NDArray[np.float64]

_FEET = ("LHeel", "RHeel", "LBigToe", "RBigToe")
_NEEDED = ("LHip", "RHip", *_FEET)
_OTHER = {"L": "R", "R": "L"}
_LONG_AGO_NS = -(1 << 62)


class GaitConfig(WalkingConfig, frozen=True):
    """When a movement of a foot is a step, and when steps are a walk."""

    least_speed_m_s: Positive = 0.35
    """The foot must have swung past the pelvis at least this fast, either way."""
    least_apart_ms: Positive = 400.0
    """The same event of the same foot does not come sooner again."""
    least_step_m: Positive = 0.2
    """Heel from heel, or toe from toe, along the way the person faces."""
    least_behind_m: Positive = 0.1
    """The other heel is so far behind the hips when a heel strikes: somebody who marches on the
    spot stands below the hips, with the heels about 5 cm behind."""
    least_toe_behind_m: NotNegative = 0.05
    """The toe is so far behind the hips when it leaves."""
    most_raised_m: Positive = 0.25
    """The foot is at most this much higher than the lowest point of the other one."""
    longest_gap_ms: NotNegative = 200.0
    """A foot that is missing for up to this long is followed across the gap."""
    jump_m: Positive = 0.4
    """Hips this far from where their velocity leads are not those of the same movement: footage
    that begins anew, another person under the same number."""


class Foot(msgspec.Struct, frozen=True):
    """What is remembered of a heel or a toe."""

    t_ns: int
    """When it was seen last."""
    speed_m_s: float
    """Forwards, against the middle of the hips."""
    ahead_m: float
    """Of it, along the way the hips face."""
    height_m: float
    """In the world."""
    peak_m_s: float = 0.0
    """Fastest the wanted way since it went the other way."""
    has_come: bool = False
    """From the other side of the other foot, since its last event. A heel must; a toe need not, for
    it is already behind when somebody sets out."""


class Gait(msgspec.Struct, frozen=True):
    """What is remembered of one person's feet."""

    t_ns: int = 0
    hips_m: tuple[float, float] | None = None
    """Their middle over the floor where it was seen last, at ``hips_ns`` …"""
    hips_m_s: tuple[float, float] = (0.0, 0.0)
    hips_ns: int = 0
    feet: dict[str, Foot] = {}
    """By keypoint."""
    last_ns: dict[str, int] = {}
    """Last event by kind and side."""
    strikes: tuple[walking.Strike, ...] = ()
    """The last heel strikes of both feet."""


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
    at = [skeleton.index(name) for name in _NEEDED]
    places_m = dict(zip(_NEEDED, points_m[at], strict=True))
    speeds = dict(zip(_NEEDED, velocity_m_s[at], strict=True))
    hips_m = 0.5 * (places_m["LHip"] + places_m["RHip"])[:2]
    hips_m_s = 0.5 * (speeds["LHip"] + speeds["RHip"])[:2]
    if not np.isfinite([hips_m, hips_m_s]).all():
        return msgspec.structs.replace(state, t_ns=t_ns), []
    if _has_jumped(state, t_ns, hips_m, config):
        state = Gait()
    kept = _kept(state, t_ns, config)
    seen = {name: (places_m[name] - [*hips_m, 0.0], speeds[name][:2] - hips_m_s) for name in _FEET}
    feet = _feet(kept, seen, _forward(places_m["LHip"], places_m["RHip"]), t_ns, config)
    events = _events(state.last_ns, kept, feet, config)
    after = Gait(
        t_ns=t_ns,
        hips_m=(float(hips_m[0]), float(hips_m[1])),
        hips_m_s=(float(hips_m_s[0]), float(hips_m_s[1])),
        hips_ns=t_ns,
        feet=_begun_anew(feet, events),
        last_ns=state.last_ns | {_key(event): event.t_ns for event in events},
        strikes=walking.with_strikes(state.strikes, events),
    )
    return after, events


def _has_jumped(state: Gait, t_ns: int, hips_m: F64, config: GaitConfig) -> bool:
    if state.hips_m is None:
        return False
    passed_s = (t_ns - state.hips_ns) * 1e-9
    expected_m = np.array(state.hips_m) + passed_s * np.array(state.hips_m_s)
    return bool(np.linalg.norm(hips_m - expected_m) > config.jump_m)


def _forward(left_m: F64, right_m: F64) -> F64:
    """The way the hips (3,) face (2,), over the floor."""
    across = (left_m - right_m)[:2]
    return np.array([across[1], -across[0]]) / max(float(np.linalg.norm(across)), 1e-6)


def _kept(state: Gait, t_ns: int, config: GaitConfig) -> dict[str, Foot]:
    """Heels and toes that were seen a short while ago, or at the instant before."""
    oldest_ns = min(state.t_ns, t_ns - round(config.longest_gap_ms * 1e6))
    return {name: foot for name, foot in state.feet.items() if foot.t_ns >= oldest_ns}


def _feet(
    kept: dict[str, Foot],
    seen: dict[str, tuple[F64, F64]],
    forward: F64,
    t_ns: int,
    config: GaitConfig,
) -> dict[str, Foot]:
    """Those that are seen, and the others as they were; ``seen``: place (3,) m over the floor below
    the hips and speed (2,) m/s against them."""
    feet = dict(kept)
    for name, (place_m, speed) in seen.items():
        if np.isfinite(place_m).all() and np.isfinite(speed).all():
            speed_m_s = float(speed @ forward)
            feet[name] = Foot(
                t_ns=t_ns,
                speed_m_s=speed_m_s,
                ahead_m=float(place_m[:2] @ forward),
                height_m=float(place_m[2]),
                peak_m_s=_peak(kept.get(name), speed_m_s * _sign(name), config),
            )
    return {name: _come(name, kept.get(name), foot, feet) for name, foot in feet.items()}


def _sign(name: str) -> float:
    """A heel comes to rest from forwards, a toe from backwards."""
    return 1.0 if name.endswith("Heel") else -1.0


def _peak(before: Foot | None, towards_m_s: float, config: GaitConfig) -> float:
    has_turned = towards_m_s < -0.5 * config.least_speed_m_s  # less than that may be noise
    return max(0.0 if before is None or has_turned else before.peak_m_s, towards_m_s)


def _come(name: str, before: Foot | None, foot: Foot, feet: dict[str, Foot]) -> Foot:
    """The same with what is known of the way it came."""
    across = feet.get(_OTHER[name[0]] + name[1:])
    is_beyond = across is not None and (foot.ahead_m - across.ahead_m) * _sign(name) < 0
    has_come = is_beyond or (before is not None and before.has_come)
    return msgspec.structs.replace(foot, has_come=has_come)


def _begun_anew(feet: dict[str, Foot], events: list[GaitEvent]) -> dict[str, Foot]:
    keys = {_key(event) for event in events}
    return {
        name: msgspec.structs.replace(foot, has_come=False) if _key_of(name) in keys else foot
        for name, foot in feet.items()
    }


def _events(
    last_ns: dict[str, int], before: dict[str, Foot], feet: dict[str, Foot], config: GaitConfig
) -> list[GaitEvent]:
    """Those of this instant, in the order of their times."""
    found = list[GaitEvent]()
    for name, then in before.items():
        event = _passage(name, then, feet[name])
        if (
            event is not None
            and event.t_ns - last_ns.get(_key(event), _LONG_AGO_NS) >= config.least_apart_ms * 1e6
            and then.peak_m_s >= config.least_speed_m_s
            and (then.has_come or event.kind == "toe off")
            and (_is_step(name, before, config) or _is_step(name, feet, config))
        ):
            found.append(event)
    return sorted(found, key=lambda event: (event.t_ns, event.kind, event.side))


def _passage(name: str, then: Foot, now: Foot) -> GaitEvent | None:
    """The event of a heel or toe whose speed has passed through nought since it was seen last."""
    if not then.speed_m_s * _sign(name) > 0 >= now.speed_m_s * _sign(name):
        return None
    part = then.speed_m_s / (then.speed_m_s - now.speed_m_s)
    kind, side = _meaning(name)
    return GaitEvent(kind, side, then.t_ns + round(part * (now.t_ns - then.t_ns)))


def _meaning(name: str) -> tuple[GaitKind, Side]:
    return (
        "heel strike" if name.endswith("Heel") else "toe off",
        "left" if name.startswith("L") else "right",
    )


def _is_step(name: str, feet: dict[str, Foot], config: GaitConfig) -> bool:
    """Whether the feet are where they are at that event of a step; no where one is unknown."""
    if len(feet) < len(_FEET):
        return False
    other, part = _OTHER[name[0]], name[1:]
    foot, across = feet[name], feet[other + part]
    floor_m = min(feet[other + "Heel"].height_m, feet[other + "BigToe"].height_m)
    behind = (
        across.ahead_m <= -config.least_behind_m
        if part == "Heel"
        else foot.ahead_m <= -config.least_toe_behind_m
    )
    return (
        behind
        and (foot.ahead_m - across.ahead_m) * _sign(name) >= config.least_step_m
        and foot.height_m - floor_m <= config.most_raised_m
    )


def _key(event: GaitEvent) -> str:
    return f"{event.kind} {event.side}"


def _key_of(name: str) -> str:
    kind, side = _meaning(name)
    return f"{kind} {side}"
