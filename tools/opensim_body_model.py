"""Read a body model and what scales it into one file of arrays, as a process of its own.

``python -m tools.opensim_body_model MODEL.osim SETUP.xml OUT.npz [--markers SET.xml]``;
``tools.body_models`` runs that.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from core.errors import ModelError
from core.kinematics import body_model
from core.kinematics.body_model import BodyModel
from core.kinematics.scaling import Measurement
from tools import own_process
from tools.opensim_model import read_model
from tools.quiet_opensim import opensim


def read_measurements(setup: Path) -> tuple[Measurement, ...]:
    """The measurements of a ScaleTool set-up that are to be applied.

    Raises:
        ModelError: a file that is not there, or not such a set-up, or without measurements.
    """
    if not setup.is_file():
        raise ModelError(f"{setup}: no such file")
    try:
        tool = opensim.ScaleTool(str(setup))  # trap: what it gives dies with it
        found = tool.getModelScaler().getMeasurementSet()
        each = [found.get(i) for i in range(found.getSize())]
        read = tuple(_measurement(one) for one in each if one.getApply())
    except RuntimeError as error:
        said = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise ModelError(f"{setup}: OpenSim cannot use it: {said}") from error
    if not read:
        raise ModelError(f"{setup}: no measurements in it; give a ScaleTool set-up")
    return read


def _measurement(measurement: Any) -> Measurement:
    pairs = [measurement.getMarkerPair(i) for i in range(measurement.getNumMarkerPairs())]
    scaled = measurement.getBodyScaleSet()
    bodies: list[tuple[str, str]] = []
    for i in range(scaled.getSize()):
        axes = scaled.get(i).getAxisNames()
        along = "".join(axes.get(k) for k in range(axes.getSize()))
        bodies.append((scaled.get(i).getName(), along))
    return Measurement(
        measurement.getName(),
        tuple((pair.getMarkerName(0), pair.getMarkerName(1)) for pair in pairs),
        tuple(bodies),
    )


def main(
    osim: Annotated[Path, tyro.conf.Positional],
    setup: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    markers: Path | None = None,
) -> int:
    """Read a body model and what scales it into arrays.

    Args:
        osim: the model.
        setup: the ScaleTool set-up (.xml).
        out: file to write (.npz).
        markers: a marker set (.xml) to put into the model.
    """
    read = BodyModel(read_model(osim, markers), read_measurements(setup))
    arrays: dict[str, Any] = body_model.pack(read)
    with out.open("wb") as file:
        np.savez(file, **arrays)
    return 0


if __name__ == "__main__":
    own_process.run(main)
