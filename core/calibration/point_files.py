"""Points that somebody measured or detected, in files: a scene's, and those of balls.

A scene, as TOML: ``[points]`` with metres, and a table of each camera with pixels::

    [points]
    corner = [0.0, 0.0, 0.0]
    [cam01]
    corner = [812.4, 640.2]

or as CSV with the columns ``point, x_m, y_m, z_m, camera, x_px, y_px``, a row for each point and
camera. Balls, as CSV: ``frame, camera, marker, x_px, y_px``, markers counted from 0 in the order
they have on the wand. The centre of the first pixel is (0, 0).
"""

import csv
import io
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.calibration.sights import Sight
from core.errors import CalibrationError

F64 = NDArray[np.float64]
SCENE = "the scene"
_SCENE_COLUMNS = ("point", "x_m", "y_m", "z_m", "camera", "x_px", "y_px")
_BALL_COLUMNS = ("frame", "camera", "marker", "x_px", "y_px")
_LEAST_POINTS = 4
_FARTHEST_M = 200.0


def scene(text: str, *, is_csv: bool) -> list[Sight]:
    """Measured points as cameras saw them, a sight for each point and camera.

    Raises:
        CalibrationError: not as said above, fewer than four points in a camera, or no metres.
    """
    points_m, pixels = _scene_csv(text) if is_csv else _scene_toml(text)
    _require_metres(points_m)
    out = list[Sight]()
    for camera, seen in pixels.items():
        if unknown := [name for name in seen if name not in points_m]:
            raise CalibrationError(f"{camera}: no metres are given of {', '.join(unknown)}")
        if len(seen) < _LEAST_POINTS:
            raise CalibrationError(
                f"{camera}: {len(seen)} points; {_LEAST_POINTS} are the least, six that are not "
                "all on one plane are better"
            )
        rows = [np.array([points_m[name]]) for name in seen]
        if np.linalg.matrix_rank(np.concatenate(rows) - rows[0], tol=1e-6) < 2:
            raise CalibrationError(f"{camera}: its points lie on one line, which tells no place")
        for name, place_m, place_px in zip(seen, rows, seen.values(), strict=True):
            out.append(Sight(camera, SCENE, name, place_m, np.array([place_px])))
    return out


def _scene_toml(text: str) -> tuple[dict[str, list[float]], dict[str, dict[str, list[float]]]]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalibrationError(f"not TOML: {error}") from error
    if not isinstance(tables.get("points"), dict):
        raise CalibrationError("no table [points] with the metres of each point")
    points_m = {name: _numbers(f"points.{name}", at, 3) for name, at in tables["points"].items()}
    pixels = {
        camera: {name: _numbers(f"{camera}.{name}", at, 2) for name, at in seen.items()}
        for camera, seen in tables.items()
        if camera != "points" and isinstance(seen, dict)
    }
    if not pixels:
        raise CalibrationError("no table of a camera, such as [cam01], with pixels of each point")
    return points_m, pixels


def _numbers(where: str, given: Any, count: int) -> list[float]:
    is_list = isinstance(given, Sequence) and not isinstance(given, str) and len(given) == count
    if is_list and all(isinstance(one, int | float) and math.isfinite(one) for one in given):
        return [float(one) for one in given]
    raise CalibrationError(f"{where}: {count} numbers are expected")


def _scene_csv(text: str) -> tuple[dict[str, list[float]], dict[str, dict[str, list[float]]]]:
    points_m: dict[str, list[float]] = {}
    pixels: dict[str, dict[str, list[float]]] = {}
    for line, row in _rows(text, _SCENE_COLUMNS):
        name = row["point"]
        place_m = [_number(line, row, column) for column in ("x_m", "y_m", "z_m")]
        if points_m.setdefault(name, place_m) != place_m:
            raise CalibrationError(f"line {line}: {name} has other metres above")
        place_px = [_number(line, row, column) for column in ("x_px", "y_px")]
        pixels.setdefault(row["camera"], {})[name] = place_px
    return points_m, pixels


def _require_metres(points_m: Mapping[str, Sequence[float]]) -> None:
    places = np.array(list(points_m.values()))
    if len(places) and np.ptp(places, axis=0).max() > _FARTHEST_M:
        raise CalibrationError(
            f"points {np.ptp(places, axis=0).max():.0f} m apart: in mm or cm? metres are expected"
        )


def balls(text: str, places_m: F64) -> list[Sight]:
    """Balls that another program detected, a sight for each frame and camera.

    Args:
        text: of the CSV.
        places_m: (n,) of the balls along the wand; one for a single ball.

    Raises:
        CalibrationError: not as said above, or a marker that the wand has not.
    """
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    for line, row in _rows(text, _BALL_COLUMNS):
        marker = int(_number(line, row, "marker"))
        if not 0 <= marker < len(places_m):
            raise CalibrationError(
                f"line {line}: marker {marker}, but the wand has 0 to {len(places_m) - 1}"
            )
        at = [_number(line, row, column) for column in ("x_px", "y_px")]
        found.setdefault((row["frame"], row["camera"]), {})[marker] = at
    return [
        ball_sight(camera, frame, frame, places_m[list(seen)], np.array(list(seen.values())))
        for (frame, camera), seen in found.items()
    ]


def ball_sight(camera: str, body: str, picture: str, places_m: F64, seen_px: F64) -> Sight:
    """What a camera saw of balls (n,) along a wand at (n, 2)."""
    local_m = np.column_stack([places_m, np.zeros((len(places_m), 2))])
    return Sight(camera, body, picture, local_m, seen_px)


def _rows(text: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    given = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = given
    if missing := [name for name in columns if name not in given]:
        raise CalibrationError(
            f"no column {', '.join(missing)}; the first line must be {','.join(columns)}"
        )
    for row in reader:
        if any(row[name] is None for name in columns):
            raise CalibrationError(f"line {reader.line_num}: too short")
        yield reader.line_num, {name: row[name].strip() for name in columns}


def _number(line: int, row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CalibrationError(f"line {line}: {column} is {row[column]!r}, no number")
    return value
