"""Pose2Sim itself takes an exported project, where its environment has been made."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from core import trc
from core.skeletons import HALPE_26
from services.export import Request, export
from tests.services import footage_session
from tools import peer_environment

_STAGES = """
from Pose2Sim import Pose2Sim
Pose2Sim.personAssociation()
Pose2Sim.triangulation()
"""


def quiet(*_: object) -> None:
    pass


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pose2sim_triangulates_an_exported_session(tmp_path: Path) -> None:
    if not peer_environment.is_there():
        pytest.skip("needs Pose2Sim's environment: `kinelive bench peer` makes it")
    folder, footage = footage_session.write(tmp_path)
    export(folder, tmp_path / "out", Request(targets=("pose2sim",)), quiet, force=False)
    project = tmp_path / "out" / "pose2sim" / "walk-07"
    done = subprocess.run(
        [str(peer_environment.python()), "-c", _STAGES],
        cwd=project,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (written,) = (project / "pose-3d").glob("*.trc")
    table = trc.parse(written.read_text())
    assert table.rate_hz == footage_session.RATE_HZ
    places = [HALPE_26.index(name) for name in table.markers]
    truth_m = trc.from_world(footage.people_m[0][:, places])[table.frames]
    apart_mm = 1000 * np.linalg.norm(table.points_m - truth_m, axis=-1)
    print(written.name, f"{len(table.frames)} frames, {len(table.markers)} markers,")
    print(f"off the truth: mean {np.nanmean(apart_mm):.3f} mm, most {np.nanmax(apart_mm):.3f} mm")
    assert len(table.frames) == footage_session.N_FRAMES
    assert float(np.nanmean(apart_mm)) < 0.5
