"""Body models from their files, read by another process: nothing of OpenSim comes in here."""

import tempfile
from pathlib import Path

import numpy as np

from core.kinematics import tree
from core.kinematics.tree import Tree
from tools import own_process


def load(osim: Path, markers: Path | None = None) -> Tree:
    """Read an .osim, and the markers of a set (.xml) into it; takes a second or two.

    Raises:
        ModelError: a file that cannot be read, or a part of the model that is not handled.
    """
    with tempfile.TemporaryDirectory(prefix="kinelive-") as folder:
        out = Path(folder) / "model.npz"
        save(osim, markers, out)
        return load_npz(out)


def save(osim: Path, markers: Path | None, out: Path) -> None:
    """Read an .osim into a file for ``load_npz``; errors as of ``load``."""
    chosen = () if markers is None else ("--markers", str(markers.resolve()))
    own_process.call("tools.opensim_model", str(osim.resolve()), str(out), *chosen)


def load_npz(path: Path) -> Tree:
    """Read what ``python -m tools.opensim_model`` wrote.

    Raises:
        ModelError: another version of kinelive wrote it.
    """
    with np.load(path) as arrays:
        return tree.unpack(dict(arrays))
