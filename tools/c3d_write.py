"""Marker trajectories as C3D, as a process of its own: millimetres, Z up.

``python -m tools.c3d_write POINTS.npz OUT.c3d``; ``tools.c3d_files.encode`` runs it. A missing
marker has residual -1: ezc3d would write 0, which says that it was measured exactly.

Trap: ezc3d and OpenSim must not be in one process. Both come out of SWIG and share its table of
types; with ezc3d loaded, OpenSim no longer knows its own lists of numbers.
"""

from pathlib import Path
from typing import Annotated

import ezc3d
import numpy as np
import tyro

from tools import own_process

_MISSING = -1.0


def main(
    points: Annotated[Path, tyro.conf.Positional], out: Annotated[Path, tyro.conf.Positional]
) -> int:
    """Write a .c3d.

    Args:
        points: points_m (T, M, 3) of a world with Z up, markers (M,), rate_hz, first_frame (.npz).
        out: file to write.
    """
    with np.load(points) as arrays:
        points_m, markers = arrays["points_m"], [str(name) for name in arrays["markers"]]
        rate_hz, first_frame = float(arrays["rate_hz"]), int(arrays["first_frame"])
    seen = np.isfinite(points_m.sum(axis=-1))  # (T, M)
    columns = np.ones((4, *seen.T.shape))
    columns[:3] = 1e3 * np.where(seen[..., None], points_m, 0.0).transpose(2, 1, 0)
    file = ezc3d.c3d()
    file["header"]["points"]["first_frame"] = first_frame
    point = file["parameters"]["POINT"]
    point["RATE"]["value"] = [rate_hz]
    point["UNITS"]["value"] = ["mm"]
    point["LABELS"]["value"] = markers
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Z"])
    file["data"]["points"] = columns
    file["data"]["meta_points"]["residuals"] = np.where(seen.T, 0.0, _MISSING)[None]
    file["data"]["meta_points"]["camera_masks"] = np.zeros((7, *seen.T.shape), dtype=bool)
    file.write(str(out))
    return 0


if __name__ == "__main__":
    own_process.run(main)
