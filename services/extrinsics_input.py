"""What ``kinelive calibrate extrinsics`` takes in: pictures, measured points, balls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core import cameras
from core.calibration import outcome, point_files
from core.calibration.board import Board
from core.calibration.outcome import Solve, Unseen
from core.calibration.sights import Sight
from core.cameras import CameraModel
from core.errors import CalibrationError, ConfigError
from core.offline_people import Tell
from services import paired_pictures

Method = Literal["board", "static", "points", "wand", "ball"]
_WAND_M = (0.03, 3.0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read."""

    method: Method
    folder: Path | None
    """With the pictures."""
    board: Board | None
    points: Path | None
    """Measured points."""
    wand_m: tuple[float, ...]
    """Places of the balls along the wand; one for a single ball."""
    markers: Path | None
    """Balls that another program found."""
    cameras: tuple[str, ...]
    """Those to be found; empty: all."""
    lenses: Path


@dataclass(frozen=True, slots=True)
class Gathered:
    """What cameras saw, and how it is fitted."""

    sights: tuple[Sight, ...]
    unseen: tuple[Unseen, ...]
    says: str
    """How pictures belong together."""
    solve: Solve


def wand_of(text: str) -> tuple[float, ...]:
    """Read ``0,200,500`` millimetres; ConfigError for what is no wand."""
    try:
        places_m = np.array([1e-3 * float(one) for one in text.split(",")])
    except ValueError:
        places_m = np.zeros(1)
    ordered = len(places_m) > 1 and places_m[0] == 0 and bool((np.diff(places_m) > 0).all())
    if not ordered or not _WAND_M[0] < places_m[-1] < _WAND_M[1]:
        raise ConfigError(
            f"--wand-mm {text or '(not given)'}: places of two balls or more along the wand in "
            "millimetres, such as 0,200,500"
        )
    return tuple(places_m.tolist())


def gather(wanted: Wanted, models: Mapping[str, CameraModel], tell: Tell) -> Gathered:
    """Find the boards or balls in the pictures, and read the files of points.

    Raises:
        KineliveError: something is missing, cannot be read, or is not what was said.
    """
    scene = _scene(wanted.points) if wanted.points else []
    if wanted.method in ("wand", "ball"):
        return _balls(wanted, models, tell)
    if wanted.method == "points" and not scene:
        raise ConfigError("--method points needs --points FILE")
    if wanted.folder is None:
        if not scene:
            raise ConfigError("no DIR with pictures; only --points and --markers need none")
        solve = outcome.with_boards(np.eye(3, 4)[None])
        return Gathered(_of(scene, wanted.cameras), (), "measured points", solve)
    return _boards(wanted, wanted.folder, scene, models, tell)


def _boards(
    wanted: Wanted,
    folder: Path,
    scene: Sequence[Sight],
    models: Mapping[str, CameraModel],
    tell: Tell,
) -> Gathered:
    board = wanted.board
    if board is None:
        raise ConfigError("--board: inner corners across x down, such as 4x7")
    still = wanted.method == "static"
    if still and len(board.turns) > 1:
        raise ConfigError(
            f"a board of {board} looks the same from its other end, so that one view of it does "
            "not tell where cameras are: use one with an odd and an even number of corners, or a "
            "ChArUco board, or carry it about"
        )
    found = paired_pictures.sources(folder, wanted.cameras)
    names = [one.camera for one in found]
    cameras.select(models, names, str(wanted.lenses))
    seen = paired_pictures.boards_in(found, board, models, tell, still=still)
    sights = (*seen.sights, *_of(scene, names))
    return Gathered(sights, seen.unseen, seen.paired_by, outcome.with_boards(board.quarter_turns))


def _balls(wanted: Wanted, models: Mapping[str, CameraModel], tell: Tell) -> Gathered:
    places_m = np.array(wanted.wand_m)
    if wanted.markers:
        name = wanted.markers.name
        sights = _read(wanted.markers, lambda text: point_files.balls(text, places_m))
        return Gathered(_of(sights, wanted.cameras), (), f"frames of {name}", outcome.with_balls)
    if wanted.folder is None:
        raise ConfigError("no DIR with pictures of it, nor --markers FILE")
    found = paired_pictures.sources(wanted.folder, wanted.cameras)
    cameras.select(models, [one.camera for one in found], str(wanted.lenses))
    seen = paired_pictures.balls_in(found, places_m, models, tell)
    return Gathered(seen.sights, seen.unseen, seen.paired_by, outcome.with_balls)


def _of(sights: Sequence[Sight], cameras: Sequence[str]) -> tuple[Sight, ...]:
    return tuple(one for one in sights if not cameras or one.camera in cameras)


def _scene(path: Path) -> list[Sight]:
    is_csv = path.suffix.lower() == ".csv"
    return _read(path, lambda text: point_files.scene(text, is_csv=is_csv))


def _read(path: Path, parse: Callable[[str], list[Sight]]) -> list[Sight]:
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: cannot be read: {error}") from error
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
