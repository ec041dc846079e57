"""Marker trajectories as OpenSim's .trc: arrays to text and back.

A trc has Y up: its columns X, Y, Z are Y, Z, X of a world with Z up, as Pose2Sim writes them. A
missing marker is an empty cell, at the end of a row NaN. Numbers are written so that they read back
to the last bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import SessionError

F64 = NDArray[np.float64]

_TRC_FROM_WORLD = (1, 2, 0)
_WORLD_FROM_TRC = (2, 0, 1)
_N_HEADER_LINES = 5
_METRES = {"m": 1.0, "mm": 0.001}


@dataclass(frozen=True, slots=True, eq=False)
class Trc:
    """Markers over time, in the trc's own axes."""

    markers: tuple[str, ...]
    rate_hz: float
    frames: NDArray[np.int64]  # (T,)
    times_s: F64  # (T,)
    points_m: F64  # (T, M, 3), Y up, NaN where missing


def from_world(points_m: F64) -> F64:
    """Coordinates (..., 3) of a world with Z up to those of a trc."""
    return points_m[..., _TRC_FROM_WORLD]


def to_world(points_m: F64) -> F64:
    """Coordinates (..., 3) of a trc to those of a world with Z up."""
    return points_m[..., _WORLD_FROM_TRC]


def of_world(
    points_m: F64, markers: tuple[str, ...], rate_hz: float, frames: NDArray[np.int64]
) -> Trc:
    """Trajectories (T, M, 3) of a world with Z up as a trc; time is frame / rate."""
    return Trc(markers, rate_hz, frames, frames / rate_hz, from_world(points_m))


def write(trc: Trc, file_name: str) -> str:
    """Text of a .trc that is to be kept under ``file_name``; unit metre."""
    n_frames, n_markers = trc.points_m.shape[:2]
    rate = f"{trc.rate_hz:.10g}"
    first = trc.frames[0] if n_frames else 0
    names = "\t\t\t".join(trc.markers)
    axes = "\t".join(f"{axis}{number + 1}" for number in range(n_markers) for axis in "XYZ")
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{file_name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits"
        "\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{n_frames}\t{n_markers}\tm\t{rate}\t{first}\t{n_frames}",
        f"Frame#\tTime\t{names}\t\t",
        f"\t\t{axes}",
    ]
    rows = trc.points_m.reshape(n_frames, -1).tolist()
    for frame, time_s, row in zip(trc.frames.tolist(), trc.times_s.tolist(), rows, strict=True):
        lines.append("\t".join([str(frame), repr(time_s), *_cells(row)]))
    return "\n".join(lines) + "\n"


def _cells(row: list[float]) -> list[str]:
    """Empty where missing, but for the last marker: OpenSim's reader counts no empty last cell."""
    cells = ["" if np.isnan(value) else repr(value) for value in row]
    if cells and not cells[-1]:
        cells[-3:] = ["NaN"] * 3
    return cells


def parse(text: str) -> Trc:
    """Read a .trc; frames and times as they are written, lengths to metres.

    Raises:
        SessionError: not a .trc, or not the columns that its head promises.
    """
    lines = text.splitlines()
    try:
        rates = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
        markers = tuple(name for name in lines[3].split("\t")[2:] if name.strip())
        rows = [line for line in lines[_N_HEADER_LINES:] if line.strip()]
        table = np.array([_numbers(row, 2 + 3 * len(markers)) for row in rows])
        table = table.reshape(len(rows), 2 + 3 * len(markers))
        scale = _METRES[rates["Units"]]
        rate_hz = float(rates["DataRate"])
    except (IndexError, KeyError, ValueError) as error:
        raise SessionError(f"not a .trc: {type(error).__name__} {error}") from error
    points_m = scale * table[:, 2:].reshape(len(rows), len(markers), 3)
    return Trc(markers, rate_hz, table[:, 0].astype(np.int64), table[:, 1], points_m)


def _numbers(row: str, n_columns: int) -> list[float]:
    cells = row.split("\t")[:n_columns]
    cells += [""] * (n_columns - len(cells))  # empty cells at the end may be left out
    return [float(cell) if cell.strip() else np.nan for cell in cells]
