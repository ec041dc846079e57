"""A body model scaled to a person by OpenSim's ModelScaler, as a process of its own.

``python -m tools.opensim_scale MODEL.osim SETUP.xml [--markers SET.xml]``, the job (JSON) on
standard input: it can be started, and reads the model, before the person is known. The set-up says
which distances scale which bodies; ``core.kinematics.scaling`` makes factors of them, so that live
and offline scale alike; OpenSim puts them, and the mass, into the model with all its muscles and
inertias.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import tyro
from numpy.typing import NDArray

from core.errors import ModelError
from core.kinematics import scaling, tree
from core.kinematics.scaling import Measurement, Pair
from tools import own_process
from tools.opensim_body_model import read_measurements
from tools.opensim_jobs import Scale, Scaled
from tools.opensim_model import open_model, read_model
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Unscaled:
    """All that is known before the person is."""

    model: Any
    """OpenSim's."""
    measurements: tuple[Measurement, ...]
    distances_m: dict[Pair, float]
    """In the model."""


def main(
    osim: Annotated[Path, tyro.conf.Positional],
    setup: Annotated[Path, tyro.conf.Positional],
    markers: Path | None = None,
) -> int:
    """Scale a body model to the person of the job on standard input.

    Args:
        osim: the model.
        setup: OpenSim's scaling set-up.
        markers: marker set to put into the model.
    """
    unscaled = prepare(osim, setup, markers)
    if job := sys.stdin.buffer.read():  # none: nobody needs it any more
        scale(unscaled, msgspec.json.decode(job, type=Scale))
    return 0


def prepare(osim: Path, setup: Path, markers: Path | None) -> Unscaled:
    """Read the model and what is to be measured.

    Raises:
        ModelError: files that OpenSim cannot read.
    """
    measurements = read_measurements(setup)
    model = open_model(osim, markers)
    model_m = model_distances_m(model, scaling.all_pairs(measurements))
    return Unscaled(model, measurements, model_m)


def scale(unscaled: Unscaled, job: Scale) -> None:
    """Write the model.

    Raises:
        ModelError: factors that no person has.
    """
    said = _factors(job, unscaled.measurements, unscaled.distances_m)
    _write(unscaled.model, said.factors, job.mass_kg, Path(job.scaled_osim))
    arrays: dict[str, Any] = tree.pack(read_model(Path(job.scaled_osim)))
    with Path(job.tree).open("wb") as file:
        np.savez(file, **arrays)
    Path(job.said).write_bytes(msgspec.json.encode(said))


def model_distances_m(model: Any, pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Distances of the pairs whose markers an OpenSim model has, at its default pose.

    By OpenSim itself: our own kinematics would take a second to load here.
    """
    state = model.updWorkingState()
    model.realizePosition(state)
    markers = list(model.getMarkerSet())
    at_m = np.array([[one.getLocationInGround(state).get(i) for i in range(3)] for one in markers])
    names = [one.getName() for one in markers]
    each = scaling.distances_m(at_m.reshape(-1, 3), names, pairs)
    return {pair: float(m) for pair, m in zip(pairs, each, strict=True) if m > 0}


def _factors(job: Scale, measurements: Sequence[Measurement], model_m: dict[Pair, float]) -> Scaled:
    with np.load(job.points) as arrays:
        points_m = arrays["points_m"]
    pairs = tuple(model_m)
    seen_m = scaling.distances_m(points_m, job.marker_names, pairs)
    person_m = dict(zip(pairs, scaling.typical_m(seen_m, job.trimmed_share).tolist(), strict=True))
    found = scaling.body_factors(measurements, person_m, model_m, symmetric=job.symmetric)
    wanted = dict.fromkeys(body for one in measurements for body, _ in one.bodies)
    return Scaled(
        {body: (float(x), float(y), float(z)) for body, (x, y, z) in found.items()},
        tuple(body for body in wanted if body not in found),
    )


def _write(
    model: Any, factors: dict[str, tuple[float, float, float]], mass_kg: float, out: Path
) -> None:
    """OpenSim's own scaling by given factors; bodies that the model lacks are passed over."""
    there = {body.getName() for body in model.getBodySet()}
    tool = opensim.ScaleTool()
    scaler = tool.getModelScaler()
    for body, values in factors.items():
        if body in there:
            one = opensim.Scale()
            one.setSegmentName(body)
            one.setScaleFactors(opensim.Vec3(*values))
            one.setApply(True)
            scaler.getScaleSet().cloneAndAppend(one)
    order = opensim.ArrayStr()
    order.append("manualScale")
    scaler.setApply(True)
    scaler.setScalingOrder(order)
    scaler.setPreserveMassDist(True)
    scaler.setPrintResultFiles(False)
    if not scaler.processModel(model, "", mass_kg):
        raise ModelError("OpenSim could not scale the model")
    model.setName(f"{model.getName()}_scaled")
    model.printToXML(str(out))


if __name__ == "__main__":
    own_process.run(main)
