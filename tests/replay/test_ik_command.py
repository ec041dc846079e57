"""``kinelive ik`` on the published balancing trial, ours against OpenSim's own solver."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import mot, trc
from core.kinematics.tree import ROTATIONAL
from tests.command import ROOT, kinelive
from tests.unit.kinematics import trial
from tests.unit.kinematics.bodies import MODELS
from tools.opensim_model import read_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SHARE_OF_OPENSIMS = 1.001


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ik")
    (made / "bal.trc").write_text(trc.write(trial.trajectories(), "bal.trc"))
    for name in MODELS:
        trial.scaled(name, made)
    return made


def run(folder: Path, model: str, solver: str) -> dict[str, Any]:
    out = folder / f"{model}.{solver}.mot"
    arguments = ("--osim", str(folder / f"scaled_{model}"), "--out", str(out), "--solver", solver)
    done = kinelive("ik", str(folder / "bal.trc"), *arguments, "--json", timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert not (ROOT / "opensim.log").exists()
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("model", MODELS)
def test_the_cost_is_not_above_opensims(model: str, folder: Path):
    ours, theirs = run(folder, model, "fast"), run(folder, model, "opensim")
    print(f"{model}: cost {ours['cost_m2'] / theirs['cost_m2']:.4f} of OpenSim's")
    assert ours["frames"] == 100
    assert ours["markers"] == 22
    assert ours["cost_m2"] <= SHARE_OF_OPENSIMS * theirs["cost_m2"]
    tree = read_model(folder / f"scaled_{model}")
    tables = [mot.parse(Path(one["mot"]).read_text()) for one in (ours, theirs)]
    assert tables[0].columns == tables[1].columns == tree.coordinates
    q, other = (mot.to_coordinates(table, tree) for table in tables)
    np.testing.assert_allclose(tables[0].times_s, tables[1].times_s, atol=1e-6)
    apart = np.sqrt(((q - other) ** 2).mean(axis=0))
    turns = tree.coordinate_kind == ROTATIONAL
    for name, rms in zip(np.array(tree.coordinates)[turns], np.rad2deg(apart[turns]), strict=True):
        print(f"{name:24s} {rms:6.2f} deg")
    legs = [i for i, name in enumerate(tree.coordinates) if name.startswith(("hip", "knee_angle"))]
    assert np.rad2deg(apart[legs]).max() < 3.0


def test_what_cannot_be_done_is_told(folder: Path):
    model = ("--osim", str(folder / f"scaled_{MODELS[0]}"), "--out", str(folder / "no.mot"))
    done = kinelive("ik", str(folder / "nothing.trc"), *model)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
    of = trial.trajectories()
    gaps = of.points_m.copy()
    gaps[:, of.markers.index("RKnee")] = np.nan
    (folder / "gaps.trc").write_text(trc.write(replace(of, points_m=gaps), "gaps.trc"))
    done = kinelive("ik", str(folder / "gaps.trc"), *model)
    assert done.returncode == 2
    assert "no frame has all of" in done.stderr
    done = kinelive("ik", str(folder / "bal.trc"), "--osim", "asset:opensim/nothing", *model[2:])
    assert done.returncode == 2
    assert "no such asset" in done.stderr
