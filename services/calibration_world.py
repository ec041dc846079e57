"""Which world found cameras are put into, as said on the command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.calibration import people, place, scale, scratch, world
from core.calibration.extrinsics import Fitted
from core.calibration.point_files import SCENE
from core.calibration.world import Frame
from core.cameras import Rig
from core.errors import CalibrationError, ConfigError
from services import calibration_files, recordings
from services.photo_pairs import STILL

F64 = NDArray[np.float64]
KINDS = "board, first-camera, points, keep=Calib.toml or person=PROJECT"
_N_NAMED = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    world: str = ""
    floor_view: str = ""
    up: str = ""
    scale: str = scale.KEEP
    has_boards: bool = True
    is_sized: bool = True
    """Whether what was seen has a known size; a single ball has none."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A world, and what standard deviations are relative to."""

    frame: Frame
    relative: Frame | None = None
    warning: str = ""


def require_sensible(asked: Asked) -> None:
    """Say so before any picture is read where it cannot be honoured.

    Raises:
        ConfigError: it cannot.
    """
    kind, _, rest = asked.world.partition("=")
    known = ("", "board", "first-camera", "points", "keep", "person")
    if kind not in known or bool(rest) != (kind in ("keep", "person")):
        raise ConfigError(f"--world {asked.world}: {KINDS}")
    if (kind == "board" or asked.floor_view) and not asked.has_boards:
        raise ConfigError("--world board and --floor-view need a board that lies on the floor")
    if asked.floor_view and kind not in ("", "board"):
        raise ConfigError("--floor-view names the view for --world board; leave one of them out")
    if asked.up:
        _up(asked.up)
        if kind not in ("", "first-camera", "keep") or asked.floor_view:
            raise ConfigError("--up goes with --world first-camera or keep; others have their own")
    known_size = scale.parse(asked.scale)
    if known_size.is_kept != asked.is_sized and kind != "keep":
        raise ConfigError(
            "--scale: a board, points or a wand have a size of their own"
            if asked.is_sized
            else "a single ball tells no size: --scale baseline=CAMERA-CAMERA=M, or --world keep=…"
        )
    if not known_size.is_kept and not known_size.cameras:
        raise ConfigError("--scale: of a ball baseline=CAMERA-CAMERA=M only, in metres")


def _up(text: str) -> tuple[str, F64]:
    name, _, numbers = text.rpartition("=")
    try:
        up = np.array([float(one) for one in numbers.split(",")])
    except ValueError:
        up = np.empty(0)
    if not name or up.shape != (3,) or not np.linalg.norm(up) > 0 or not np.isfinite(up).all():
        raise ConfigError(
            f"--up {text}: CAMERA=X,Y,Z, where up is as that camera sees it: right, down, forward; "
            "a level camera has 0,-1,0"
        )
    return name, up


def frame(asked: Asked, fitted: Fitted) -> Placed:
    """The world that was asked for, or the one that what was seen suggests.

    Raises:
        KineliveError: it cannot be had of what was seen; says why.
    """
    kind, _, rest = asked.world.partition("=")
    bodies = {one.body for one in fitted.used}
    if not kind:
        board = asked.floor_view or STILL in bodies
        kind = "points" if SCENE in bodies else "board" if board else "first-camera"
    if kind == "points":
        if SCENE not in bodies:
            raise ConfigError("--world points: no measured points are given (--points FILE)")
        return Placed(world.on_body(fitted, SCENE, lying=False))
    if kind == "board":
        return Placed(world.on_body(fitted, _floor(asked.floor_view, fitted), lying=True))
    relative = world.whole(fitted)
    if kind == "person":
        return Placed(_under_person(Path(rest), fitted.scene.rig), relative)
    if kind == "keep":
        kept = _as_before(Path(rest), fitted.scene.rig, sized=not asked.is_sized)
        relative = kept if kept.size_free else relative
        return Placed(_upright(kept, asked, fitted), relative)
    return _on_first(asked, fitted)


