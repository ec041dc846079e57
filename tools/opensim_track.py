"""OpenSim's solver frame by frame, each frame timed, on a model that OpenSim scales itself.

``python -m tools.opensim_track JOB.json``. The tool of ``tools.opensim_ik`` does the same in one
call, its start included; here the model is loaded and assembled before the clock runs, and is
without muscles and contacts, which positions do not need.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import tyro
from numpy.typing import NDArray

from core.errors import ModelError
from tools import own_process
from tools.opensim_model import open_model
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]


class Job(msgspec.Struct, frozen=True):
    """What to track."""

    osim: str
    markers: str
    """Marker set to put into the model."""
    factors: dict[str, tuple[float, float, float]]
    """By body; empty: the model as it is."""
    trc: str
    marker_weights: dict[str, float]
    coordinate_weights: dict[str, float]
    """Coordinates pulled to their default value."""
    out: str
    """File to write (.npz): ``coordinates`` (T, Q) rad, m; ``wall_us`` and ``processor_us`` (T,).
    """


def main(job: Annotated[Path, tyro.conf.Positional]) -> int:
    """Track all frames of a .trc.

    Args:
        job: what to track (JSON).
    """
    track(msgspec.json.decode(job.read_bytes(), type=Job))
    return 0


def track(job: Job) -> None:
    """Write the result.

    Raises:
        ModelError: OpenSim refuses the model or the markers.
    """
    model = scaled(open_model(Path(job.osim), Path(job.markers)), job.factors)
    model.updForceSet().clearAndDestroy()
    model.updContactGeometrySet().clearAndDestroy()
    model.finalizeConnections()
    state = model.initSystem()
    chosen = model.getCoordinateSet()
    coordinates = [chosen.get(i) for i in range(chosen.getSize())]
    try:
        solver, times_s, _kept = _solver(model, coordinates, job)
        state.setTime(times_s[0])
        solver.assemble(state)
        found, wall_us, processor_us = [], np.empty(len(times_s)), np.empty(len(times_s))
        for frame, time_s in enumerate(times_s):
            state.setTime(time_s)
            begin_ns, processor_ns = time.perf_counter_ns(), time.process_time_ns()
            solver.track(state)
            processor_us[frame] = (time.process_time_ns() - processor_ns) / 1e3
            wall_us[frame] = (time.perf_counter_ns() - begin_ns) / 1e3
            found.append([one.getValue(state) for one in coordinates])
    except RuntimeError as error:
        raise ModelError(f"OpenSim's solver failed: {error}") from error
    np.savez(job.out, coordinates=np.array(found), wall_us=wall_us, processor_us=processor_us)


def scaled(model: Any, factors: Mapping[str, tuple[float, float, float]]) -> Any:
    """The model with bodies scaled by factors, in place."""
    scales = opensim.ScaleSet()
    for body, values in factors.items():
        one = opensim.Scale()
        one.setSegmentName(body)
        one.setScaleFactors(opensim.Vec3(*values))
        one.setApply(True)
        scales.cloneAndAppend(one)
    if factors and not model.scale(model.initSystem(), scales, False):
        raise ModelError("OpenSim cannot scale the model by these factors")
    return model


def _solver(model: Any, coordinates: list[Any], job: Job) -> tuple[Any, list[float], Any]:
    """Solver, times of the frames, and what must live as long as the solver."""
    weights = opensim.SetMarkerWeights()
    for name, weight in job.marker_weights.items():
        weights.cloneAndAppend(opensim.MarkerWeight(name, weight))
    table = opensim.TimeSeriesTableVec3(job.trc)
    units = opensim.Units("m")
    reference = opensim.MarkersReference(table, weights, units)
    pulls = opensim.SimTKArrayCoordinateReference()
    for coordinate in coordinates:
        weight = job.coordinate_weights.get(coordinate.getName(), 0.0)
        if weight > 0.0:
            rest = opensim.Constant(coordinate.getDefaultValue())
            pull = opensim.CoordinateReference(coordinate.getName(), rest)
            pull.setWeight(weight)
            pulls.push_back(pull)
    solver = opensim.InverseKinematicsSolver(model, reference, pulls)
    solver.setAccuracy(1e-5)
    return solver, list(table.getIndependentColumn()), (reference, pulls)


if __name__ == "__main__":
    own_process.run(main)
