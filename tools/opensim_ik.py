"""OpenSim's own inverse kinematics, the reference for ours, as a process of its own.

``python -m tools.opensim_ik JOB.json``. Its answer depends on the order of the markers in the .trc
and is not quite at the least of its own cost: it stops when a step gains under 2e-9 m².
"""

from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from core.errors import ModelError
from tools import own_process
from tools.opensim_model import open_model
from tools.quiet_opensim import opensim


class Job(msgspec.Struct, frozen=True):
    """What to solve."""

    osim: str
    markers: str
    """Marker set to put into the model; empty for none."""
    trc: str
    marker_weights: dict[str, float]
    coordinate_weights: dict[str, float]
    """Coordinates pulled to their default value."""
    times_s: tuple[float, float]
    """The first and the last."""
    mot: str
    """File to write."""


def main(job: Annotated[Path, tyro.conf.Positional]) -> int:
    """Run OpenSim's InverseKinematicsTool.

    Args:
        job: what to solve (JSON).
    """
    solve(msgspec.json.decode(job.read_bytes(), type=Job))
    return 0


def solve(job: Job) -> None:
    """Write the .mot.

    Raises:
        ModelError: OpenSim refuses the model or the markers.
    """
    model = open_model(Path(job.osim), Path(job.markers) if job.markers else None)
    tool = opensim.InverseKinematicsTool()
    tool.setModel(model)
    tool.setMarkerDataFileName(job.trc)
    tool.setOutputMotionFileName(job.mot)
    tool.setStartTime(job.times_s[0])
    tool.setEndTime(job.times_s[1])
    tool.setResultsDir(str(Path(job.mot).parent))
    tool.set_report_errors(False)
    names = {coordinate.getName() for coordinate in model.getCoordinateSet()}
    for kind, weights in (
        (opensim.IKMarkerTask, job.marker_weights),
        (opensim.IKCoordinateTask, {k: w for k, w in job.coordinate_weights.items() if k in names}),
    ):
        for name, weight in weights.items():
            task = kind()
            task.setName(name)
            task.setApply(True)
            task.setWeight(weight)
            tool.getIKTaskSet().cloneAndAppend(task)
    try:
        tool.run()
    except RuntimeError as error:
        said = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise ModelError(f"OpenSim's inverse kinematics failed: {said}") from error


if __name__ == "__main__":
    own_process.run(main)