def _on_first(asked: Asked, fitted: Fitted) -> Placed:
    name = fitted.scene.rig.names[0]
    first = world.on_camera(name)
    if asked.up:
        by, up = _up(asked.up)
        first = world.on_camera(name, up) if by == name else _upright(first, asked, fitted)
    known = scale.parse(asked.scale)
    if known.cameras:
        first = _sized(first, known)
    relative = None if asked.up == "" else _sized_like(first, world.on_camera(name))
    warning = (
        "" if asked.up else f"the floor is not known: the world is {name}'s, taken as level. Use "
        "--floor-view with a board on the floor, --world points, person=PROJECT or keep=Calib.toml"
    )  # fmt: skip
    return Placed(first, relative, warning)


def _sized(first: Frame, known: scale.Scale) -> Frame:
    def put(rig: Rig) -> Rig:
        return scale.on_baseline(first.put(rig), known)

    return Frame(f"{first.says}, {known}", put, size_free=True)


def _sized_like(first: Frame, plain: Frame) -> Frame:
    return first if first.size_free else plain


def _upright(there: Frame, asked: Asked, fitted: Fitted) -> Frame:
    if not asked.up:
        return there
    name, up = _up(asked.up)
    if name not in fitted.scene.rig.names:
        raise ConfigError(f"--up: no camera {name}; these are {', '.join(fitted.scene.rig.names)}")
    return world.turned_up(there, name, up)


def _floor(asked: str, fitted: Fitted) -> str:
    """The body of a view that is named by its instant, number or picture."""
    bodies = list(dict.fromkeys(one.body for one in fitted.used if one.body != SCENE))
    if not asked and STILL in bodies:
        return STILL
    named: dict[str, str] = {}
    for one in fitted.judged:
        if one.sight.body != SCENE:
            for word in (one.sight.body, one.sight.picture, _number(one.sight.body)):
                named.setdefault(word, one.sight.body)
    if asked not in named and _number(asked) not in named:
        some = ", ".join(bodies[:_N_NAMED]) + (" …" if len(bodies) > _N_NAMED else "")
        raise ConfigError(
            f"--floor-view {asked or '(not given)'}: the view in which the board lies on the "
            f"floor, one of {some}"
        )
    return named.get(asked) or named[_number(asked)]


def _number(text: str) -> str:
    numbers = re.findall(r"\d+", text)
    return str(int(numbers[-1])) if numbers else text


def _as_before(path: Path, rig: Rig, *, sized: bool) -> Frame:
    models = calibration_files.read(path)
    names = [name for name in rig.names if name in models]
    if len(names) < 2:
        raise CalibrationError(
            f"{path}: has {', '.join(models)}; two at least of {', '.join(rig.names)} are needed"
        )
    before = Rig.of([models[name] for name in names])
    apart_m = np.linalg.norm(np.diff(place.centre_m(before.cam_from_world), axis=0), axis=1).max()
    if not apart_m > 0:
        raise CalibrationError(f"{path}: all its cameras are at one place: it has lenses only")
    return world.like(before, sized=sized)


def _under_person(path: Path, rig: Rig) -> Frame:
    """z is the mean up of whoever stands or walks there, the floor where the feet are."""
    recording = recordings.load(path).recording
    names: Sequence[str] = recording.rig.names
    if missing := [name for name in rig.names if name not in names]:
        raise CalibrationError(f"{path}: no keypoints of {', '.join(missing)}")
    order = [names.index(name) for name in rig.names]
    likelihood = np.where(recording.likelihood >= people.MIN_LIKELIHOOD, recording.likelihood, 0.0)
    likelihood[:, :, list(recording.derived)] = 0.0
    points_px, weight = recording.points_px[:, order], likelihood[:, order]

    def put(there: Rig) -> Rig:
        points_m = scratch.triangulated(there, points_px, weight)
        return scratch.upright(there, points_m, recording.skeleton)

    return Frame(f"the person of {path.name}", put)
