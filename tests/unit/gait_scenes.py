"""People whose steps are known: walkers of any cadence, and others who take none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import fusion, gait, synthetic, walking
from core.config import FusionConfig
from core.gait import Gait, GaitConfig
from core.messages import GaitEvent, Pose3D, Walking, view
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]

CONFIG = GaitConfig()
FINE_HZ = 1000.0
_AT = HALPE_26.index
_LEG = ("Hip", "Knee", "Ankle", "Heel", "BigToe", "SmallToe")
_FOOT = ("Ankle", "Heel", "BigToe", "SmallToe")
_SWING = 0.4  # part of a foot's cycle


def standing(t_s: F64) -> F64:
    """Keypoints (T, 26, 3) of somebody who stands still."""
    return np.repeat(synthetic.standing_m()[None], len(t_s), axis=0)


def _with_knees(points_m: F64) -> F64:
    for side in "LR":
        points_m[:, _AT(side + "Knee")] = 0.5 * (
            points_m[:, _AT(side + "Hip")] + points_m[:, _AT(side + "Ankle")]
        ) + [0.03, 0.0, 0.0]
    return points_m


def _feet(points_m: F64, side: str, forward_m: F64, up_m: F64) -> None:
    """Put a foot forward (T,) and up, in place."""
    for name in _FOOT:
        points_m[:, _AT(side + name), 0] += forward_m
        points_m[:, _AT(side + name), 2] += up_m


def walker(t_s: F64, cadence: float, step_m: float = 0.55, uneven: float = 0.0) -> F64:
    """Keypoints (T, 26, 3) of somebody on a treadmill: feet that stand go backwards at one speed.

    ``uneven``: the right foot is this part of a cycle late.
    """
    points_m = standing(t_s)
    cycle_s = 120.0 / cadence
    for side, shift in (("L", 0.0), ("R", 0.5 + uneven)):
        phase = (t_s / cycle_s - shift) % 1.0  # 0: the foot is put down
        stands = phase / (1 - _SWING)
        swings = np.clip((phase - (1 - _SWING)) / _SWING, 0, 1)
        smooth = swings**3 * (10 - 15 * swings + 6 * swings**2)
        walked_m = 2 * step_m * phase  # of the belt, since the foot was put down
        over_m = 2 * step_m * smooth
        reach_m = step_m * (1 - _SWING)  # half of what the belt moves while the foot stands
        forward_m = reach_m - walked_m + over_m
        _feet(points_m, side, forward_m, 0.08 * np.sin(np.pi * swings) ** 2)
        rolls = np.clip((stands - 0.7) / 0.3, 0, 1) * (swings == 0) + (1 - smooth) * (swings > 0)
        points_m[:, _AT(side + "Heel"), 2] += 0.10 * rolls  # the heel leaves before the toe
        points_m[:, _AT(side + "Heel"), 0] += 0.05 * rolls
    return _with_knees(points_m)


def swaying(t_s: F64) -> F64:
    """Over both feet, to and fro by 6 cm and aside by 4."""
    points_m = standing(t_s)
    feet = [_AT(side + name) for side in "LR" for name in _FOOT]
    rest = np.setdiff1d(np.arange(26), feet)
    points_m[:, rest, 0] += 0.06 * np.sin(2 * np.pi * 0.5 * t_s)[:, None]
    points_m[:, rest, 1] += 0.04 * np.sin(2 * np.pi * 0.37 * t_s)[:, None]
    return _with_knees(points_m)


def squatting(t_s: F64) -> F64:
    """Thirty squats a minute: the hips go down by 40 cm, back by 20."""
    points_m = standing(t_s)
    feet = [_AT(side + name) for side in "LR" for name in _FOOT]
    rest = np.setdiff1d(np.arange(26), feet)
    deep = 0.5 - 0.5 * np.cos(2 * np.pi * 0.5 * t_s)
    points_m[:, rest, 0] -= 0.2 * deep[:, None]
    points_m[:, rest, 2] -= 0.4 * deep[:, None]
    return _with_knees(points_m)


def marching(t_s: F64, raised_rad: float) -> F64:
    """On the spot, 100 steps a minute: the thigh is raised, the shank hangs down."""
    points_m = standing(t_s)
    for side, shift in (("L", 0.0), ("R", 0.5)):
        phase = (t_s * 100 / 120 - shift) % 1.0
        thigh = raised_rad * np.where(phase < 0.5, np.sin(2 * np.pi * phase) ** 2, 0.0)
        _feet(points_m, side, 0.43 * np.sin(thigh), 0.43 * (1 - np.cos(thigh)))
    return _with_knees(points_m)


def turning(t_s: F64) -> F64:
    """On the spot: the hips turn steadily, the feet follow by turns, 100 steps a minute."""
    points_m = standing(t_s)
    speed_rad_s = np.deg2rad(60.0)
    step_s = 1.2  # of one foot
    for number, name in enumerate(HALPE_26.names):
        angle = speed_rad_s * t_s
        if name[0] in "LR" and name[1:] in _FOOT:
            phase = t_s / step_s - (0.0 if name[0] == "L" else 0.5)
            swings = np.clip((phase % 1.0) / 0.4, 0, 1)
            smooth = swings**3 * (10 - 15 * swings + 6 * swings**2)
            angle = speed_rad_s * step_s * (np.floor(phase) + smooth)
            angle = angle + (0.0 if name[0] == "L" else speed_rad_s * step_s * 0.5) - 0.6
            points_m[:, number, 2] += 0.06 * np.sin(np.pi * swings) ** 2
        x, y = points_m[:, number, 0].copy(), points_m[:, number, 1].copy()
        points_m[:, number, 0] = np.cos(angle) * x - np.sin(angle) * y
        points_m[:, number, 1] = np.sin(angle) * x + np.cos(angle) * y
    return _with_knees(points_m)


def leg_swinging(t_s: F64) -> F64:
    """On the left leg, the right one to and fro by 35 cm, close to the floor."""
    points_m = standing(t_s)
    _feet(points_m, "R", 0.35 * np.sin(2 * np.pi * 0.8 * t_s), np.full(len(t_s), 0.05))
    return _with_knees(points_m)


def fused(truth_m: F64, rate_hz: float, noise_px: float = 0.0, seed: int = 0) -> list[Pose3D]:
    """What the live fusion makes of keypoints (T, 26, 3) that four cameras see."""
    rig = synthetic.ring(4)
    period_ns = round(1e9 / rate_hz)
    state, poses = fusion.FusionState(), list[Pose3D]()
    for message in synthetic.seen(
        rig, truth_m, noise_px=noise_px, seed=seed, period_ns=period_ns, start_ns=0
    ):
        state, done = fusion.step(state, message, rig, FusionConfig())
        poses += done
    return [pose for pose in poses + fusion.finish(state, rig, FusionConfig())[1] if pose.persons]


def with_gaps(truth_m: F64, share: float, longest: int, seed: int = 0) -> F64:
    """The same with feet that nobody sees now and then, for up to so many frames."""
    rng = np.random.default_rng(seed)
    points_m = truth_m.copy()
    for side in "LR":
        for start in np.flatnonzero(rng.random(len(points_m)) < share * 2 / (1 + longest)):
            gap = slice(start, start + rng.integers(1, longest + 1))
            for name in _FOOT:
                points_m[gap, _AT(side + name)] = np.nan
    return points_m


@dataclass(frozen=True, slots=True)
class Said:
    """What the live rule said of a recording."""

    events: tuple[GaitEvent, ...]
    told_ns: tuple[int, ...]
    """The instants that told the events."""
    walks: tuple[tuple[int, Walking | None], ...]
    """At each instant."""


def walk_through(poses: Sequence[Pose3D], config: GaitConfig = CONFIG) -> Said:
    """Run the rule over the first person of each pose."""
    state, events, told, walks = Gait(), list[GaitEvent](), list[int](), []
    for pose in poses:
        person = pose.persons[0]
        points_m = view(person, "keypoints_m").astype(float)
        velocity = view(person, "velocity_m_s").astype(float)
        state, found = gait.step(state, pose.t_ns, points_m, velocity, HALPE_26, config)
        events += found
        told += [pose.t_ns] * len(found)
        walks.append((pose.t_ns, walking.figures(state.strikes, pose.t_ns, config)))
    return Said(tuple(events), tuple(told), tuple(walks))


def forward_m(points_m: F64, name: str) -> F64:
    """Place (T,) of a keypoint before the pelvis, along the way the person faces."""
    across = points_m[:, _AT("LHip"), :2] - points_m[:, _AT("RHip"), :2]
    forward = np.stack([across[:, 1], -across[:, 0]], axis=-1)
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    pelvis = 0.5 * (points_m[:, _AT("LHip"), :2] + points_m[:, _AT("RHip"), :2])
    return ((points_m[:, _AT(name), :2] - pelvis) * forward).sum(axis=-1)


def turns_ns(fine_m: F64) -> dict[tuple[str, str], F64]:
    """When each foot turns, by kind and side, of keypoints at ``FINE_HZ``."""
    found = {}
    for side, letter in (("left", "L"), ("right", "R")):
        for kind, name, sign in (("heel strike", "Heel", 1), ("toe off", "BigToe", -1)):
            along = sign * forward_m(fine_m, letter + name)
            peaks = 1 + np.flatnonzero((along[1:-1] > along[:-2]) & (along[1:-1] >= along[2:]))
            found[kind, side] = peaks[along[peaks] > 0.1] * 1e9 / FINE_HZ
    return found


@dataclass(frozen=True, slots=True)
class Score:
    """Events against the truth."""

    n_true: int
    hits: int
    false: int
    error_ms: F64
    """Of the hits: found - true."""


def score(
    events: Sequence[GaitEvent],
    truth_ns: dict[tuple[str, str], F64],
    span_ns: tuple[float, float],
    most_ms: float = 150.0,
) -> Score:
    """Match events of a span, one to one, at most ``most_ms`` apart."""
    n_true = hits = false = 0
    errors = list[float]()
    for key, times_ns in truth_ns.items():
        found = [float(one.t_ns) for one in events if (one.kind, one.side) == key]
        wanted = [t for t in times_ns if span_ns[0] <= t <= span_ns[1]]
        n_true += len(wanted)
        for time_ns in wanted:
            nearest = min(found, key=lambda t: abs(t - time_ns), default=np.inf)
            if abs(nearest - time_ns) <= most_ms * 1e6:
                found.remove(nearest)
                hits += 1
                errors.append((nearest - time_ns) * 1e-6)
        near = [t for t in found if not any(abs(t - o) <= most_ms * 1e6 for o in times_ns)]
        false += sum(span_ns[0] <= t <= span_ns[1] for t in near)
    return Score(n_true, hits, false, np.array(errors))
