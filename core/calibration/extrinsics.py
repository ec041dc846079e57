"""Where cameras are, from rigid bodies that several of them saw at the same time.

Boards, measured scenes and wands are all bodies: first poses come from ``graph`` or ``markers``,
then all cameras and bodies are adjusted at once, and what does not agree is left out and named. The
lenses are taken as they are given. Where the whole lies in the world comes after: ``world``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.calibration import graph, poses, rigid
from core.calibration.place import with_poses
from core.calibration.point_files import SCENE
from core.calibration.poses import Guesses
from core.calibration.rigid import Pixels, Scene
from core.calibration.sights import Judged, Sight, pixels_of, rms
from core.cameras import Rig, project

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
ALONE = "no other camera saw it at the same time"
LEFT = "what the other cameras saw of it was left out"
_FAR, _SPREADS, _LEAST_PX = 2.5, 5.0, 0.15
_MAD = 1.4826
_EXACT_PX = 1e-3
_FIRST_SOFT_PX, _SOFT = 3.0, 3.0
_MOST_ROUNDS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Cameras and bodies, about right."""

    rig: Rig
    world_from_body: Mapping[str, F64]  # (3, 4) each
    sights: tuple[Sight, ...]
    """The points of a body that looks the same from its other end are numbered alike here."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Cameras and bodies that agree, in no world yet."""

    scene: Scene
    bodies: tuple[str, ...]
    judged: tuple[Judged, ...]
    alone_px: Mapping[str, float]
    """By camera: median error of what it saw where each body is placed by itself, NaN unknown."""

    @property
    def used(self) -> tuple[Sight, ...]:
        """What the fit rests on."""
        return tuple(one.sight for one in self.judged if one.used)

    @property
    def pixels(self) -> Pixels:
        """All points of it."""
        weight = np.array([one.weight for one in self.judged if one.used])
        return pixels_of(self.used, self.scene.rig.names, self.bodies, weight)[0]

    def of(self, camera: str) -> list[Judged]:
        """What a camera saw."""
        return [one for one in self.judged if one.sight.camera == camera]

    def rms_px(self, camera: str = "") -> float:
        """Of a camera, or of all: seen to reprojected, in what was used; NaN where nothing was."""
        off = [
            one.reprojected_px - one.sight.seen_px
            for one in self.judged
            if one.used and camera in ("", one.sight.camera)
        ]
        return rms(np.concatenate(off)) if off else np.nan


def guessed(sights: Sequence[Sight], lenses: Rig, turns: F64) -> dict[tuple[str, str], Guesses]:
    """Where each camera may be to each body, by camera and body."""
    groups: dict[tuple[str, str], list[Sight]] = {}
    for one in sights:
        groups.setdefault((one.camera, one.body), []).append(one)
    found = {where: poses.guesses(group, lenses, turns) for where, group in groups.items()}
    return {where: guess for where, guess in found.items() if guess is not None}


def start(sights: Sequence[Sight], lenses: Rig, turns: F64) -> Start:
    """Place cameras and bodies roughly, by what each camera saw of each body.

    Args:
        sights: of boards and measured scenes; four points at least of a body in a camera.
        lenses: C cameras of which only the lenses count.
        turns: (T, 3, 4) of a body after which it looks the same, the first one none at all.

    Raises:
        CalibrationError: cameras that saw nothing together with the others.
    """
    seen = guessed(sights, lenses, turns)
    by_camera = graph.tree(seen, lenses.names)
    kept = [one for one in sights if (one.camera, one.body) in seen]
    begun = _begun(kept, seen, by_camera, lenses, turns)
    by_camera = dict(zip(lenses.names, begun.rig.cam_from_world, strict=True))
    return _begun(kept, seen, by_camera, lenses, turns)  # again, with better cameras


def _begun(
    sights: Sequence[Sight],
    seen: Mapping[tuple[str, str], Guesses],
    by_camera: Mapping[str, F64],
    lenses: Rig,
    turns: F64,
) -> Start:
    bodies = graph.body_poses(seen, by_camera)
    turned = [_turned(one, seen, by_camera, bodies, turns) for one in sights]
    rig = with_poses(lenses, np.stack([by_camera[name] for name in lenses.names]))
    scene = Scene(rig, np.stack(list(bodies.values())))
    pixels = pixels_of(turned, lenses.names, tuple(bodies))[0]
    done = rigid.adjust(scene, pixels, soft_px=_FIRST_SOFT_PX)
    return Start(done.rig, dict(zip(bodies, done.world_from_body, strict=True)), tuple(turned))


def _turned(
    sight: Sight,
    seen: Mapping[tuple[str, str], Guesses],
    cam_from_world: Mapping[str, F64],
    bodies: Mapping[str, F64],
    turns: F64,
) -> Sight:
    """The same points as they are numbered on the body as the others see it."""
    if len(turns) == 1:
        return sight
    there = poses.joined(cam_from_world[sight.camera], bodies[sight.body])
    number = graph.nearest_turn(there, seen[sight.camera, sight.body])
    if number == 0:
        return sight
    return replace(sight, local_m=poses.placed(poses.inverse(turns[number]), sight.local_m))


