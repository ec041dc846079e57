"""A .c3d as ezc3d reads it, for tests: in a process of its own, for OpenSim is in theirs."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

_CODE = """
import sys, ezc3d, numpy as np
file = ezc3d.c3d(sys.argv[1])
point = file["parameters"]["POINT"]
np.savez(
    sys.argv[2],
    points_mm=file["data"]["points"][:3].transpose(2, 1, 0),
    residuals=file["data"]["meta_points"]["residuals"][0].T,
    labels=np.array(point["LABELS"]["value"]),
    rate_hz=point["RATE"]["value"][0],
    said=np.array([point[name]["value"][0] for name in ("UNITS", "X_SCREEN", "Y_SCREEN")]),
    first_frame=file["header"]["points"]["first_frame"],
)
"""


def read(path: Path) -> dict[str, Any]:
    """points_mm (T, M, 3), residuals (T, M), labels, rate_hz, said (unit, axes), first_frame."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "read.npz"
        subprocess.run([sys.executable, "-c", _CODE, str(path), str(out)], check=True)
        with np.load(out) as arrays:
            return dict(arrays)
