"""Coordinates over time as OpenSim's .mot: values to text and back.

Angles in degrees, shifts in metres. Trap: OpenSim leaves coordinates whose motion it calls coupled
(such as the muscle model's knee_angle_r_beta) in radians in a file that says inDegrees=yes, and
reads them so; both directions here do the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import SessionError
from core.kinematics.tree import ROTATIONAL, Tree

F64 = NDArray[np.float64]

_HEAD_END = "endheader"


@dataclass(frozen=True, slots=True, eq=False)
class Mot:
    """A table over time, with the numbers as they stand in the file."""

    columns: tuple[str, ...]
    """Without time."""
    times_s: F64  # (T,)
    values: F64  # (T, columns)
    in_degrees: bool
    name: str = "Coordinates"


def of_coordinates(tree: Tree, times_s: F64, coordinates: F64) -> Mot:
    """All coordinates (T, Q) of a model, rad and m."""
    return Mot(tree.coordinates, times_s, coordinates * _written_per_unit(tree), in_degrees=True)


def to_coordinates(mot: Mot, tree: Tree) -> F64:
    """Coordinates (T, Q) of a model, rad and m; those that the file lacks have default values."""
    out = np.tile(tree.default, (len(mot.times_s), 1))
    factor = 1.0 / _written_per_unit(tree) if mot.in_degrees else np.ones(len(tree.coordinates))
    for c, name in enumerate(tree.coordinates):
        if name in mot.columns:
            out[:, c] = factor[c] * mot.values[:, mot.columns.index(name)]
    return out


def _written_per_unit(tree: Tree) -> F64:
    return np.where(tree.coordinate_kind == ROTATIONAL, np.rad2deg(1.0), 1.0)


def write(mot: Mot) -> str:
    """Text of a .mot; the numbers read back to the last bit."""
    lines = [
        mot.name,
        "version=1",
        f"nRows={len(mot.times_s)}",
        f"nColumns={len(mot.columns) + 1}",
        f"inDegrees={'yes' if mot.in_degrees else 'no'}",
        "",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "If the header above contains a line with 'inDegrees', this indicates whether rotational"
        " values are in degrees (yes) or radians (no).",
        "",
        _HEAD_END,
        "\t".join(("time", *mot.columns)),
    ]
    for time_s, row in zip(mot.times_s.tolist(), mot.values.tolist(), strict=True):
        lines.append("\t".join(map(repr, (time_s, *row))))
    return "\n".join(lines) + "\n"


def parse(text: str) -> Mot:
    """Read a .mot or .sto.

    Raises:
        SessionError: not such a file, or rows that do not fit its columns.
    """
    lines = text.splitlines()
    try:
        end = next(i for i, line in enumerate(lines) if line.strip().lower() == _HEAD_END)
        head = {line.strip().replace(" ", "").lower() for line in lines[:end]}
        labels = lines[end + 1].split()
        rows = [_numbers(line, labels) for line in lines[end + 2 :] if line.strip()]
    except (StopIteration, IndexError, ValueError) as error:
        raise SessionError(f"not a .mot: {str(error) or 'it has no endheader'}") from error
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(labels))
    return Mot(
        tuple(labels[1:]), table[:, 0], table[:, 1:], "indegrees=yes" in head, lines[0].strip()
    )


def _numbers(line: str, labels: Sequence[str]) -> list[float]:
    cells = [float(cell) for cell in line.split()]
    if len(cells) != len(labels):
        raise ValueError(f"a row of {len(cells)} numbers below {len(labels)} columns")
    return cells