def fit(begun: Start, alone_px: Mapping[str, float] | None = None) -> Fitted:
    """Adjust all at once, and leave out what does not agree, the worst of each body first."""
    names, cameras = tuple(begun.world_from_body), begun.rig.names
    scene = Scene(begun.rig, np.stack([begun.world_from_body[name] for name in names]))
    sights = begun.sights
    why = np.array([""] * len(sights), dtype=object)
    _leave_lonely(sights, why, ALONE, several=len(cameras) > 1)
    kind = np.array([one.body == SCENE for one in sights])
    soft_px, sd_px = _FIRST_SOFT_PX, np.ones(len(sights))
    for _ in range(_MOST_ROUNDS):
        used = why == ""
        kept = [one for one, is_used in zip(sights, used, strict=True) if is_used]
        pixels, owner = pixels_of(kept, cameras, names, (sd_px.min() / sd_px[used]) ** 2)
        scene = rigid.adjust(scene, pixels, soft_px=soft_px)
        error_px = np.full(len(sights), np.nan)
        error_px[used] = _each_px(rigid.errors_px(scene, pixels), owner, len(kept))
        sd_px = _typical_px(error_px, kind)
        soft_px = max(rigid.SOFT_PX, _SOFT * float(sd_px.min()))
        if not _leave_worst(sights, error_px, kind, why):
            break
        _leave_lonely(sights, why, LEFT, several=len(cameras) > 1)
    weight = (sd_px.min() / sd_px) ** 2
    judged = _judged(scene, names, sights, why, weight)
    return Fitted(scene, names, judged, alone_px or dict.fromkeys(cameras, np.nan))


def _each_px(off_px: F64, owner: NDArray[np.intp], count: int) -> F64:
    square = np.bincount(owner, (off_px**2).sum(axis=1), count)
    return np.sqrt(square / np.bincount(owner, minlength=count))


def _typical_px(error_px: F64, kind: Flags) -> F64:
    """Of each sight (n,): the median of its kind; hand-marked points scatter more than corners."""
    out = np.full(len(error_px), np.nan)
    for mine in (kind, ~kind):
        some = error_px[mine & np.isfinite(error_px)]
        out[mine] = max(float(np.median(some)), _EXACT_PX) if len(some) else np.nan
    return np.where(np.isfinite(out), out, np.nanmin(out))


def _leave_worst(
    sights: Sequence[Sight], error_px: F64, kind: Flags, why: NDArray[np.object_]
) -> bool:
    """Note why the worst sight of each body is left out, if it is far from the others."""
    worst: dict[str, int] = {}
    typical_px = _typical_px(error_px, kind)
    for mine in (kind, ~kind):
        rows = np.flatnonzero((why == "") & mine)
        if not len(rows):
            continue
        middle_px = float(np.median(error_px[rows]))
        spread_px = _MAD * float(np.median(np.abs(error_px[rows] - middle_px)))
        limit_px = max(_FAR * middle_px, middle_px + _SPREADS * spread_px, _LEAST_PX)
        for number in rows[error_px[rows] > limit_px].tolist():
            body = sights[number].body
            if body not in worst or error_px[number] > error_px[worst[body]]:
                worst[body] = number
    for number in worst.values():
        why[number] = f"{error_px[number]:.2f} px off, the others {typical_px[number]:.2f}"
    return bool(worst)


def _leave_lonely(
    sights: Sequence[Sight], why: NDArray[np.object_], says: str, *, several: bool
) -> None:
    """A body that one camera sees says nothing of where the others are."""
    cameras: dict[str, set[str]] = {}
    for number in np.flatnonzero(why == "").tolist():
        cameras.setdefault(sights[number].body, set()).add(sights[number].camera)
    for number in np.flatnonzero(why == "").tolist():
        if several and len(cameras[sights[number].body]) < 2:
            why[number] = says


def _judged(
    scene: Scene,
    bodies: Sequence[str],
    sights: Sequence[Sight],
    why: NDArray[np.object_],
    weight: F64,
) -> tuple[Judged, ...]:
    has_place = {one.body for one, reason in zip(sights, why, strict=True) if reason == ""}
    out = []
    for one, reason, counts in zip(sights, why, weight.tolist(), strict=True):
        there_px = np.full_like(one.seen_px, np.nan)
        if one.body in has_place:
            points_m = poses.placed(scene.world_from_body[bodies.index(one.body)], one.local_m)
            there_px = project(scene.rig, points_m)[scene.rig.index(one.camera)]
        out.append(Judged(one, there_px, reason == "", str(reason), counts))
    return tuple(out)


def alone_px(sights: Sequence[Sight], lenses: Rig) -> dict[str, float]:
    """Median error of what each camera saw, each body placed for itself; NaN where none can be."""
    same = np.eye(3, 4)[None]
    found = guessed(sights, lenses, same)
    each = {
        name: [guess.error_px[0] for (camera, _), guess in found.items() if camera == name]
        for name in lenses.names
    }
    return {name: float(np.median(errors)) if errors else np.nan for name, errors in each.items()}
