"""Marker trajectories as C3D, written by another process (``tools.c3d_write`` says why)."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools import own_process

F64 = NDArray[np.float64]


def encode(points_m: F64, markers: Sequence[str], rate_hz: float, first_frame: int) -> bytes:
    """Bytes of a .c3d of points (T, M, 3) of a world with Z up, NaN where missing.

    Millimetres. Frames count from 1 in a C3D: ``first_frame`` 0 is its first.
    """
    with tempfile.TemporaryDirectory(prefix="kinelive-") as scratch:
        source, out = Path(scratch) / "points.npz", Path(scratch) / "points.c3d"
        with source.open("wb") as file:
            np.savez(
                file,
                points_m=points_m,
                markers=np.array(markers),
                rate_hz=rate_hz,
                first_frame=first_frame,
            )
        own_process.call("tools.c3d_write", str(source), str(out))
        return out.read_bytes()
