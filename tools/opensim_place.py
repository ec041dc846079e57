"""Markers of a model put at other places on their bodies, as a process of its own.

``python -m tools.opensim_place JOB.json``.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import tyro

from tools import own_process
from tools.opensim_jobs import Place
from tools.opensim_model import open_model
from tools.quiet_opensim import opensim


def main(job: Annotated[Path, tyro.conf.Positional]) -> int:
    """Write a model with its markers at other places.

    Args:
        job: what to do (JSON).
    """
    wanted = msgspec.json.decode(job.read_bytes(), type=Place)
    model = open_model(Path(wanted.osim))
    for name, place_m in wanted.places_m.items():
        marker = model.updMarkerSet().get(name)
        base = marker.getParentFrame().findBaseFrame().getName()
        if marker.getParentFrame().getName() != base:
            marker.changeFrame(model.getBodySet().get(base))
        marker.set_location(opensim.Vec3(*place_m))
    model.finalizeConnections()
    model.printToXML(wanted.out)
    return 0


if __name__ == "__main__":
    own_process.run(main)
